-- title: otherMails, masked
-- meaning: The addresses in otherMails as reports show them. One row per value.
select
    o.source_id,
    o.id,
    o.position,
    o.value_masked
from entra_user_othermail as o

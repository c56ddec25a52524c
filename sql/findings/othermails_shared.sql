-- title: otherMails shared by several people
-- meaning: The same address (without case) stands in the otherMails of several members of a tenant: whoever reads it
--   can reset the password of each. One row per user and address.
-- family: sspr
-- severity: high
-- fix: Find out whose address it is, and take it out of the others.
-- source: https://learn.microsoft.com/entra/identity/authentication/howto-sspr-authenticationdata
-- personal: yes
with repeated as (
    select o.value_key, o.source_id
    from entra_user_othermail as o
    where o.value_key is not null
    group by o.value_key, o.source_id
    having count(*) > 1
),

held as (
    select o.source_id, o.id, o.value_key, min(o.value) as value
    from repeated as r
    inner join entra_user_othermail as o on o.value_key = r.value_key and o.source_id = r.source_id
    inner join entra_user as e on e.id = o.id and e.source_id = o.source_id
    where e.is_guest = 0
    group by o.source_id, o.id, o.value_key
),

shared as (
    select h.source_id, h.value_key
    from held as h
    group by h.source_id, h.value_key
    having count(*) > 1
)

select
    'entra_user' as object_type,
    e.id as object_key,
    coalesce(e.userprincipalname, e.displayname) as object_name,
    'otherMails' as attribute,
    null as hr_value,
    null as ad_value,
    h.value as entra_value
from held as h
inner join shared as s on s.source_id = h.source_id and s.value_key = h.value_key
inner join entra_user as e on e.id = h.id and e.source_id = h.source_id

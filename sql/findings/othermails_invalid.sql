-- title: otherMails with an invalid address
-- meaning: A value of otherMails cannot be a mail address (docs/value-defects.md): the attribute names the defect.
--   One row per user and value and defect.
-- family: sspr
-- severity: medium
-- fix: Correct or remove it; backfill leaves users alone that have any value.
-- source: https://learn.microsoft.com/graph/api/resources/user
-- personal: yes
select
    'entra_user' as object_type,
    e.id as object_key,
    coalesce(e.userprincipalname, e.displayname) as object_name,
    d.defect as attribute,
    null as hr_value,
    null as ad_value,
    d.value as entra_value
from entra_value_defect as d
inner join entra_user as e on e.id = d.id and e.source_id = d.source_id
where d.attribute = 'othermails' and (e.is_guest is null or e.is_guest = 0)
group by e.source_id, e.id, e.userprincipalname, e.displayname, d.defect, d.value

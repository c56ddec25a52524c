-- title: Deleted in Entra, soon gone for good
-- meaning: A user or group was deleted in Entra and will be purged within 7 days: 30 days after its deletion nothing
--   brings it back. Filled where [entra] objects names deleted. The Entra value is the day of the deletion. One row
--   per deleted user or group.
-- family: groups
-- default: on
-- severity: medium
-- fix: Restore it (POST /directory/deletedItems/ID/restore, or the portal) where the deletion was a mistake; for a
--   synchronized user, bring the AD object back first.
-- source: https://learn.microsoft.com/graph/api/resources/directory
select
    case when d.object_type = 'group' then 'entra_group' else 'entra_user' end as object_type,
    d.id as object_key,
    coalesce(d.userprincipalname, d.displayname, d.mail) as object_name,
    'deletedDateTime' as attribute,
    null as hr_value,
    null as ad_value,
    substring(cast(d.deleteddatetime as varchar(26)), 1, 10) as entra_value
from entra_deleted as d
cross join clock as c
where
    d.deleted_day + 30 - c.as_of_day >= 0
    and d.deleted_day + 30 - c.as_of_day <= 7

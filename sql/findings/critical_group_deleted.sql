-- title: Critical group in the recycle bin
-- meaning: A group of table critical_group was deleted in Entra and lay in the recycle bin when the tenant was read.
--   The Entra value is the number of days left, none where they are over since or not known. Filled where [entra]
--   objects names deleted. One row per listed group.
-- family: groups
-- default: on
-- severity: critical
-- fix: Restore it (docs/groups.md says how), or take it off the list.
-- source: https://learn.microsoft.com/graph/api/directory-deleteditems-restore
select
    'entra_group' as object_type,
    d.id as object_key,
    coalesce(d.displayname, d.mail) as object_name,
    'deletedDateTime' as attribute,
    null as hr_value,
    null as ad_value,
    case when d.deleted_day + 30 >= k.as_of_day then cast(d.deleted_day + 30 - k.as_of_day as varchar(11)) end
        as entra_value
from critical_group as c
inner join entra_deleted as d on d.id = c.id
cross join clock as k
where d.object_type = 'group'

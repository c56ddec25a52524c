-- title: Group in the recycle bin
-- meaning: A group was deleted in Entra and can be restored until it is purged, 30 days after its deletion. The
--   attribute is its kind (groupTypes tells it: a deleted security group reports securityEnabled false), the Entra
--   value the days left. Filled where [entra] objects names deleted. One row per deleted group.
-- family: groups
-- severity: info
-- fix: Restore it where the deletion was a mistake (docs/groups.md says how); a new group of the name is another
--   group.
-- source: https://learn.microsoft.com/graph/api/directory-deleteditems-list
select
    'entra_group' as object_type,
    d.id as object_key,
    coalesce(d.displayname, d.mail) as object_name,
    case when d.is_unified = 1 then 'Microsoft 365 group' else 'security group' end as attribute,
    null as hr_value,
    null as ad_value,
    cast(d.deleted_day + 30 - c.as_of_day as varchar(11)) as entra_value
from entra_deleted as d
cross join clock as c
where d.object_type = 'group' and d.deleted_day + 30 >= c.as_of_day

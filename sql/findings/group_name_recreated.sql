-- title: Group made again while the old one is in the recycle bin
-- meaning: A group of the same name was made after the deletion of one that can still be restored (or nobody knows
--   when): two objects, and whatever named the old one by its id (roles, licences, policies) does not apply to the new
--   one. Names are compared without case. The object is the old group, the Entra value the id of the new one. Filled
--   where [entra] objects names deleted. One row per deleted group and new group.
-- family: groups
-- default: on
-- severity: high
-- fix: Decide which one shall live: restore the old one and delete the new one, or let the old one be purged.
-- source: https://learn.microsoft.com/graph/api/directory-deleteditems-restore
-- identity: entra_value
select
    'entra_group' as object_type,
    d.id as object_key,
    coalesce(d.displayname, d.mail) as object_name,
    'displayName' as attribute,
    null as hr_value,
    null as ad_value,
    g.id as entra_value
from entra_deleted as d
inner join entra_group as g on g.name_key = d.name_key and g.source_id = d.source_id
cross join clock as c
where
    d.object_type = 'group'
    and d.deleted_day + 30 >= c.as_of_day
    and (g.createddatetime is null or g.createddatetime >= d.deleteddatetime)

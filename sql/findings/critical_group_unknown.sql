-- title: Critical group that no tenant has
-- meaning: The id of a row of table critical_group is no group of any loaded tenant, alive or in its recycle bin: it
--   is written wrongly (ids are in lower case), or gone for good. The Entra value is the owner. One row per row of
--   critical_group.
-- family: groups
-- default: on
-- severity: high
-- fix: Correct the id in critical_group, or take the row out when the group is gone and was replaced.
-- source: https://learn.microsoft.com/graph/api/resources/group
select
    'entra_group' as object_type,
    c.id as object_key,
    c.note as object_name,
    'id' as attribute,
    null as hr_value,
    null as ad_value,
    c.owner as entra_value
from critical_group as c
where
    not exists (
        select 1
        from entra_group as g
        where g.id = c.id
    )
    and not exists (
        select 1
        from entra_deleted as d
        where d.id = c.id and d.object_type = 'group'
    )

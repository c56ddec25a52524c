-- title: Group gone for good since the last load
-- meaning: The load before the last one had the group, alive or in the recycle bin; the last one has it in neither:
--   it was purged, or is of a kind that is not kept (attribute groupTypes says alive before). Filled where [entra]
--   objects names deleted. One row per group.
-- family: groups
-- severity: medium
-- fix: A purged group cannot come back; make a new one and give it anew whatever named the old one by its id.
-- source: https://learn.microsoft.com/graph/api/group-delete
with last_run as (
    select r.source_id, max(r.run_id) as run_id
    from load_run as r
    inner join load_run_table as t on t.run_id = r.run_id
    where r.status = 'published' and t.table_name = 'entra_deleted'
    group by r.source_id
),

before as (
    select h.source_id, h.id, coalesce(h.displayname, h.mail) as name, 'deletedDateTime' as attribute,
        substring(cast(h.deleteddatetime as varchar(26)), 1, 10) as entra_value
    from entra_deleted_history as h
    inner join last_run as r on r.source_id = h.source_id and r.run_id = h.to_run
    where h.object_type = 'group'
    union all
    select h.source_id, h.id, h.displayname, 'groupTypes',
        case when h.is_unified = 1 then 'Unified' end
    from entra_group_history as h
    inner join last_run as r on r.source_id = h.source_id and r.run_id = h.to_run
)

select
    'entra_group' as object_type,
    b.id as object_key,
    b.name as object_name,
    b.attribute,
    null as hr_value,
    null as ad_value,
    b.entra_value
from before as b
where
    not exists (
        select 1
        from entra_group as g
        where g.id = b.id and g.source_id = b.source_id
    )
    and not exists (
        select 1
        from entra_deleted as d
        where d.id = b.id and d.source_id = b.source_id
    )

-- title: Group without an owner
-- meaning: An AD group whose managedBy is empty, or names a user that is disabled; built-in and critical groups are
--   left out. A group of the cloud without owners, or whose owners are all disabled users (the Entra value is their
--   number); those made in Exchange are left out, Graph has no owners of them. Entra groups are looked at where
--   [entra] objects names group_owners. A synced group is reported in AD alone. One row per group.
-- family: groups
-- severity: low
-- fix: Enter somebody who answers for the group.
-- source: https://learn.microsoft.com/graph/api/group-list-owners
with last_run as (
    select r.source_id, max(r.run_id) as run_id
    from load_run as r
    where r.status = 'published'
    group by r.source_id
),

-- tenants whose last load read owners
told as (
    select r.source_id
    from last_run as r
    inner join load_run_table as t on t.run_id = r.run_id
    where t.table_name = 'entra_group_owner'
)

select
    'ad_group' as object_type,
    g.guid as object_key,
    coalesce(g.samaccountname, g.cn) as object_name,
    'managedBy' as attribute,
    null as hr_value,
    g.managedby as ad_value,
    null as entra_value
from ad_group as g
where
    (g.grouptype is null or (g.grouptype & 1) = 0)
    and (g.iscriticalsystemobject is null or g.iscriticalsystemobject = 0)
    and (
        g.managedby is null
        or exists (
            select 1
            from ad_user as a
            where a.dn_key = g.managedby_key and a.is_enabled = 0
        )
    )
union all
select
    'entra_group',
    e.id,
    e.displayname,
    'owners',
    null,
    null,
    cast(count(o.owner_id) as varchar(11))
from entra_group as e
inner join told as t on t.source_id = e.source_id
left join entra_group_owner as o on o.id = e.id and o.source_id = e.source_id
left join entra_user as u on u.id = o.owner_id and u.source_id = o.source_id
where coalesce(e.is_synced, 0) = 0 and (coalesce(e.mailenabled, 0) = 0 or e.is_unified = 1)
group by e.source_id, e.id, e.displayname
having sum(case when o.owner_id is not null and coalesce(u.is_enabled, 1) = 1 then 1 else 0 end) = 0

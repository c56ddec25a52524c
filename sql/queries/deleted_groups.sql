-- title: Deleted groups
-- meaning: Every group in a recycle bin with its kind, the days left and whether it can still be restored, and every
--   group that the last load found purged, or gone without having been in the bin (state). Critical groups come first,
--   then those that are purged soonest. name_taken_by is the id of a group of the same name made after the deletion.
--   One row per group.
-- note: fill the tables with "deleted" in [entra] objects; days are counted from the last refresh.
with last_run as (
    select r.source_id, max(r.run_id) as run_id
    from load_run as r
    inner join load_run_table as t on t.run_id = r.run_id
    where r.status = 'published' and t.table_name = 'entra_deleted'
    group by r.source_id
),

former as (
    select h.source_id, h.id, coalesce(h.displayname, h.mail) as name, 'purged' as state, h.is_unified,
        null as securityenabled, null as mailenabled, h.name_key, h.deleteddatetime
    from entra_deleted_history as h
    inner join last_run as r on r.source_id = h.source_id and r.run_id = h.to_run
    where h.object_type = 'group'
    union all
    select h.source_id, h.id, coalesce(h.displayname, h.mail), 'gone', h.is_unified, h.securityenabled,
        h.mailenabled, h.name_key, null
    from entra_group_history as h
    inner join last_run as r on r.source_id = h.source_id and r.run_id = h.to_run
),

deleted as (
    select d.source_id, d.id, coalesce(d.displayname, d.mail) as name,
        case when d.deleted_day + 30 < c.as_of_day then 'past its days' else 'in the bin' end as state,
        case
            when d.is_unified = 1 then 'Microsoft 365 group'
            when d.is_unified = 0 then 'security group'
        end as kind,
        d.deleted_day + 30 - c.as_of_day as days_left, d.name_key, d.deleteddatetime
    from entra_deleted as d
    cross join clock as c
    where d.object_type = 'group'
    union all
    select f.source_id, f.id, f.name, f.state,
        case
            when f.is_unified = 1 then 'Microsoft 365 group'
            when f.mailenabled = 1 and f.securityenabled = 1 then 'mail-enabled security group'
            when f.mailenabled = 1 then 'distribution group'
            when f.is_unified = 0 then 'security group'
        end,
        null, f.name_key, f.deleteddatetime
    from former as f
    where
        not exists (
            select 1
            from entra_group as g
            where g.id = f.id and g.source_id = f.source_id
        )
        and not exists (
            select 1
            from entra_deleted as d
            where d.id = f.id and d.source_id = f.source_id
        )
),

successor as (
    select d.source_id, d.id, min(g.id) as name_taken_by
    from deleted as d
    inner join entra_group as g on g.name_key = d.name_key and g.source_id = d.source_id
    where d.deleteddatetime is null or g.createddatetime is null or g.createddatetime >= d.deleteddatetime
    group by d.source_id, d.id
)

select
    s.name as source_name,
    d.id,
    d.name,
    d.kind,
    d.state,
    case when d.days_left >= 0 then d.days_left end as days_left,
    case when d.days_left >= 0 then 1 when d.state = 'in the bin' then null else 0 end as is_restorable,
    d.deleteddatetime,
    case when k.id is null then 0 else 1 end as is_critical,
    k.owner,
    k.contact,
    t.name_taken_by
from deleted as d
inner join source as s on s.source_id = d.source_id
left join critical_group as k on k.id = d.id
left join successor as t on t.id = d.id and t.source_id = d.source_id
order by
    case when k.id is null then 1 else 0 end,
    case when d.days_left >= 0 then d.days_left else 31 end,
    s.name,
    d.id

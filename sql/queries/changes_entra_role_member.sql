-- title: Members that joined or left (entra_role_member)
-- meaning: One row per direct member that joined or left a group between two loads, with the load that showed
--   it. One that left and joined again has a row for each. is_eligible tells who may activate the role from
--   who holds it. group_name is the present one, of a group that is gone the one it had then.
-- param: before int number of the load to compare from (kept_loads lists them), itself not included
-- param: before_at time instead of before: UTC, for example 2026-03-01
-- param: after int number of the load to compare up to, itself included
-- param: after_at time instead of after: UTC
with side as (
    select
        c.source_id,
        c.id,
        c.member_id,
        c.is_eligible,
        r.run_id,
        r.finished_at,
        1 as is_new
    from entra_role_member as c
    inner join load_run as r on r.run_id = c.run_id
    inner join source as s on s.source_id = c.source_id
    where
        (r.run_id > :before or r.finished_at > :before_at)
        and (r.run_id <= :after or r.finished_at <= :after_at)
        and r.run_id > coalesce(s.history_run, 0)
    union all
    select
        h.source_id,
        h.id,
        h.member_id,
        h.is_eligible,
        r.run_id,
        r.finished_at,
        1 as is_new
    from entra_role_member_history as h
    inner join load_run as r on r.run_id = h.from_run
    inner join source as s on s.source_id = h.source_id
    where
        (r.run_id > :before or r.finished_at > :before_at)
        and (r.run_id <= :after or r.finished_at <= :after_at)
        and r.run_id > coalesce(s.history_run, 0)
    union all
    select
        h.source_id,
        h.id,
        h.member_id,
        h.is_eligible,
        r.run_id,
        r.finished_at,
        0 as is_new
    from entra_role_member_history as h
    inner join load_run as r on r.run_id = h.to_run
    inner join source as s on s.source_id = h.source_id
    where
        (r.run_id > :before or r.finished_at > :before_at)
        and (r.run_id <= :after or r.finished_at <= :after_at)
        and r.run_id > coalesce(s.history_run, 0)
),

event as (
    select
        v.source_id,
        v.id,
        v.member_id,
        v.is_eligible,
        v.run_id,
        v.finished_at,
        max(v.is_new) as is_new,
        v.run_id - 1 + max(v.is_new) as had_run
    from side as v
    group by v.source_id, v.id, v.member_id, v.is_eligible, v.run_id, v.finished_at
    having min(v.is_new) = max(v.is_new)
)

select
    s.name as source_name,
    v.id,
    coalesce(g.displayname, p.displayname) as group_name,
    v.member_id,
    v.is_eligible,
    case when v.is_new = 1 then 'joined' else 'left' end as change,
    v.run_id,
    v.finished_at
from event as v
inner join source as s on s.source_id = v.source_id
left join entra_role as g on g.source_id = v.source_id and g.id = v.id
left join entra_role_history as p
    on p.source_id = v.source_id and p.id = v.id and p.from_run <= v.had_run and p.to_run > v.had_run

-- title: Owners that joined or left (entra_group_owner)
-- meaning: One row per owner that joined or left a group between two loads, with the load that showed it. One
--   that left and joined again has a row for each.
-- param: before int number of the load to compare from (kept_loads lists them), itself not included
-- param: before_at time instead of before: UTC, for example 2026-03-01
-- param: after int number of the load to compare up to, itself included
-- param: after_at time instead of after: UTC
select
    s.name as source_name,
    c.id,
    g.displayname as group_name,
    c.owner_id,
    'joined' as change,
    r.run_id,
    r.finished_at
from entra_group_owner as c
inner join load_run as r on r.run_id = c.run_id
inner join source as s on s.source_id = c.source_id
left join entra_group as g on g.source_id = c.source_id and g.id = c.id
where (r.run_id > :before or r.finished_at > :before_at) and (r.run_id <= :after or r.finished_at <= :after_at)
union all
select
    s.name as source_name,
    h.id,
    g.displayname as group_name,
    h.owner_id,
    'joined' as change,
    r.run_id,
    r.finished_at
from entra_group_owner_history as h
inner join load_run as r on r.run_id = h.from_run
inner join source as s on s.source_id = h.source_id
left join entra_group as g on g.source_id = h.source_id and g.id = h.id
where (r.run_id > :before or r.finished_at > :before_at) and (r.run_id <= :after or r.finished_at <= :after_at)
union all
select
    s.name as source_name,
    h.id,
    g.displayname as group_name,
    h.owner_id,
    'left' as change,
    r.run_id,
    r.finished_at
from entra_group_owner_history as h
inner join load_run as r on r.run_id = h.to_run
inner join source as s on s.source_id = h.source_id
left join entra_group as g on g.source_id = h.source_id and g.id = h.id
where (r.run_id > :before or r.finished_at > :before_at) and (r.run_id <= :after or r.finished_at <= :after_at)

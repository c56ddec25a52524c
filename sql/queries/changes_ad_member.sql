-- title: Members that joined or left (ad_member)
-- meaning: One row per direct member that joined or left a group between two loads, with the load that showed
--   it. One that left and joined again has a row for each.
-- param: before int number of the load to compare from (kept_loads lists them), itself not included
-- param: before_at time instead of before: UTC, for example 2026-03-01
-- param: after int number of the load to compare up to, itself included
-- param: after_at time instead of after: UTC
select
    s.name as source_name,
    c.guid,
    g.name as group_name,
    c.member_dn,
    'joined' as change,
    r.run_id,
    r.finished_at
from ad_member as c
inner join load_run as r on r.run_id = c.run_id
inner join source as s on s.source_id = c.source_id
left join ad_group as g on g.source_id = c.source_id and g.guid = c.guid
where (r.run_id > :before or r.finished_at > :before_at) and (r.run_id <= :after or r.finished_at <= :after_at)
union all
select
    s.name as source_name,
    h.guid,
    g.name as group_name,
    h.member_dn,
    'joined' as change,
    r.run_id,
    r.finished_at
from ad_member_history as h
inner join load_run as r on r.run_id = h.from_run
inner join source as s on s.source_id = h.source_id
left join ad_group as g on g.source_id = h.source_id and g.guid = h.guid
where (r.run_id > :before or r.finished_at > :before_at) and (r.run_id <= :after or r.finished_at <= :after_at)
union all
select
    s.name as source_name,
    h.guid,
    g.name as group_name,
    h.member_dn,
    'left' as change,
    r.run_id,
    r.finished_at
from ad_member_history as h
inner join load_run as r on r.run_id = h.to_run
inner join source as s on s.source_id = h.source_id
left join ad_group as g on g.source_id = h.source_id and g.guid = h.guid
where (r.run_id > :before or r.finished_at > :before_at) and (r.run_id <= :after or r.finished_at <= :after_at)

-- title: Source anchors and SIDs that changed
-- meaning: One row per source anchor or SID that differs between two loads, for users, groups and computers
--   that stand at both. They should never change, but for a consistency GUID that is set: an object whose
--   anchor or SID does was made again, moved from another domain, or matched to another.
-- param: before int number of the load to compare from (kept_loads lists them), itself not included
-- param: before_at time instead of before: UTC, for example 2026-03-01
-- param: after int number of the load to compare up to, itself included
-- param: after_at time instead of after: UTC
with moment_before as (
    select
        r.source_id,
        max(r.run_id) as run_id
    from load_run as r
    inner join source as s on s.source_id = r.source_id
    where r.status = 'published' and (r.run_id <= :before or r.finished_at <= :before_at)
    group by r.source_id
    having max(r.run_id) >= max(coalesce(s.history_run, 0))
),

moment_after as (
    select
        r.source_id,
        max(r.run_id) as run_id
    from load_run as r
    inner join source as s on s.source_id = r.source_id
    where r.status = 'published' and (r.run_id <= :after or r.finished_at <= :after_at)
    group by r.source_id
    having max(r.run_id) >= max(coalesce(s.history_run, 0))
),

ad_user_old as (
    select
        h.source_id,
        h.guid,
        h.displayname,
        h.immutable_id,
        h.msdsconsistencyguid,
        h.sid,
        b.run_id as before_run,
        e.run_id as after_run
    from ad_user_history as h
    inner join moment_before as b on b.source_id = h.source_id
    inner join moment_after as e on e.source_id = h.source_id
    where h.from_run <= b.run_id and h.to_run > b.run_id and h.to_run <= e.run_id
),

ad_user_new as (
    select
        c.source_id,
        c.guid,
        c.displayname,
        c.immutable_id,
        c.msdsconsistencyguid,
        c.sid,
        c.run_id as from_run
    from ad_user as c
    inner join moment_before as b on b.source_id = c.source_id
    inner join moment_after as e on e.source_id = c.source_id
    where c.run_id > b.run_id and c.run_id <= e.run_id
    union all
    select
        h.source_id,
        h.guid,
        h.displayname,
        h.immutable_id,
        h.msdsconsistencyguid,
        h.sid,
        h.from_run
    from ad_user_history as h
    inner join moment_before as b on b.source_id = h.source_id
    inner join moment_after as e on e.source_id = h.source_id
    where h.from_run > b.run_id and h.from_run <= e.run_id and h.to_run > e.run_id
),

ad_group_old as (
    select
        h.source_id,
        h.guid,
        h.name,
        h.sid,
        b.run_id as before_run,
        e.run_id as after_run
    from ad_group_history as h
    inner join moment_before as b on b.source_id = h.source_id
    inner join moment_after as e on e.source_id = h.source_id
    where h.from_run <= b.run_id and h.to_run > b.run_id and h.to_run <= e.run_id
),

ad_group_new as (
    select
        c.source_id,
        c.guid,
        c.name,
        c.sid,
        c.run_id as from_run
    from ad_group as c
    inner join moment_before as b on b.source_id = c.source_id
    inner join moment_after as e on e.source_id = c.source_id
    where c.run_id > b.run_id and c.run_id <= e.run_id
    union all
    select
        h.source_id,
        h.guid,
        h.name,
        h.sid,
        h.from_run
    from ad_group_history as h
    inner join moment_before as b on b.source_id = h.source_id
    inner join moment_after as e on e.source_id = h.source_id
    where h.from_run > b.run_id and h.from_run <= e.run_id and h.to_run > e.run_id
),

ad_computer_old as (
    select
        h.source_id,
        h.guid,
        h.name,
        h.sid,
        b.run_id as before_run,
        e.run_id as after_run
    from ad_computer_history as h
    inner join moment_before as b on b.source_id = h.source_id
    inner join moment_after as e on e.source_id = h.source_id
    where h.from_run <= b.run_id and h.to_run > b.run_id and h.to_run <= e.run_id
),

ad_computer_new as (
    select
        c.source_id,
        c.guid,
        c.name,
        c.sid,
        c.run_id as from_run
    from ad_computer as c
    inner join moment_before as b on b.source_id = c.source_id
    inner join moment_after as e on e.source_id = c.source_id
    where c.run_id > b.run_id and c.run_id <= e.run_id
    union all
    select
        h.source_id,
        h.guid,
        h.name,
        h.sid,
        h.from_run
    from ad_computer_history as h
    inner join moment_before as b on b.source_id = h.source_id
    inner join moment_after as e on e.source_id = h.source_id
    where h.from_run > b.run_id and h.from_run <= e.run_id and h.to_run > e.run_id
),

entra_user_old as (
    select
        h.source_id,
        h.id,
        h.displayname,
        h.onpremisesimmutableid,
        h.sid,
        b.run_id as before_run,
        e.run_id as after_run
    from entra_user_history as h
    inner join moment_before as b on b.source_id = h.source_id
    inner join moment_after as e on e.source_id = h.source_id
    where h.from_run <= b.run_id and h.to_run > b.run_id and h.to_run <= e.run_id
),

entra_user_new as (
    select
        c.source_id,
        c.id,
        c.displayname,
        c.onpremisesimmutableid,
        c.sid,
        c.run_id as from_run
    from entra_user as c
    inner join moment_before as b on b.source_id = c.source_id
    inner join moment_after as e on e.source_id = c.source_id
    where c.run_id > b.run_id and c.run_id <= e.run_id
    union all
    select
        h.source_id,
        h.id,
        h.displayname,
        h.onpremisesimmutableid,
        h.sid,
        h.from_run
    from entra_user_history as h
    inner join moment_before as b on b.source_id = h.source_id
    inner join moment_after as e on e.source_id = h.source_id
    where h.from_run > b.run_id and h.from_run <= e.run_id and h.to_run > e.run_id
),

entra_group_old as (
    select
        h.source_id,
        h.id,
        h.displayname,
        h.sid,
        b.run_id as before_run,
        e.run_id as after_run
    from entra_group_history as h
    inner join moment_before as b on b.source_id = h.source_id
    inner join moment_after as e on e.source_id = h.source_id
    where h.from_run <= b.run_id and h.to_run > b.run_id and h.to_run <= e.run_id
),

entra_group_new as (
    select
        c.source_id,
        c.id,
        c.displayname,
        c.sid,
        c.run_id as from_run
    from entra_group as c
    inner join moment_before as b on b.source_id = c.source_id
    inner join moment_after as e on e.source_id = c.source_id
    where c.run_id > b.run_id and c.run_id <= e.run_id
    union all
    select
        h.source_id,
        h.id,
        h.displayname,
        h.sid,
        h.from_run
    from entra_group_history as h
    inner join moment_before as b on b.source_id = h.source_id
    inner join moment_after as e on e.source_id = h.source_id
    where h.from_run > b.run_id and h.from_run <= e.run_id and h.to_run > e.run_id
)

select
    s.name as source_name,
    'ad_user' as object_type,
    o.guid as object_key,
    n.displayname as object_name,
    'immutable_id' as attribute,
    o.immutable_id as before_anchor,
    n.immutable_id as after_anchor,
    n.from_run as run_id
from ad_user_old as o
inner join ad_user_new as n on n.source_id = o.source_id and n.guid = o.guid
inner join source as s on s.source_id = o.source_id
where
    coalesce(o.immutable_id, '')
    <> coalesce(n.immutable_id, '')
union all
select
    s.name as source_name,
    'ad_user' as object_type,
    o.guid as object_key,
    n.displayname as object_name,
    'msdsconsistencyguid' as attribute,
    case when o.msdsconsistencyguid is not null then o.immutable_id end as before_anchor,
    case when n.msdsconsistencyguid is not null then n.immutable_id end as after_anchor,
    n.from_run as run_id
from ad_user_old as o
inner join ad_user_new as n on n.source_id = o.source_id and n.guid = o.guid
inner join source as s on s.source_id = o.source_id
where
    coalesce(case when o.msdsconsistencyguid is not null then o.immutable_id end, '')
    <> coalesce(case when n.msdsconsistencyguid is not null then n.immutable_id end, '')
union all
select
    s.name as source_name,
    'ad_user' as object_type,
    o.guid as object_key,
    n.displayname as object_name,
    'sid' as attribute,
    o.sid as before_anchor,
    n.sid as after_anchor,
    n.from_run as run_id
from ad_user_old as o
inner join ad_user_new as n on n.source_id = o.source_id and n.guid = o.guid
inner join source as s on s.source_id = o.source_id
where
    coalesce(o.sid, '')
    <> coalesce(n.sid, '')
union all
select
    s.name as source_name,
    'ad_group' as object_type,
    o.guid as object_key,
    n.name as object_name,
    'sid' as attribute,
    o.sid as before_anchor,
    n.sid as after_anchor,
    n.from_run as run_id
from ad_group_old as o
inner join ad_group_new as n on n.source_id = o.source_id and n.guid = o.guid
inner join source as s on s.source_id = o.source_id
where
    coalesce(o.sid, '')
    <> coalesce(n.sid, '')
union all
select
    s.name as source_name,
    'ad_computer' as object_type,
    o.guid as object_key,
    n.name as object_name,
    'sid' as attribute,
    o.sid as before_anchor,
    n.sid as after_anchor,
    n.from_run as run_id
from ad_computer_old as o
inner join ad_computer_new as n on n.source_id = o.source_id and n.guid = o.guid
inner join source as s on s.source_id = o.source_id
where
    coalesce(o.sid, '')
    <> coalesce(n.sid, '')
union all
select
    s.name as source_name,
    'entra_user' as object_type,
    o.id as object_key,
    n.displayname as object_name,
    'onpremisesimmutableid' as attribute,
    o.onpremisesimmutableid as before_anchor,
    n.onpremisesimmutableid as after_anchor,
    n.from_run as run_id
from entra_user_old as o
inner join entra_user_new as n on n.source_id = o.source_id and n.id = o.id
inner join source as s on s.source_id = o.source_id
where
    coalesce(o.onpremisesimmutableid, '')
    <> coalesce(n.onpremisesimmutableid, '')
union all
select
    s.name as source_name,
    'entra_user' as object_type,
    o.id as object_key,
    n.displayname as object_name,
    'sid' as attribute,
    o.sid as before_anchor,
    n.sid as after_anchor,
    n.from_run as run_id
from entra_user_old as o
inner join entra_user_new as n on n.source_id = o.source_id and n.id = o.id
inner join source as s on s.source_id = o.source_id
where
    coalesce(o.sid, '')
    <> coalesce(n.sid, '')
union all
select
    s.name as source_name,
    'entra_group' as object_type,
    o.id as object_key,
    n.displayname as object_name,
    'sid' as attribute,
    o.sid as before_anchor,
    n.sid as after_anchor,
    n.from_run as run_id
from entra_group_old as o
inner join entra_group_new as n on n.source_id = o.source_id and n.id = o.id
inner join source as s on s.source_id = o.source_id
where
    coalesce(o.sid, '')
    <> coalesce(n.sid, '')

-- title: What changed in ad_contact
-- meaning: One row per attribute of ad_contact that differs between two loads, for objects that stand at both;
--   of a multi-valued attribute one row per value gained or lost. run_id is the load that brought the present
--   version. Where the database compares text without case, a change of case alone is not seen; source anchors
--   and SIDs stand in changes_anchor. Private addresses are masked.
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

compared as (
    select 'cn' as attribute
    union all
    select 'displayname' as attribute
    union all
    select 'description' as attribute
    union all
    select 'ou_path' as attribute
    union all
    select 'givenname' as attribute
    union all
    select 'sn' as attribute
    union all
    select 'mail' as attribute
    union all
    select 'mailnickname' as attribute
    union all
    select 'targetaddress' as attribute
    union all
    select 'company' as attribute
    union all
    select 'department' as attribute
),

old_row as (
    select
        h.source_id,
        h.guid,
        h.cn,
        h.displayname,
        h.description,
        h.ou_path,
        h.givenname,
        h.sn,
        h.mail,
        h.mailnickname,
        h.targetaddress,
        h.company,
        h.department,
        h.to_run
    from ad_contact_history as h
    inner join moment_before as b on b.source_id = h.source_id
    inner join moment_after as e on e.source_id = h.source_id
    where h.from_run <= b.run_id and h.to_run > b.run_id and h.to_run <= e.run_id
),

new_row as (
    select
        c.source_id,
        c.guid,
        c.cn,
        c.displayname,
        c.description,
        c.ou_path,
        c.givenname,
        c.sn,
        c.mail,
        c.mailnickname,
        c.targetaddress,
        c.company,
        c.department,
        c.run_id as from_run
    from ad_contact as c
    inner join moment_before as b on b.source_id = c.source_id
    inner join moment_after as e on e.source_id = c.source_id
    where c.run_id > b.run_id and c.run_id <= e.run_id
    union all
    select
        h.source_id,
        h.guid,
        h.cn,
        h.displayname,
        h.description,
        h.ou_path,
        h.givenname,
        h.sn,
        h.mail,
        h.mailnickname,
        h.targetaddress,
        h.company,
        h.department,
        h.from_run
    from ad_contact_history as h
    inner join moment_before as b on b.source_id = h.source_id
    inner join moment_after as e on e.source_id = h.source_id
    where h.from_run > b.run_id and h.from_run <= e.run_id and h.to_run > e.run_id
),

compared_value as (
    select
        n.source_id,
        n.guid,
        n.displayname,
        n.from_run,
        a.attribute,
        case a.attribute
            when 'cn' then o.cn
            when 'displayname' then o.displayname
            when 'description' then o.description
            when 'ou_path' then o.ou_path
            when 'givenname' then o.givenname
            when 'sn' then o.sn
            when 'mail' then o.mail
            when 'mailnickname' then o.mailnickname
            when 'targetaddress' then o.targetaddress
            when 'company' then o.company
            when 'department' then o.department
        end as before_value,
        case a.attribute
            when 'cn' then n.cn
            when 'displayname' then n.displayname
            when 'description' then n.description
            when 'ou_path' then n.ou_path
            when 'givenname' then n.givenname
            when 'sn' then n.sn
            when 'mail' then n.mail
            when 'mailnickname' then n.mailnickname
            when 'targetaddress' then n.targetaddress
            when 'company' then n.company
            when 'department' then n.department
        end as after_value
    from old_row as o
    inner join new_row as n on n.source_id = o.source_id and n.guid = o.guid
    cross join compared as a
),

changed_row as (
    select
        o.source_id,
        o.guid,
        n.displayname as object_name,
        n.from_run
    from old_row as o
    inner join new_row as n on n.source_id = o.source_id and n.guid = o.guid
),

side_ad_contact_proxyaddress as (
    select
        b.source_id,
        b.guid,
        b.object_name,
        b.from_run,
        c.value,
        c.value as shown,
        0 as is_new
    from changed_row as b
    inner join moment_before as m on m.source_id = b.source_id
    inner join ad_contact_proxyaddress as c on c.source_id = b.source_id and c.guid = b.guid
    where c.run_id <= m.run_id
    union all
    select
        b.source_id,
        b.guid,
        b.object_name,
        b.from_run,
        h.value,
        h.value as shown,
        0 as is_new
    from changed_row as b
    inner join moment_before as m on m.source_id = b.source_id
    inner join ad_contact_proxyaddress_history as h on h.source_id = b.source_id and h.guid = b.guid
    where h.from_run <= m.run_id and h.to_run > m.run_id
    union all
    select
        b.source_id,
        b.guid,
        b.object_name,
        b.from_run,
        c.value,
        c.value as shown,
        1 as is_new
    from changed_row as b
    inner join moment_after as m on m.source_id = b.source_id
    inner join ad_contact_proxyaddress as c on c.source_id = b.source_id and c.guid = b.guid
    where c.run_id <= m.run_id
    union all
    select
        b.source_id,
        b.guid,
        b.object_name,
        b.from_run,
        h.value,
        h.value as shown,
        1 as is_new
    from changed_row as b
    inner join moment_after as m on m.source_id = b.source_id
    inner join ad_contact_proxyaddress_history as h on h.source_id = b.source_id and h.guid = b.guid
    where h.from_run <= m.run_id and h.to_run > m.run_id
)

select
    s.name as source_name,
    v.guid,
    v.displayname as object_name,
    v.attribute,
    v.before_value,
    v.after_value,
    v.from_run as run_id
from compared_value as v
inner join source as s on s.source_id = v.source_id
where coalesce(v.before_value, '') <> coalesce(v.after_value, '')
union all
select
    s.name as source_name,
    v.guid,
    v.object_name,
    'proxyaddresses' as attribute,
    case when max(v.is_new) = 0 then max(v.shown) end as before_value,
    case when max(v.is_new) = 1 then max(v.shown) end as after_value,
    v.from_run as run_id
from side_ad_contact_proxyaddress as v
inner join source as s on s.source_id = v.source_id
group by s.name, v.guid, v.object_name, v.from_run, v.value
having min(v.is_new) = max(v.is_new)

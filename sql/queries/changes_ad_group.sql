-- title: What changed in ad_group
-- meaning: One row per attribute of ad_group that differs between two loads, for objects that stand at both;
--   of a multi-valued attribute one row per value gained or lost. run_id is the load that brought the present
--   version. Left out are values kept fresh in place (last logon, whenChanged and their like), what only
--   repeats another column (keys, days, raw times) and the order of values. Where the database compares text
--   without case, a change of case alone is not seen; source anchors and SIDs stand in changes_anchor. Private
--   addresses and mobile numbers are masked.
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
    select 1 as place
    union all
    select 2
    union all
    select 3
    union all
    select 4
    union all
    select 5
    union all
    select 6
    union all
    select 7
    union all
    select 8
    union all
    select 9
    union all
    select 10
    union all
    select 11
    union all
    select 12
    union all
    select 13
    union all
    select 14
    union all
    select 15
),

old_row as (
    select
        h.source_id,
        h.guid,
        h.distinguishedname,
        h.cn,
        h.name,
        h.displayname,
        h.description,
        h.ou_path,
        h.whencreated,
        h.samaccountname,
        h.samaccounttype,
        h.grouptype,
        h.mail,
        h.mailnickname,
        h.managedby,
        h.admincount,
        h.iscriticalsystemobject,
        b.run_id as before_run,
        e.run_id as after_run
    from ad_group_history as h
    inner join moment_before as b on b.source_id = h.source_id
    inner join moment_after as e on e.source_id = h.source_id
    where h.from_run <= b.run_id and h.to_run > b.run_id and h.to_run <= e.run_id
),

new_row as (
    select
        c.source_id,
        c.guid,
        c.distinguishedname,
        c.cn,
        c.name,
        c.displayname,
        c.description,
        c.ou_path,
        c.whencreated,
        c.samaccountname,
        c.samaccounttype,
        c.grouptype,
        c.mail,
        c.mailnickname,
        c.managedby,
        c.admincount,
        c.iscriticalsystemobject,
        c.run_id as from_run
    from ad_group as c
    inner join moment_before as b on b.source_id = c.source_id
    inner join moment_after as e on e.source_id = c.source_id
    where c.run_id > b.run_id and c.run_id <= e.run_id
    union all
    select
        h.source_id,
        h.guid,
        h.distinguishedname,
        h.cn,
        h.name,
        h.displayname,
        h.description,
        h.ou_path,
        h.whencreated,
        h.samaccountname,
        h.samaccounttype,
        h.grouptype,
        h.mail,
        h.mailnickname,
        h.managedby,
        h.admincount,
        h.iscriticalsystemobject,
        h.from_run
    from ad_group_history as h
    inner join moment_before as b on b.source_id = h.source_id
    inner join moment_after as e on e.source_id = h.source_id
    where h.from_run > b.run_id and h.from_run <= e.run_id and h.to_run > e.run_id
),

compared_value as (
    select
        n.source_id,
        n.guid,
        n.name,
        n.from_run,
        a.place,
        case
            when a.place <= 10 then case a.place
                when 1 then o.distinguishedname
                when 2 then o.cn
                when 3 then o.name
                when 4 then o.displayname
                when 5 then o.description
                when 6 then o.ou_path
                when 7 then substring(cast(o.whencreated as varchar(26)), 1, 19)
                when 8 then o.samaccountname
                when 9 then cast(o.samaccounttype as varchar(20))
                when 10 then cast(o.grouptype as varchar(20))
            end
            when a.place <= 15 then case a.place
                when 11 then o.mail
                when 12 then o.mailnickname
                when 13 then o.managedby
                when 14 then cast(o.admincount as varchar(20))
                when 15 then cast(o.iscriticalsystemobject as varchar(20))
            end
        end as before_value,
        case
            when a.place <= 10 then case a.place
                when 1 then n.distinguishedname
                when 2 then n.cn
                when 3 then n.name
                when 4 then n.displayname
                when 5 then n.description
                when 6 then n.ou_path
                when 7 then substring(cast(n.whencreated as varchar(26)), 1, 19)
                when 8 then n.samaccountname
                when 9 then cast(n.samaccounttype as varchar(20))
                when 10 then cast(n.grouptype as varchar(20))
            end
            when a.place <= 15 then case a.place
                when 11 then n.mail
                when 12 then n.mailnickname
                when 13 then n.managedby
                when 14 then cast(n.admincount as varchar(20))
                when 15 then cast(n.iscriticalsystemobject as varchar(20))
            end
        end as after_value
    from old_row as o
    inner join new_row as n on n.source_id = o.source_id and n.guid = o.guid
    cross join compared as a
),

changed_row as (
    select
        o.source_id,
        o.guid,
        n.name as object_name,
        n.from_run,
        o.before_run,
        o.after_run
    from old_row as o
    inner join new_row as n on n.source_id = o.source_id and n.guid = o.guid
),

side_ad_group_proxyaddress as (
    select
        b.source_id,
        b.guid,
        b.object_name,
        b.from_run,
        c.value as value,
        case when c.run_id <= b.before_run then 1 else 0 end as was_there,
        case when c.run_id <= b.after_run then 1 else 0 end as is_there
    from changed_row as b
    inner join ad_group_proxyaddress as c on c.source_id = b.source_id and c.guid = b.guid
    where c.run_id <= b.after_run
    union all
    select
        b.source_id,
        b.guid,
        b.object_name,
        b.from_run,
        h.value as value,
        case when h.from_run <= b.before_run and h.to_run > b.before_run then 1 else 0 end as was_there,
        case when h.from_run <= b.after_run and h.to_run > b.after_run then 1 else 0 end as is_there
    from changed_row as b
    inner join ad_group_proxyaddress_history as h on h.source_id = b.source_id and h.guid = b.guid
    where h.from_run <= b.after_run and h.to_run > b.before_run
)

select
    s.name as source_name,
    v.guid,
    v.name as object_name,
    case
        when v.place <= 10 then case v.place
            when 1 then 'distinguishedname'
            when 2 then 'cn'
            when 3 then 'name'
            when 4 then 'displayname'
            when 5 then 'description'
            when 6 then 'ou_path'
            when 7 then 'whencreated'
            when 8 then 'samaccountname'
            when 9 then 'samaccounttype'
            when 10 then 'grouptype'
        end
        when v.place <= 15 then case v.place
            when 11 then 'mail'
            when 12 then 'mailnickname'
            when 13 then 'managedby'
            when 14 then 'admincount'
            when 15 then 'iscriticalsystemobject'
        end
    end as attribute,
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
    case when max(v.was_there) = 1 then max(v.value) end as before_value,
    case when max(v.is_there) = 1 then max(v.value) end as after_value,
    v.from_run as run_id
from side_ad_group_proxyaddress as v
inner join source as s on s.source_id = v.source_id
where v.value is not null
group by s.name, v.guid, v.object_name, v.from_run, v.value
having max(v.was_there) <> max(v.is_there)

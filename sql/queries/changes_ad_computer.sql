-- title: What changed in ad_computer
-- meaning: One row per attribute of ad_computer that differs between two loads, for objects that stand at
--   both; of a multi-valued attribute one row per value gained or lost. run_id is the load that brought the
--   present version. Where the database compares text without case, a change of case alone is not seen; source
--   anchors and SIDs stand in changes_anchor. Private addresses are masked.
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
    select 'samaccountname' as attribute
    union all
    select 'name' as attribute
    union all
    select 'displayname' as attribute
    union all
    select 'description' as attribute
    union all
    select 'ou_path' as attribute
    union all
    select 'useraccountcontrol' as attribute
    union all
    select 'is_enabled' as attribute
    union all
    select 'primarygroupid' as attribute
    union all
    select 'dnshostname' as attribute
    union all
    select 'operatingsystem' as attribute
    union all
    select 'operatingsystemversion' as attribute
    union all
    select 'managedby' as attribute
    union all
    select 'pwd_last_set_at' as attribute
    union all
    select 'account_expires_at' as attribute
),

old_row as (
    select
        h.source_id,
        h.guid,
        h.samaccountname,
        h.name,
        h.displayname,
        h.description,
        h.ou_path,
        h.useraccountcontrol,
        h.is_enabled,
        h.primarygroupid,
        h.dnshostname,
        h.operatingsystem,
        h.operatingsystemversion,
        h.managedby,
        h.pwd_last_set_at,
        h.account_expires_at,
        h.to_run
    from ad_computer_history as h
    inner join moment_before as b on b.source_id = h.source_id
    inner join moment_after as e on e.source_id = h.source_id
    where h.from_run <= b.run_id and h.to_run > b.run_id and h.to_run <= e.run_id
),

new_row as (
    select
        c.source_id,
        c.guid,
        c.samaccountname,
        c.name,
        c.displayname,
        c.description,
        c.ou_path,
        c.useraccountcontrol,
        c.is_enabled,
        c.primarygroupid,
        c.dnshostname,
        c.operatingsystem,
        c.operatingsystemversion,
        c.managedby,
        c.pwd_last_set_at,
        c.account_expires_at,
        c.run_id as from_run
    from ad_computer as c
    inner join moment_before as b on b.source_id = c.source_id
    inner join moment_after as e on e.source_id = c.source_id
    where c.run_id > b.run_id and c.run_id <= e.run_id
    union all
    select
        h.source_id,
        h.guid,
        h.samaccountname,
        h.name,
        h.displayname,
        h.description,
        h.ou_path,
        h.useraccountcontrol,
        h.is_enabled,
        h.primarygroupid,
        h.dnshostname,
        h.operatingsystem,
        h.operatingsystemversion,
        h.managedby,
        h.pwd_last_set_at,
        h.account_expires_at,
        h.from_run
    from ad_computer_history as h
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
        a.attribute,
        case a.attribute
            when 'samaccountname' then o.samaccountname
            when 'name' then o.name
            when 'displayname' then o.displayname
            when 'description' then o.description
            when 'ou_path' then o.ou_path
            when 'useraccountcontrol' then cast(o.useraccountcontrol as varchar(20))
            when 'is_enabled' then cast(o.is_enabled as varchar(20))
            when 'primarygroupid' then cast(o.primarygroupid as varchar(20))
            when 'dnshostname' then o.dnshostname
            when 'operatingsystem' then o.operatingsystem
            when 'operatingsystemversion' then o.operatingsystemversion
            when 'managedby' then o.managedby
            when 'pwd_last_set_at' then substring(cast(o.pwd_last_set_at as varchar(26)), 1, 19)
            when 'account_expires_at' then substring(cast(o.account_expires_at as varchar(26)), 1, 19)
        end as before_value,
        case a.attribute
            when 'samaccountname' then n.samaccountname
            when 'name' then n.name
            when 'displayname' then n.displayname
            when 'description' then n.description
            when 'ou_path' then n.ou_path
            when 'useraccountcontrol' then cast(n.useraccountcontrol as varchar(20))
            when 'is_enabled' then cast(n.is_enabled as varchar(20))
            when 'primarygroupid' then cast(n.primarygroupid as varchar(20))
            when 'dnshostname' then n.dnshostname
            when 'operatingsystem' then n.operatingsystem
            when 'operatingsystemversion' then n.operatingsystemversion
            when 'managedby' then n.managedby
            when 'pwd_last_set_at' then substring(cast(n.pwd_last_set_at as varchar(26)), 1, 19)
            when 'account_expires_at' then substring(cast(n.account_expires_at as varchar(26)), 1, 19)
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
        n.from_run
    from old_row as o
    inner join new_row as n on n.source_id = o.source_id and n.guid = o.guid
),

side_ad_computer_altsecurityidentity as (
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
    inner join ad_computer_altsecurityidentity as c on c.source_id = b.source_id and c.guid = b.guid
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
    inner join ad_computer_altsecurityidentity_history as h on h.source_id = b.source_id and h.guid = b.guid
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
    inner join ad_computer_altsecurityidentity as c on c.source_id = b.source_id and c.guid = b.guid
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
    inner join ad_computer_altsecurityidentity_history as h on h.source_id = b.source_id and h.guid = b.guid
    where h.from_run <= m.run_id and h.to_run > m.run_id
),

side_ad_computer_serviceprincipalname as (
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
    inner join ad_computer_serviceprincipalname as c on c.source_id = b.source_id and c.guid = b.guid
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
    inner join ad_computer_serviceprincipalname_history as h on h.source_id = b.source_id and h.guid = b.guid
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
    inner join ad_computer_serviceprincipalname as c on c.source_id = b.source_id and c.guid = b.guid
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
    inner join ad_computer_serviceprincipalname_history as h on h.source_id = b.source_id and h.guid = b.guid
    where h.from_run <= m.run_id and h.to_run > m.run_id
)

select
    s.name as source_name,
    v.guid,
    v.name as object_name,
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
    'altsecurityidentities' as attribute,
    case when max(v.is_new) = 0 then max(v.shown) end as before_value,
    case when max(v.is_new) = 1 then max(v.shown) end as after_value,
    v.from_run as run_id
from side_ad_computer_altsecurityidentity as v
inner join source as s on s.source_id = v.source_id
group by s.name, v.guid, v.object_name, v.from_run, v.value
having min(v.is_new) = max(v.is_new)
union all
select
    s.name as source_name,
    v.guid,
    v.object_name,
    'serviceprincipalname' as attribute,
    case when max(v.is_new) = 0 then max(v.shown) end as before_value,
    case when max(v.is_new) = 1 then max(v.shown) end as after_value,
    v.from_run as run_id
from side_ad_computer_serviceprincipalname as v
inner join source as s on s.source_id = v.source_id
group by s.name, v.guid, v.object_name, v.from_run, v.value
having min(v.is_new) = max(v.is_new)

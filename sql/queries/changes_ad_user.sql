-- title: What changed in ad_user
-- meaning: One row per attribute of ad_user that differs between two loads, for objects that stand at both; of
--   a multi-valued attribute one row per value gained or lost. run_id is the load that brought the present
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
    select 'samaccountname' as attribute
    union all
    select 'userprincipalname' as attribute
    union all
    select 'displayname' as attribute
    union all
    select 'givenname' as attribute
    union all
    select 'sn' as attribute
    union all
    select 'initials' as attribute
    union all
    select 'description' as attribute
    union all
    select 'ou_path' as attribute
    union all
    select 'cn' as attribute
    union all
    select 'employeeid' as attribute
    union all
    select 'employeenumber' as attribute
    union all
    select 'employeetype' as attribute
    union all
    select 'mail' as attribute
    union all
    select 'mailnickname' as attribute
    union all
    select 'targetaddress' as attribute
    union all
    select 'smtp_primary' as attribute
    union all
    select 'title' as attribute
    union all
    select 'department' as attribute
    union all
    select 'company' as attribute
    union all
    select 'division' as attribute
    union all
    select 'manager' as attribute
    union all
    select 'physicaldeliveryofficename' as attribute
    union all
    select 'telephonenumber' as attribute
    union all
    select 'streetaddress' as attribute
    union all
    select 'l' as attribute
    union all
    select 'st' as attribute
    union all
    select 'postalcode' as attribute
    union all
    select 'c' as attribute
    union all
    select 'preferredlanguage' as attribute
    union all
    select 'info' as attribute
    union all
    select 'useraccountcontrol' as attribute
    union all
    select 'is_enabled' as attribute
    union all
    select 'primarygroupid' as attribute
    union all
    select 'admincount' as attribute
    union all
    select 'pwd_last_set_at' as attribute
    union all
    select 'account_expires_at' as attribute
    union all
    select 'locked_out_at' as attribute
    union all
    select 'extensionattribute1' as attribute
    union all
    select 'extensionattribute2' as attribute
    union all
    select 'extensionattribute3' as attribute
    union all
    select 'extensionattribute4' as attribute
    union all
    select 'extensionattribute5' as attribute
    union all
    select 'extensionattribute6' as attribute
    union all
    select 'extensionattribute7' as attribute
    union all
    select 'extensionattribute8' as attribute
    union all
    select 'extensionattribute9' as attribute
    union all
    select 'extensionattribute10' as attribute
    union all
    select 'extensionattribute11' as attribute
    union all
    select 'extensionattribute12' as attribute
    union all
    select 'extensionattribute13' as attribute
    union all
    select 'extensionattribute14' as attribute
    union all
    select 'extensionattribute15' as attribute
),

old_row as (
    select
        h.source_id,
        h.guid,
        h.samaccountname,
        h.userprincipalname,
        h.displayname,
        h.givenname,
        h.sn,
        h.initials,
        h.description,
        h.ou_path,
        h.cn,
        h.employeeid,
        h.employeenumber,
        h.employeetype,
        h.mail,
        h.mailnickname,
        h.targetaddress,
        h.smtp_primary,
        h.title,
        h.department,
        h.company,
        h.division,
        h.manager,
        h.physicaldeliveryofficename,
        h.telephonenumber,
        h.streetaddress,
        h.l,
        h.st,
        h.postalcode,
        h.c,
        h.preferredlanguage,
        h.info,
        h.useraccountcontrol,
        h.is_enabled,
        h.primarygroupid,
        h.admincount,
        h.pwd_last_set_at,
        h.account_expires_at,
        h.locked_out_at,
        h.extensionattribute1,
        h.extensionattribute2,
        h.extensionattribute3,
        h.extensionattribute4,
        h.extensionattribute5,
        h.extensionattribute6,
        h.extensionattribute7,
        h.extensionattribute8,
        h.extensionattribute9,
        h.extensionattribute10,
        h.extensionattribute11,
        h.extensionattribute12,
        h.extensionattribute13,
        h.extensionattribute14,
        h.extensionattribute15,
        h.to_run
    from ad_user_history as h
    inner join moment_before as b on b.source_id = h.source_id
    inner join moment_after as e on e.source_id = h.source_id
    where h.from_run <= b.run_id and h.to_run > b.run_id and h.to_run <= e.run_id
),

new_row as (
    select
        c.source_id,
        c.guid,
        c.samaccountname,
        c.userprincipalname,
        c.displayname,
        c.givenname,
        c.sn,
        c.initials,
        c.description,
        c.ou_path,
        c.cn,
        c.employeeid,
        c.employeenumber,
        c.employeetype,
        c.mail,
        c.mailnickname,
        c.targetaddress,
        c.smtp_primary,
        c.title,
        c.department,
        c.company,
        c.division,
        c.manager,
        c.physicaldeliveryofficename,
        c.telephonenumber,
        c.streetaddress,
        c.l,
        c.st,
        c.postalcode,
        c.c,
        c.preferredlanguage,
        c.info,
        c.useraccountcontrol,
        c.is_enabled,
        c.primarygroupid,
        c.admincount,
        c.pwd_last_set_at,
        c.account_expires_at,
        c.locked_out_at,
        c.extensionattribute1,
        c.extensionattribute2,
        c.extensionattribute3,
        c.extensionattribute4,
        c.extensionattribute5,
        c.extensionattribute6,
        c.extensionattribute7,
        c.extensionattribute8,
        c.extensionattribute9,
        c.extensionattribute10,
        c.extensionattribute11,
        c.extensionattribute12,
        c.extensionattribute13,
        c.extensionattribute14,
        c.extensionattribute15,
        c.run_id as from_run
    from ad_user as c
    inner join moment_before as b on b.source_id = c.source_id
    inner join moment_after as e on e.source_id = c.source_id
    where c.run_id > b.run_id and c.run_id <= e.run_id
    union all
    select
        h.source_id,
        h.guid,
        h.samaccountname,
        h.userprincipalname,
        h.displayname,
        h.givenname,
        h.sn,
        h.initials,
        h.description,
        h.ou_path,
        h.cn,
        h.employeeid,
        h.employeenumber,
        h.employeetype,
        h.mail,
        h.mailnickname,
        h.targetaddress,
        h.smtp_primary,
        h.title,
        h.department,
        h.company,
        h.division,
        h.manager,
        h.physicaldeliveryofficename,
        h.telephonenumber,
        h.streetaddress,
        h.l,
        h.st,
        h.postalcode,
        h.c,
        h.preferredlanguage,
        h.info,
        h.useraccountcontrol,
        h.is_enabled,
        h.primarygroupid,
        h.admincount,
        h.pwd_last_set_at,
        h.account_expires_at,
        h.locked_out_at,
        h.extensionattribute1,
        h.extensionattribute2,
        h.extensionattribute3,
        h.extensionattribute4,
        h.extensionattribute5,
        h.extensionattribute6,
        h.extensionattribute7,
        h.extensionattribute8,
        h.extensionattribute9,
        h.extensionattribute10,
        h.extensionattribute11,
        h.extensionattribute12,
        h.extensionattribute13,
        h.extensionattribute14,
        h.extensionattribute15,
        h.from_run
    from ad_user_history as h
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
            when 'samaccountname' then o.samaccountname
            when 'userprincipalname' then o.userprincipalname
            when 'displayname' then o.displayname
            when 'givenname' then o.givenname
            when 'sn' then o.sn
            when 'initials' then o.initials
            when 'description' then o.description
            when 'ou_path' then o.ou_path
            when 'cn' then o.cn
            when 'employeeid' then o.employeeid
            when 'employeenumber' then o.employeenumber
            when 'employeetype' then o.employeetype
            when 'mail' then o.mail
            when 'mailnickname' then o.mailnickname
            when 'targetaddress' then o.targetaddress
            when 'smtp_primary' then o.smtp_primary
            when 'title' then o.title
            when 'department' then o.department
            when 'company' then o.company
            when 'division' then o.division
            when 'manager' then o.manager
            when 'physicaldeliveryofficename' then o.physicaldeliveryofficename
            when 'telephonenumber' then o.telephonenumber
            when 'streetaddress' then o.streetaddress
            when 'l' then o.l
            when 'st' then o.st
            when 'postalcode' then o.postalcode
            when 'c' then o.c
            when 'preferredlanguage' then o.preferredlanguage
            when 'info' then o.info
            when 'useraccountcontrol' then cast(o.useraccountcontrol as varchar(20))
            when 'is_enabled' then cast(o.is_enabled as varchar(20))
            when 'primarygroupid' then cast(o.primarygroupid as varchar(20))
            when 'admincount' then cast(o.admincount as varchar(20))
            when 'pwd_last_set_at' then substring(cast(o.pwd_last_set_at as varchar(26)), 1, 19)
            when 'account_expires_at' then substring(cast(o.account_expires_at as varchar(26)), 1, 19)
            when 'locked_out_at' then substring(cast(o.locked_out_at as varchar(26)), 1, 19)
            when 'extensionattribute1' then o.extensionattribute1
            when 'extensionattribute2' then o.extensionattribute2
            when 'extensionattribute3' then o.extensionattribute3
            when 'extensionattribute4' then o.extensionattribute4
            when 'extensionattribute5' then o.extensionattribute5
            when 'extensionattribute6' then o.extensionattribute6
            when 'extensionattribute7' then o.extensionattribute7
            when 'extensionattribute8' then o.extensionattribute8
            when 'extensionattribute9' then o.extensionattribute9
            when 'extensionattribute10' then o.extensionattribute10
            when 'extensionattribute11' then o.extensionattribute11
            when 'extensionattribute12' then o.extensionattribute12
            when 'extensionattribute13' then o.extensionattribute13
            when 'extensionattribute14' then o.extensionattribute14
            when 'extensionattribute15' then o.extensionattribute15
        end as before_value,
        case a.attribute
            when 'samaccountname' then n.samaccountname
            when 'userprincipalname' then n.userprincipalname
            when 'displayname' then n.displayname
            when 'givenname' then n.givenname
            when 'sn' then n.sn
            when 'initials' then n.initials
            when 'description' then n.description
            when 'ou_path' then n.ou_path
            when 'cn' then n.cn
            when 'employeeid' then n.employeeid
            when 'employeenumber' then n.employeenumber
            when 'employeetype' then n.employeetype
            when 'mail' then n.mail
            when 'mailnickname' then n.mailnickname
            when 'targetaddress' then n.targetaddress
            when 'smtp_primary' then n.smtp_primary
            when 'title' then n.title
            when 'department' then n.department
            when 'company' then n.company
            when 'division' then n.division
            when 'manager' then n.manager
            when 'physicaldeliveryofficename' then n.physicaldeliveryofficename
            when 'telephonenumber' then n.telephonenumber
            when 'streetaddress' then n.streetaddress
            when 'l' then n.l
            when 'st' then n.st
            when 'postalcode' then n.postalcode
            when 'c' then n.c
            when 'preferredlanguage' then n.preferredlanguage
            when 'info' then n.info
            when 'useraccountcontrol' then cast(n.useraccountcontrol as varchar(20))
            when 'is_enabled' then cast(n.is_enabled as varchar(20))
            when 'primarygroupid' then cast(n.primarygroupid as varchar(20))
            when 'admincount' then cast(n.admincount as varchar(20))
            when 'pwd_last_set_at' then substring(cast(n.pwd_last_set_at as varchar(26)), 1, 19)
            when 'account_expires_at' then substring(cast(n.account_expires_at as varchar(26)), 1, 19)
            when 'locked_out_at' then substring(cast(n.locked_out_at as varchar(26)), 1, 19)
            when 'extensionattribute1' then n.extensionattribute1
            when 'extensionattribute2' then n.extensionattribute2
            when 'extensionattribute3' then n.extensionattribute3
            when 'extensionattribute4' then n.extensionattribute4
            when 'extensionattribute5' then n.extensionattribute5
            when 'extensionattribute6' then n.extensionattribute6
            when 'extensionattribute7' then n.extensionattribute7
            when 'extensionattribute8' then n.extensionattribute8
            when 'extensionattribute9' then n.extensionattribute9
            when 'extensionattribute10' then n.extensionattribute10
            when 'extensionattribute11' then n.extensionattribute11
            when 'extensionattribute12' then n.extensionattribute12
            when 'extensionattribute13' then n.extensionattribute13
            when 'extensionattribute14' then n.extensionattribute14
            when 'extensionattribute15' then n.extensionattribute15
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

side_ad_user_proxyaddress as (
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
    inner join ad_user_proxyaddress as c on c.source_id = b.source_id and c.guid = b.guid
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
    inner join ad_user_proxyaddress_history as h on h.source_id = b.source_id and h.guid = b.guid
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
    inner join ad_user_proxyaddress as c on c.source_id = b.source_id and c.guid = b.guid
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
    inner join ad_user_proxyaddress_history as h on h.source_id = b.source_id and h.guid = b.guid
    where h.from_run <= m.run_id and h.to_run > m.run_id
),

side_ad_user_altsecurityidentity as (
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
    inner join ad_user_altsecurityidentity as c on c.source_id = b.source_id and c.guid = b.guid
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
    inner join ad_user_altsecurityidentity_history as h on h.source_id = b.source_id and h.guid = b.guid
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
    inner join ad_user_altsecurityidentity as c on c.source_id = b.source_id and c.guid = b.guid
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
    inner join ad_user_altsecurityidentity_history as h on h.source_id = b.source_id and h.guid = b.guid
    where h.from_run <= m.run_id and h.to_run > m.run_id
),

side_ad_user_serviceprincipalname as (
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
    inner join ad_user_serviceprincipalname as c on c.source_id = b.source_id and c.guid = b.guid
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
    inner join ad_user_serviceprincipalname_history as h on h.source_id = b.source_id and h.guid = b.guid
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
    inner join ad_user_serviceprincipalname as c on c.source_id = b.source_id and c.guid = b.guid
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
    inner join ad_user_serviceprincipalname_history as h on h.source_id = b.source_id and h.guid = b.guid
    where h.from_run <= m.run_id and h.to_run > m.run_id
),

side_ad_user_sidhistory as (
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
    inner join ad_user_sidhistory as c on c.source_id = b.source_id and c.guid = b.guid
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
    inner join ad_user_sidhistory_history as h on h.source_id = b.source_id and h.guid = b.guid
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
    inner join ad_user_sidhistory as c on c.source_id = b.source_id and c.guid = b.guid
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
    inner join ad_user_sidhistory_history as h on h.source_id = b.source_id and h.guid = b.guid
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
from side_ad_user_proxyaddress as v
inner join source as s on s.source_id = v.source_id
group by s.name, v.guid, v.object_name, v.from_run, v.value
having min(v.is_new) = max(v.is_new)
union all
select
    s.name as source_name,
    v.guid,
    v.object_name,
    'altsecurityidentities' as attribute,
    case when max(v.is_new) = 0 then max(v.shown) end as before_value,
    case when max(v.is_new) = 1 then max(v.shown) end as after_value,
    v.from_run as run_id
from side_ad_user_altsecurityidentity as v
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
from side_ad_user_serviceprincipalname as v
inner join source as s on s.source_id = v.source_id
group by s.name, v.guid, v.object_name, v.from_run, v.value
having min(v.is_new) = max(v.is_new)
union all
select
    s.name as source_name,
    v.guid,
    v.object_name,
    'sidhistory' as attribute,
    case when max(v.is_new) = 0 then max(v.shown) end as before_value,
    case when max(v.is_new) = 1 then max(v.shown) end as after_value,
    v.from_run as run_id
from side_ad_user_sidhistory as v
inner join source as s on s.source_id = v.source_id
group by s.name, v.guid, v.object_name, v.from_run, v.value
having min(v.is_new) = max(v.is_new)

-- title: What changed in ad_user
-- meaning: One row per attribute of ad_user that differs between two loads, for objects that stand at both; of
--   a multi-valued attribute one row per value gained or lost. run_id is the load that brought the present
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
    union all
    select 16
    union all
    select 17
    union all
    select 18
    union all
    select 19
    union all
    select 20
    union all
    select 21
    union all
    select 22
    union all
    select 23
    union all
    select 24
    union all
    select 25
    union all
    select 26
    union all
    select 27
    union all
    select 28
    union all
    select 29
    union all
    select 30
    union all
    select 31
    union all
    select 32
    union all
    select 33
    union all
    select 34
    union all
    select 35
    union all
    select 36
    union all
    select 37
    union all
    select 38
    union all
    select 39
    union all
    select 40
    union all
    select 41
    union all
    select 42
    union all
    select 43
    union all
    select 44
    union all
    select 45
    union all
    select 46
    union all
    select 47
    union all
    select 48
    union all
    select 49
    union all
    select 50
    union all
    select 51
    union all
    select 52
    union all
    select 53
    union all
    select 54
    union all
    select 55
    union all
    select 56
    union all
    select 57
    union all
    select 58
    union all
    select 59
    union all
    select 60
    union all
    select 61
    union all
    select 62
    union all
    select 63
    union all
    select 64
    union all
    select 65
    union all
    select 66
    union all
    select 67
    union all
    select 68
    union all
    select 69
    union all
    select 70
    union all
    select 71
    union all
    select 72
    union all
    select 73
    union all
    select 74
    union all
    select 75
    union all
    select 76
    union all
    select 77
    union all
    select 78
    union all
    select 79
    union all
    select 80
    union all
    select 81
    union all
    select 82
    union all
    select 83
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
        h.useraccountcontrol,
        h.is_enabled,
        h.primarygroupid,
        h.admincount,
        h.iscriticalsystemobject,
        h.pwd_last_set_at,
        h.account_expires_at,
        h.locked_out_at,
        h.userprincipalname,
        h.givenname,
        h.sn,
        h.initials,
        h.employeeid,
        h.employeenumber,
        h.employeetype,
        h.mail,
        h.mailnickname,
        h.targetaddress,
        h.smtp_primary,
        h.legacyexchangedn,
        h.title,
        h.department,
        h.company,
        h.division,
        h.manager,
        h.physicaldeliveryofficename,
        h.telephonenumber,
        h.facsimiletelephonenumber,
        h.streetaddress,
        h.l,
        h.st,
        h.postalcode,
        h.c,
        h.co,
        h.countrycode,
        h.preferredlanguage,
        h.info,
        h.homedirectory,
        h.scriptpath,
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
        h.msdscloudextensionattribute1,
        h.msdscloudextensionattribute2,
        h.msdscloudextensionattribute3,
        h.msdscloudextensionattribute4,
        h.msdscloudextensionattribute5,
        h.msdscloudextensionattribute6,
        h.msdscloudextensionattribute7,
        h.msdscloudextensionattribute8,
        h.msdscloudextensionattribute9,
        h.msdscloudextensionattribute10,
        h.msdscloudextensionattribute11,
        h.msdscloudextensionattribute12,
        h.msdscloudextensionattribute13,
        h.msdscloudextensionattribute14,
        h.msdscloudextensionattribute15,
        h.msdscloudextensionattribute16,
        h.msdscloudextensionattribute17,
        h.msdscloudextensionattribute18,
        h.msdscloudextensionattribute19,
        h.msdscloudextensionattribute20,
        h.mobile,
        b.run_id as before_run,
        e.run_id as after_run
    from ad_user_history as h
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
        c.useraccountcontrol,
        c.is_enabled,
        c.primarygroupid,
        c.admincount,
        c.iscriticalsystemobject,
        c.pwd_last_set_at,
        c.account_expires_at,
        c.locked_out_at,
        c.userprincipalname,
        c.givenname,
        c.sn,
        c.initials,
        c.employeeid,
        c.employeenumber,
        c.employeetype,
        c.mail,
        c.mailnickname,
        c.targetaddress,
        c.smtp_primary,
        c.legacyexchangedn,
        c.title,
        c.department,
        c.company,
        c.division,
        c.manager,
        c.physicaldeliveryofficename,
        c.telephonenumber,
        c.facsimiletelephonenumber,
        c.streetaddress,
        c.l,
        c.st,
        c.postalcode,
        c.c,
        c.co,
        c.countrycode,
        c.preferredlanguage,
        c.info,
        c.homedirectory,
        c.scriptpath,
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
        c.msdscloudextensionattribute1,
        c.msdscloudextensionattribute2,
        c.msdscloudextensionattribute3,
        c.msdscloudextensionattribute4,
        c.msdscloudextensionattribute5,
        c.msdscloudextensionattribute6,
        c.msdscloudextensionattribute7,
        c.msdscloudextensionattribute8,
        c.msdscloudextensionattribute9,
        c.msdscloudextensionattribute10,
        c.msdscloudextensionattribute11,
        c.msdscloudextensionattribute12,
        c.msdscloudextensionattribute13,
        c.msdscloudextensionattribute14,
        c.msdscloudextensionattribute15,
        c.msdscloudextensionattribute16,
        c.msdscloudextensionattribute17,
        c.msdscloudextensionattribute18,
        c.msdscloudextensionattribute19,
        c.msdscloudextensionattribute20,
        c.mobile,
        c.run_id as from_run
    from ad_user as c
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
        h.useraccountcontrol,
        h.is_enabled,
        h.primarygroupid,
        h.admincount,
        h.iscriticalsystemobject,
        h.pwd_last_set_at,
        h.account_expires_at,
        h.locked_out_at,
        h.userprincipalname,
        h.givenname,
        h.sn,
        h.initials,
        h.employeeid,
        h.employeenumber,
        h.employeetype,
        h.mail,
        h.mailnickname,
        h.targetaddress,
        h.smtp_primary,
        h.legacyexchangedn,
        h.title,
        h.department,
        h.company,
        h.division,
        h.manager,
        h.physicaldeliveryofficename,
        h.telephonenumber,
        h.facsimiletelephonenumber,
        h.streetaddress,
        h.l,
        h.st,
        h.postalcode,
        h.c,
        h.co,
        h.countrycode,
        h.preferredlanguage,
        h.info,
        h.homedirectory,
        h.scriptpath,
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
        h.msdscloudextensionattribute1,
        h.msdscloudextensionattribute2,
        h.msdscloudextensionattribute3,
        h.msdscloudextensionattribute4,
        h.msdscloudextensionattribute5,
        h.msdscloudextensionattribute6,
        h.msdscloudextensionattribute7,
        h.msdscloudextensionattribute8,
        h.msdscloudextensionattribute9,
        h.msdscloudextensionattribute10,
        h.msdscloudextensionattribute11,
        h.msdscloudextensionattribute12,
        h.msdscloudextensionattribute13,
        h.msdscloudextensionattribute14,
        h.msdscloudextensionattribute15,
        h.msdscloudextensionattribute16,
        h.msdscloudextensionattribute17,
        h.msdscloudextensionattribute18,
        h.msdscloudextensionattribute19,
        h.msdscloudextensionattribute20,
        h.mobile,
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
                when 10 then cast(o.useraccountcontrol as varchar(20))
            end
            when a.place <= 20 then case a.place
                when 11 then cast(o.is_enabled as varchar(20))
                when 12 then cast(o.primarygroupid as varchar(20))
                when 13 then cast(o.admincount as varchar(20))
                when 14 then cast(o.iscriticalsystemobject as varchar(20))
                when 15 then substring(cast(o.pwd_last_set_at as varchar(26)), 1, 19)
                when 16 then substring(cast(o.account_expires_at as varchar(26)), 1, 19)
                when 17 then substring(cast(o.locked_out_at as varchar(26)), 1, 19)
                when 18 then o.userprincipalname
                when 19 then o.givenname
                when 20 then o.sn
            end
            when a.place <= 30 then case a.place
                when 21 then o.initials
                when 22 then o.employeeid
                when 23 then o.employeenumber
                when 24 then o.employeetype
                when 25 then o.mail
                when 26 then o.mailnickname
                when 27 then o.targetaddress
                when 28 then o.smtp_primary
                when 29 then o.legacyexchangedn
                when 30 then o.title
            end
            when a.place <= 40 then case a.place
                when 31 then o.department
                when 32 then o.company
                when 33 then o.division
                when 34 then o.manager
                when 35 then o.physicaldeliveryofficename
                when 36 then o.telephonenumber
                when 37 then o.facsimiletelephonenumber
                when 38 then o.streetaddress
                when 39 then o.l
                when 40 then o.st
            end
            when a.place <= 50 then case a.place
                when 41 then o.postalcode
                when 42 then o.c
                when 43 then o.co
                when 44 then cast(o.countrycode as varchar(20))
                when 45 then o.preferredlanguage
                when 46 then o.info
                when 47 then o.homedirectory
                when 48 then o.scriptpath
                when 49 then o.extensionattribute1
                when 50 then o.extensionattribute2
            end
            when a.place <= 60 then case a.place
                when 51 then o.extensionattribute3
                when 52 then o.extensionattribute4
                when 53 then o.extensionattribute5
                when 54 then o.extensionattribute6
                when 55 then o.extensionattribute7
                when 56 then o.extensionattribute8
                when 57 then o.extensionattribute9
                when 58 then o.extensionattribute10
                when 59 then o.extensionattribute11
                when 60 then o.extensionattribute12
            end
            when a.place <= 70 then case a.place
                when 61 then o.extensionattribute13
                when 62 then o.extensionattribute14
                when 63 then o.extensionattribute15
                when 64 then o.msdscloudextensionattribute1
                when 65 then o.msdscloudextensionattribute2
                when 66 then o.msdscloudextensionattribute3
                when 67 then o.msdscloudextensionattribute4
                when 68 then o.msdscloudextensionattribute5
                when 69 then o.msdscloudextensionattribute6
                when 70 then o.msdscloudextensionattribute7
            end
            when a.place <= 80 then case a.place
                when 71 then o.msdscloudextensionattribute8
                when 72 then o.msdscloudextensionattribute9
                when 73 then o.msdscloudextensionattribute10
                when 74 then o.msdscloudextensionattribute11
                when 75 then o.msdscloudextensionattribute12
                when 76 then o.msdscloudextensionattribute13
                when 77 then o.msdscloudextensionattribute14
                when 78 then o.msdscloudextensionattribute15
                when 79 then o.msdscloudextensionattribute16
                when 80 then o.msdscloudextensionattribute17
            end
            when a.place <= 83 then case a.place
                when 81 then o.msdscloudextensionattribute18
                when 82 then o.msdscloudextensionattribute19
                when 83 then o.msdscloudextensionattribute20
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
                when 10 then cast(n.useraccountcontrol as varchar(20))
            end
            when a.place <= 20 then case a.place
                when 11 then cast(n.is_enabled as varchar(20))
                when 12 then cast(n.primarygroupid as varchar(20))
                when 13 then cast(n.admincount as varchar(20))
                when 14 then cast(n.iscriticalsystemobject as varchar(20))
                when 15 then substring(cast(n.pwd_last_set_at as varchar(26)), 1, 19)
                when 16 then substring(cast(n.account_expires_at as varchar(26)), 1, 19)
                when 17 then substring(cast(n.locked_out_at as varchar(26)), 1, 19)
                when 18 then n.userprincipalname
                when 19 then n.givenname
                when 20 then n.sn
            end
            when a.place <= 30 then case a.place
                when 21 then n.initials
                when 22 then n.employeeid
                when 23 then n.employeenumber
                when 24 then n.employeetype
                when 25 then n.mail
                when 26 then n.mailnickname
                when 27 then n.targetaddress
                when 28 then n.smtp_primary
                when 29 then n.legacyexchangedn
                when 30 then n.title
            end
            when a.place <= 40 then case a.place
                when 31 then n.department
                when 32 then n.company
                when 33 then n.division
                when 34 then n.manager
                when 35 then n.physicaldeliveryofficename
                when 36 then n.telephonenumber
                when 37 then n.facsimiletelephonenumber
                when 38 then n.streetaddress
                when 39 then n.l
                when 40 then n.st
            end
            when a.place <= 50 then case a.place
                when 41 then n.postalcode
                when 42 then n.c
                when 43 then n.co
                when 44 then cast(n.countrycode as varchar(20))
                when 45 then n.preferredlanguage
                when 46 then n.info
                when 47 then n.homedirectory
                when 48 then n.scriptpath
                when 49 then n.extensionattribute1
                when 50 then n.extensionattribute2
            end
            when a.place <= 60 then case a.place
                when 51 then n.extensionattribute3
                when 52 then n.extensionattribute4
                when 53 then n.extensionattribute5
                when 54 then n.extensionattribute6
                when 55 then n.extensionattribute7
                when 56 then n.extensionattribute8
                when 57 then n.extensionattribute9
                when 58 then n.extensionattribute10
                when 59 then n.extensionattribute11
                when 60 then n.extensionattribute12
            end
            when a.place <= 70 then case a.place
                when 61 then n.extensionattribute13
                when 62 then n.extensionattribute14
                when 63 then n.extensionattribute15
                when 64 then n.msdscloudextensionattribute1
                when 65 then n.msdscloudextensionattribute2
                when 66 then n.msdscloudextensionattribute3
                when 67 then n.msdscloudextensionattribute4
                when 68 then n.msdscloudextensionattribute5
                when 69 then n.msdscloudextensionattribute6
                when 70 then n.msdscloudextensionattribute7
            end
            when a.place <= 80 then case a.place
                when 71 then n.msdscloudextensionattribute8
                when 72 then n.msdscloudextensionattribute9
                when 73 then n.msdscloudextensionattribute10
                when 74 then n.msdscloudextensionattribute11
                when 75 then n.msdscloudextensionattribute12
                when 76 then n.msdscloudextensionattribute13
                when 77 then n.msdscloudextensionattribute14
                when 78 then n.msdscloudextensionattribute15
                when 79 then n.msdscloudextensionattribute16
                when 80 then n.msdscloudextensionattribute17
            end
            when a.place <= 83 then case a.place
                when 81 then n.msdscloudextensionattribute18
                when 82 then n.msdscloudextensionattribute19
                when 83 then n.msdscloudextensionattribute20
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
        n.displayname as object_name,
        n.from_run,
        o.before_run,
        o.after_run
    from old_row as o
    inner join new_row as n on n.source_id = o.source_id and n.guid = o.guid
),

side_ad_user_proxyaddress as (
    select
        b.source_id,
        b.guid,
        b.object_name,
        b.from_run,
        c.value as value,
        case when c.run_id <= b.before_run then 1 else 0 end as was_there,
        case when c.run_id <= b.after_run then 1 else 0 end as is_there
    from changed_row as b
    inner join ad_user_proxyaddress as c on c.source_id = b.source_id and c.guid = b.guid
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
    inner join ad_user_proxyaddress_history as h on h.source_id = b.source_id and h.guid = b.guid
    where h.from_run <= b.after_run and h.to_run > b.before_run
),

side_ad_user_altsecurityidentity as (
    select
        b.source_id,
        b.guid,
        b.object_name,
        b.from_run,
        c.value as value,
        case when c.run_id <= b.before_run then 1 else 0 end as was_there,
        case when c.run_id <= b.after_run then 1 else 0 end as is_there
    from changed_row as b
    inner join ad_user_altsecurityidentity as c on c.source_id = b.source_id and c.guid = b.guid
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
    inner join ad_user_altsecurityidentity_history as h on h.source_id = b.source_id and h.guid = b.guid
    where h.from_run <= b.after_run and h.to_run > b.before_run
),

side_ad_user_serviceprincipalname as (
    select
        b.source_id,
        b.guid,
        b.object_name,
        b.from_run,
        c.value as value,
        case when c.run_id <= b.before_run then 1 else 0 end as was_there,
        case when c.run_id <= b.after_run then 1 else 0 end as is_there
    from changed_row as b
    inner join ad_user_serviceprincipalname as c on c.source_id = b.source_id and c.guid = b.guid
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
    inner join ad_user_serviceprincipalname_history as h on h.source_id = b.source_id and h.guid = b.guid
    where h.from_run <= b.after_run and h.to_run > b.before_run
),

side_ad_user_sidhistory as (
    select
        b.source_id,
        b.guid,
        b.object_name,
        b.from_run,
        c.value as value,
        case when c.run_id <= b.before_run then 1 else 0 end as was_there,
        case when c.run_id <= b.after_run then 1 else 0 end as is_there
    from changed_row as b
    inner join ad_user_sidhistory as c on c.source_id = b.source_id and c.guid = b.guid
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
    inner join ad_user_sidhistory_history as h on h.source_id = b.source_id and h.guid = b.guid
    where h.from_run <= b.after_run and h.to_run > b.before_run
),

side_ad_user_certificate as (
    select
        b.source_id,
        b.guid,
        b.object_name,
        b.from_run,
        c.strong_value as value,
        case when c.run_id <= b.before_run then 1 else 0 end as was_there,
        case when c.run_id <= b.after_run then 1 else 0 end as is_there
    from changed_row as b
    inner join ad_user_certificate as c on c.source_id = b.source_id and c.guid = b.guid
    where c.run_id <= b.after_run
    union all
    select
        b.source_id,
        b.guid,
        b.object_name,
        b.from_run,
        h.strong_value as value,
        case when h.from_run <= b.before_run and h.to_run > b.before_run then 1 else 0 end as was_there,
        case when h.from_run <= b.after_run and h.to_run > b.after_run then 1 else 0 end as is_there
    from changed_row as b
    inner join ad_user_certificate_history as h on h.source_id = b.source_id and h.guid = b.guid
    where h.from_run <= b.after_run and h.to_run > b.before_run
),

side_ad_attribute as (
    select
        b.source_id,
        b.guid,
        b.object_name,
        b.from_run,
        c.attribute,
        c.value,
        case when c.run_id <= b.before_run then 1 else 0 end as was_there,
        case when c.run_id <= b.after_run then 1 else 0 end as is_there
    from changed_row as b
    inner join ad_attribute as c on c.source_id = b.source_id and c.guid = b.guid
    where c.run_id <= b.after_run
    union all
    select
        b.source_id,
        b.guid,
        b.object_name,
        b.from_run,
        h.attribute,
        h.value,
        case when h.from_run <= b.before_run and h.to_run > b.before_run then 1 else 0 end as was_there,
        case when h.from_run <= b.after_run and h.to_run > b.after_run then 1 else 0 end as is_there
    from changed_row as b
    inner join ad_attribute_history as h on h.source_id = b.source_id and h.guid = b.guid
    where h.from_run <= b.after_run and h.to_run > b.before_run
)

select
    s.name as source_name,
    v.guid,
    v.displayname as object_name,
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
            when 10 then 'useraccountcontrol'
        end
        when v.place <= 20 then case v.place
            when 11 then 'is_enabled'
            when 12 then 'primarygroupid'
            when 13 then 'admincount'
            when 14 then 'iscriticalsystemobject'
            when 15 then 'pwd_last_set_at'
            when 16 then 'account_expires_at'
            when 17 then 'locked_out_at'
            when 18 then 'userprincipalname'
            when 19 then 'givenname'
            when 20 then 'sn'
        end
        when v.place <= 30 then case v.place
            when 21 then 'initials'
            when 22 then 'employeeid'
            when 23 then 'employeenumber'
            when 24 then 'employeetype'
            when 25 then 'mail'
            when 26 then 'mailnickname'
            when 27 then 'targetaddress'
            when 28 then 'smtp_primary'
            when 29 then 'legacyexchangedn'
            when 30 then 'title'
        end
        when v.place <= 40 then case v.place
            when 31 then 'department'
            when 32 then 'company'
            when 33 then 'division'
            when 34 then 'manager'
            when 35 then 'physicaldeliveryofficename'
            when 36 then 'telephonenumber'
            when 37 then 'facsimiletelephonenumber'
            when 38 then 'streetaddress'
            when 39 then 'l'
            when 40 then 'st'
        end
        when v.place <= 50 then case v.place
            when 41 then 'postalcode'
            when 42 then 'c'
            when 43 then 'co'
            when 44 then 'countrycode'
            when 45 then 'preferredlanguage'
            when 46 then 'info'
            when 47 then 'homedirectory'
            when 48 then 'scriptpath'
            when 49 then 'extensionattribute1'
            when 50 then 'extensionattribute2'
        end
        when v.place <= 60 then case v.place
            when 51 then 'extensionattribute3'
            when 52 then 'extensionattribute4'
            when 53 then 'extensionattribute5'
            when 54 then 'extensionattribute6'
            when 55 then 'extensionattribute7'
            when 56 then 'extensionattribute8'
            when 57 then 'extensionattribute9'
            when 58 then 'extensionattribute10'
            when 59 then 'extensionattribute11'
            when 60 then 'extensionattribute12'
        end
        when v.place <= 70 then case v.place
            when 61 then 'extensionattribute13'
            when 62 then 'extensionattribute14'
            when 63 then 'extensionattribute15'
            when 64 then 'msdscloudextensionattribute1'
            when 65 then 'msdscloudextensionattribute2'
            when 66 then 'msdscloudextensionattribute3'
            when 67 then 'msdscloudextensionattribute4'
            when 68 then 'msdscloudextensionattribute5'
            when 69 then 'msdscloudextensionattribute6'
            when 70 then 'msdscloudextensionattribute7'
        end
        when v.place <= 80 then case v.place
            when 71 then 'msdscloudextensionattribute8'
            when 72 then 'msdscloudextensionattribute9'
            when 73 then 'msdscloudextensionattribute10'
            when 74 then 'msdscloudextensionattribute11'
            when 75 then 'msdscloudextensionattribute12'
            when 76 then 'msdscloudextensionattribute13'
            when 77 then 'msdscloudextensionattribute14'
            when 78 then 'msdscloudextensionattribute15'
            when 79 then 'msdscloudextensionattribute16'
            when 80 then 'msdscloudextensionattribute17'
        end
        when v.place <= 83 then case v.place
            when 81 then 'msdscloudextensionattribute18'
            when 82 then 'msdscloudextensionattribute19'
            when 83 then 'msdscloudextensionattribute20'
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
    n.guid,
    n.displayname as object_name,
    'mobile' as attribute,
    case when o.mobile <> '' then '***' end as before_value,
    case when n.mobile <> '' then '***' end as after_value,
    n.from_run as run_id
from old_row as o
inner join new_row as n on n.source_id = o.source_id and n.guid = o.guid
inner join source as s on s.source_id = o.source_id
where coalesce(o.mobile, '') <> coalesce(n.mobile, '')
union all
select
    s.name as source_name,
    v.guid,
    v.object_name,
    'proxyaddresses' as attribute,
    case when max(v.was_there) = 1 then max(v.value) end as before_value,
    case when max(v.is_there) = 1 then max(v.value) end as after_value,
    v.from_run as run_id
from side_ad_user_proxyaddress as v
inner join source as s on s.source_id = v.source_id
where v.value is not null
group by s.name, v.guid, v.object_name, v.from_run, v.value
having max(v.was_there) <> max(v.is_there)
union all
select
    s.name as source_name,
    v.guid,
    v.object_name,
    'altsecurityidentities' as attribute,
    case when max(v.was_there) = 1 then max(v.value) end as before_value,
    case when max(v.is_there) = 1 then max(v.value) end as after_value,
    v.from_run as run_id
from side_ad_user_altsecurityidentity as v
inner join source as s on s.source_id = v.source_id
where v.value is not null
group by s.name, v.guid, v.object_name, v.from_run, v.value
having max(v.was_there) <> max(v.is_there)
union all
select
    s.name as source_name,
    v.guid,
    v.object_name,
    'serviceprincipalname' as attribute,
    case when max(v.was_there) = 1 then max(v.value) end as before_value,
    case when max(v.is_there) = 1 then max(v.value) end as after_value,
    v.from_run as run_id
from side_ad_user_serviceprincipalname as v
inner join source as s on s.source_id = v.source_id
where v.value is not null
group by s.name, v.guid, v.object_name, v.from_run, v.value
having max(v.was_there) <> max(v.is_there)
union all
select
    s.name as source_name,
    v.guid,
    v.object_name,
    'sidhistory' as attribute,
    case when max(v.was_there) = 1 then max(v.value) end as before_value,
    case when max(v.is_there) = 1 then max(v.value) end as after_value,
    v.from_run as run_id
from side_ad_user_sidhistory as v
inner join source as s on s.source_id = v.source_id
where v.value is not null
group by s.name, v.guid, v.object_name, v.from_run, v.value
having max(v.was_there) <> max(v.is_there)
union all
select
    s.name as source_name,
    v.guid,
    v.object_name,
    'certificate' as attribute,
    case when max(v.was_there) = 1 then max(v.value) end as before_value,
    case when max(v.is_there) = 1 then max(v.value) end as after_value,
    v.from_run as run_id
from side_ad_user_certificate as v
inner join source as s on s.source_id = v.source_id
where v.value is not null
group by s.name, v.guid, v.object_name, v.from_run, v.value
having max(v.was_there) <> max(v.is_there)
union all
select
    s.name as source_name,
    v.guid,
    v.object_name,
    v.attribute,
    case when max(v.was_there) = 1 then max(v.value) end as before_value,
    case when max(v.is_there) = 1 then max(v.value) end as after_value,
    v.from_run as run_id
from side_ad_attribute as v
inner join source as s on s.source_id = v.source_id
where v.value is not null
group by s.name, v.guid, v.object_name, v.from_run, v.attribute, v.value
having max(v.was_there) <> max(v.is_there)

-- title: What changed in entra_user
-- meaning: One row per attribute of entra_user that differs between two loads, for objects that stand at both;
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
),

old_row as (
    select
        h.source_id,
        h.id,
        h.userprincipalname,
        h.displayname,
        h.givenname,
        h.surname,
        h.usertype,
        h.accountenabled,
        h.employeeid,
        h.employeetype,
        h.employeehiredate,
        h.employeeleavedatetime,
        h.employeeorgdata_division,
        h.employeeorgdata_costcenter,
        h.mail,
        h.mailnickname,
        h.smtp_primary,
        h.othermails_count,
        h.usagelocation,
        h.usagelocation_known,
        h.country,
        h.createddatetime,
        h.creationtype,
        h.externaluserstate,
        h.externaluserstatechangedatetime,
        h.jobtitle,
        h.department,
        h.companyname,
        h.officelocation,
        h.faxnumber,
        h.streetaddress,
        h.city,
        h.state,
        h.postalcode,
        h.preferredlanguage,
        h.preferreddatalocation,
        h.agegroup,
        h.consentprovidedforminor,
        h.legalagegroupclassification,
        h.onpremisessyncenabled,
        h.onpremisessecurityidentifier,
        h.onpremisessamaccountname,
        h.onpremisesdistinguishedname,
        h.onpremisesdomainname,
        h.onpremisesuserprincipalname,
        h.passwordpolicies,
        h.lastpasswordchangedatetime,
        h.securityidentifier,
        h.showinaddresslist,
        h.isresourceaccount,
        h.ismanagementrestricted,
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
        h.mobilephone,
        b.run_id as before_run,
        e.run_id as after_run
    from entra_user_history as h
    inner join moment_before as b on b.source_id = h.source_id
    inner join moment_after as e on e.source_id = h.source_id
    where h.from_run <= b.run_id and h.to_run > b.run_id and h.to_run <= e.run_id
),

new_row as (
    select
        c.source_id,
        c.id,
        c.userprincipalname,
        c.displayname,
        c.givenname,
        c.surname,
        c.usertype,
        c.accountenabled,
        c.employeeid,
        c.employeetype,
        c.employeehiredate,
        c.employeeleavedatetime,
        c.employeeorgdata_division,
        c.employeeorgdata_costcenter,
        c.mail,
        c.mailnickname,
        c.smtp_primary,
        c.othermails_count,
        c.usagelocation,
        c.usagelocation_known,
        c.country,
        c.createddatetime,
        c.creationtype,
        c.externaluserstate,
        c.externaluserstatechangedatetime,
        c.jobtitle,
        c.department,
        c.companyname,
        c.officelocation,
        c.faxnumber,
        c.streetaddress,
        c.city,
        c.state,
        c.postalcode,
        c.preferredlanguage,
        c.preferreddatalocation,
        c.agegroup,
        c.consentprovidedforminor,
        c.legalagegroupclassification,
        c.onpremisessyncenabled,
        c.onpremisessecurityidentifier,
        c.onpremisessamaccountname,
        c.onpremisesdistinguishedname,
        c.onpremisesdomainname,
        c.onpremisesuserprincipalname,
        c.passwordpolicies,
        c.lastpasswordchangedatetime,
        c.securityidentifier,
        c.showinaddresslist,
        c.isresourceaccount,
        c.ismanagementrestricted,
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
        c.mobilephone,
        c.run_id as from_run
    from entra_user as c
    inner join moment_before as b on b.source_id = c.source_id
    inner join moment_after as e on e.source_id = c.source_id
    where c.run_id > b.run_id and c.run_id <= e.run_id
    union all
    select
        h.source_id,
        h.id,
        h.userprincipalname,
        h.displayname,
        h.givenname,
        h.surname,
        h.usertype,
        h.accountenabled,
        h.employeeid,
        h.employeetype,
        h.employeehiredate,
        h.employeeleavedatetime,
        h.employeeorgdata_division,
        h.employeeorgdata_costcenter,
        h.mail,
        h.mailnickname,
        h.smtp_primary,
        h.othermails_count,
        h.usagelocation,
        h.usagelocation_known,
        h.country,
        h.createddatetime,
        h.creationtype,
        h.externaluserstate,
        h.externaluserstatechangedatetime,
        h.jobtitle,
        h.department,
        h.companyname,
        h.officelocation,
        h.faxnumber,
        h.streetaddress,
        h.city,
        h.state,
        h.postalcode,
        h.preferredlanguage,
        h.preferreddatalocation,
        h.agegroup,
        h.consentprovidedforminor,
        h.legalagegroupclassification,
        h.onpremisessyncenabled,
        h.onpremisessecurityidentifier,
        h.onpremisessamaccountname,
        h.onpremisesdistinguishedname,
        h.onpremisesdomainname,
        h.onpremisesuserprincipalname,
        h.passwordpolicies,
        h.lastpasswordchangedatetime,
        h.securityidentifier,
        h.showinaddresslist,
        h.isresourceaccount,
        h.ismanagementrestricted,
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
        h.mobilephone,
        h.from_run
    from entra_user_history as h
    inner join moment_before as b on b.source_id = h.source_id
    inner join moment_after as e on e.source_id = h.source_id
    where h.from_run > b.run_id and h.from_run <= e.run_id and h.to_run > e.run_id
),

compared_value as (
    select
        n.source_id,
        n.id,
        n.displayname,
        n.from_run,
        a.place,
        case
            when a.place <= 10 then case a.place
                when 1 then o.userprincipalname
                when 2 then o.displayname
                when 3 then o.givenname
                when 4 then o.surname
                when 5 then o.usertype
                when 6 then cast(o.accountenabled as varchar(20))
                when 7 then o.employeeid
                when 8 then o.employeetype
                when 9 then substring(cast(o.employeehiredate as varchar(26)), 1, 19)
                when 10 then substring(cast(o.employeeleavedatetime as varchar(26)), 1, 19)
            end
            when a.place <= 20 then case a.place
                when 11 then o.employeeorgdata_division
                when 12 then o.employeeorgdata_costcenter
                when 13 then o.mail
                when 14 then o.mailnickname
                when 15 then o.smtp_primary
                when 16 then cast(o.othermails_count as varchar(20))
                when 17 then o.usagelocation
                when 18 then cast(o.usagelocation_known as varchar(20))
                when 19 then o.country
                when 20 then substring(cast(o.createddatetime as varchar(26)), 1, 19)
            end
            when a.place <= 30 then case a.place
                when 21 then o.creationtype
                when 22 then o.externaluserstate
                when 23 then substring(cast(o.externaluserstatechangedatetime as varchar(26)), 1, 19)
                when 24 then o.jobtitle
                when 25 then o.department
                when 26 then o.companyname
                when 27 then o.officelocation
                when 28 then o.faxnumber
                when 29 then o.streetaddress
                when 30 then o.city
            end
            when a.place <= 40 then case a.place
                when 31 then o.state
                when 32 then o.postalcode
                when 33 then o.preferredlanguage
                when 34 then o.preferreddatalocation
                when 35 then o.agegroup
                when 36 then o.consentprovidedforminor
                when 37 then o.legalagegroupclassification
                when 38 then cast(o.onpremisessyncenabled as varchar(20))
                when 39 then o.onpremisessecurityidentifier
                when 40 then o.onpremisessamaccountname
            end
            when a.place <= 50 then case a.place
                when 41 then o.onpremisesdistinguishedname
                when 42 then o.onpremisesdomainname
                when 43 then o.onpremisesuserprincipalname
                when 44 then o.passwordpolicies
                when 45 then substring(cast(o.lastpasswordchangedatetime as varchar(26)), 1, 19)
                when 46 then o.securityidentifier
                when 47 then cast(o.showinaddresslist as varchar(20))
                when 48 then cast(o.isresourceaccount as varchar(20))
                when 49 then cast(o.ismanagementrestricted as varchar(20))
                when 50 then o.extensionattribute1
            end
            when a.place <= 60 then case a.place
                when 51 then o.extensionattribute2
                when 52 then o.extensionattribute3
                when 53 then o.extensionattribute4
                when 54 then o.extensionattribute5
                when 55 then o.extensionattribute6
                when 56 then o.extensionattribute7
                when 57 then o.extensionattribute8
                when 58 then o.extensionattribute9
                when 59 then o.extensionattribute10
                when 60 then o.extensionattribute11
            end
            when a.place <= 64 then case a.place
                when 61 then o.extensionattribute12
                when 62 then o.extensionattribute13
                when 63 then o.extensionattribute14
                when 64 then o.extensionattribute15
            end
        end as before_value,
        case
            when a.place <= 10 then case a.place
                when 1 then n.userprincipalname
                when 2 then n.displayname
                when 3 then n.givenname
                when 4 then n.surname
                when 5 then n.usertype
                when 6 then cast(n.accountenabled as varchar(20))
                when 7 then n.employeeid
                when 8 then n.employeetype
                when 9 then substring(cast(n.employeehiredate as varchar(26)), 1, 19)
                when 10 then substring(cast(n.employeeleavedatetime as varchar(26)), 1, 19)
            end
            when a.place <= 20 then case a.place
                when 11 then n.employeeorgdata_division
                when 12 then n.employeeorgdata_costcenter
                when 13 then n.mail
                when 14 then n.mailnickname
                when 15 then n.smtp_primary
                when 16 then cast(n.othermails_count as varchar(20))
                when 17 then n.usagelocation
                when 18 then cast(n.usagelocation_known as varchar(20))
                when 19 then n.country
                when 20 then substring(cast(n.createddatetime as varchar(26)), 1, 19)
            end
            when a.place <= 30 then case a.place
                when 21 then n.creationtype
                when 22 then n.externaluserstate
                when 23 then substring(cast(n.externaluserstatechangedatetime as varchar(26)), 1, 19)
                when 24 then n.jobtitle
                when 25 then n.department
                when 26 then n.companyname
                when 27 then n.officelocation
                when 28 then n.faxnumber
                when 29 then n.streetaddress
                when 30 then n.city
            end
            when a.place <= 40 then case a.place
                when 31 then n.state
                when 32 then n.postalcode
                when 33 then n.preferredlanguage
                when 34 then n.preferreddatalocation
                when 35 then n.agegroup
                when 36 then n.consentprovidedforminor
                when 37 then n.legalagegroupclassification
                when 38 then cast(n.onpremisessyncenabled as varchar(20))
                when 39 then n.onpremisessecurityidentifier
                when 40 then n.onpremisessamaccountname
            end
            when a.place <= 50 then case a.place
                when 41 then n.onpremisesdistinguishedname
                when 42 then n.onpremisesdomainname
                when 43 then n.onpremisesuserprincipalname
                when 44 then n.passwordpolicies
                when 45 then substring(cast(n.lastpasswordchangedatetime as varchar(26)), 1, 19)
                when 46 then n.securityidentifier
                when 47 then cast(n.showinaddresslist as varchar(20))
                when 48 then cast(n.isresourceaccount as varchar(20))
                when 49 then cast(n.ismanagementrestricted as varchar(20))
                when 50 then n.extensionattribute1
            end
            when a.place <= 60 then case a.place
                when 51 then n.extensionattribute2
                when 52 then n.extensionattribute3
                when 53 then n.extensionattribute4
                when 54 then n.extensionattribute5
                when 55 then n.extensionattribute6
                when 56 then n.extensionattribute7
                when 57 then n.extensionattribute8
                when 58 then n.extensionattribute9
                when 59 then n.extensionattribute10
                when 60 then n.extensionattribute11
            end
            when a.place <= 64 then case a.place
                when 61 then n.extensionattribute12
                when 62 then n.extensionattribute13
                when 63 then n.extensionattribute14
                when 64 then n.extensionattribute15
            end
        end as after_value
    from old_row as o
    inner join new_row as n on n.source_id = o.source_id and n.id = o.id
    cross join compared as a
),

changed_row as (
    select
        o.source_id,
        o.id,
        n.displayname as object_name,
        n.from_run,
        o.before_run,
        o.after_run
    from old_row as o
    inner join new_row as n on n.source_id = o.source_id and n.id = o.id
),

side_entra_user_othermail as (
    select
        b.source_id,
        b.id,
        b.object_name,
        b.from_run,
        c.value as value,
        c.value_masked,
        case when c.run_id <= b.before_run then 1 else 0 end as was_there,
        case when c.run_id <= b.after_run then 1 else 0 end as is_there
    from changed_row as b
    inner join entra_user_othermail as c on c.source_id = b.source_id and c.id = b.id
    where c.run_id <= b.after_run
    union all
    select
        b.source_id,
        b.id,
        b.object_name,
        b.from_run,
        h.value as value,
        h.value_masked,
        case when h.from_run <= b.before_run and h.to_run > b.before_run then 1 else 0 end as was_there,
        case when h.from_run <= b.after_run and h.to_run > b.after_run then 1 else 0 end as is_there
    from changed_row as b
    inner join entra_user_othermail_history as h on h.source_id = b.source_id and h.id = b.id
    where h.from_run <= b.after_run and h.to_run > b.before_run
),

side_entra_user_proxyaddress as (
    select
        b.source_id,
        b.id,
        b.object_name,
        b.from_run,
        c.value as value,
        case when c.run_id <= b.before_run then 1 else 0 end as was_there,
        case when c.run_id <= b.after_run then 1 else 0 end as is_there
    from changed_row as b
    inner join entra_user_proxyaddress as c on c.source_id = b.source_id and c.id = b.id
    where c.run_id <= b.after_run
    union all
    select
        b.source_id,
        b.id,
        b.object_name,
        b.from_run,
        h.value as value,
        case when h.from_run <= b.before_run and h.to_run > b.before_run then 1 else 0 end as was_there,
        case when h.from_run <= b.after_run and h.to_run > b.after_run then 1 else 0 end as is_there
    from changed_row as b
    inner join entra_user_proxyaddress_history as h on h.source_id = b.source_id and h.id = b.id
    where h.from_run <= b.after_run and h.to_run > b.before_run
),

side_entra_user_businessphone as (
    select
        b.source_id,
        b.id,
        b.object_name,
        b.from_run,
        c.value as value,
        case when c.run_id <= b.before_run then 1 else 0 end as was_there,
        case when c.run_id <= b.after_run then 1 else 0 end as is_there
    from changed_row as b
    inner join entra_user_businessphone as c on c.source_id = b.source_id and c.id = b.id
    where c.run_id <= b.after_run
    union all
    select
        b.source_id,
        b.id,
        b.object_name,
        b.from_run,
        h.value as value,
        case when h.from_run <= b.before_run and h.to_run > b.before_run then 1 else 0 end as was_there,
        case when h.from_run <= b.after_run and h.to_run > b.after_run then 1 else 0 end as is_there
    from changed_row as b
    inner join entra_user_businessphone_history as h on h.source_id = b.source_id and h.id = b.id
    where h.from_run <= b.after_run and h.to_run > b.before_run
),

side_entra_user_imaddress as (
    select
        b.source_id,
        b.id,
        b.object_name,
        b.from_run,
        c.value as value,
        case when c.run_id <= b.before_run then 1 else 0 end as was_there,
        case when c.run_id <= b.after_run then 1 else 0 end as is_there
    from changed_row as b
    inner join entra_user_imaddress as c on c.source_id = b.source_id and c.id = b.id
    where c.run_id <= b.after_run
    union all
    select
        b.source_id,
        b.id,
        b.object_name,
        b.from_run,
        h.value as value,
        case when h.from_run <= b.before_run and h.to_run > b.before_run then 1 else 0 end as was_there,
        case when h.from_run <= b.after_run and h.to_run > b.after_run then 1 else 0 end as is_there
    from changed_row as b
    inner join entra_user_imaddress_history as h on h.source_id = b.source_id and h.id = b.id
    where h.from_run <= b.after_run and h.to_run > b.before_run
),

side_entra_user_license as (
    select
        b.source_id,
        b.id,
        b.object_name,
        b.from_run,
        c.skuid as value,
        case when c.run_id <= b.before_run then 1 else 0 end as was_there,
        case when c.run_id <= b.after_run then 1 else 0 end as is_there
    from changed_row as b
    inner join entra_user_license as c on c.source_id = b.source_id and c.id = b.id
    where c.run_id <= b.after_run
    union all
    select
        b.source_id,
        b.id,
        b.object_name,
        b.from_run,
        h.skuid as value,
        case when h.from_run <= b.before_run and h.to_run > b.before_run then 1 else 0 end as was_there,
        case when h.from_run <= b.after_run and h.to_run > b.after_run then 1 else 0 end as is_there
    from changed_row as b
    inner join entra_user_license_history as h on h.source_id = b.source_id and h.id = b.id
    where h.from_run <= b.after_run and h.to_run > b.before_run
),

place_entra_user_identity as (
    select 1 as place
    union all
    select 2
    union all
    select 3
),

side_entra_user_identity as (
    select
        b.source_id,
        b.id,
        b.object_name,
        b.from_run,
        a.place,
        case a.place
            when 1 then c.signintype
            when 2 then c.issuer
            when 3 then c.issuerassignedid
        end as value,
        case when c.run_id <= b.before_run then 1 else 0 end as was_there,
        case when c.run_id <= b.after_run then 1 else 0 end as is_there
    from changed_row as b
    inner join entra_user_identity as c on c.source_id = b.source_id and c.id = b.id
    cross join place_entra_user_identity as a
    where c.run_id <= b.after_run
    union all
    select
        b.source_id,
        b.id,
        b.object_name,
        b.from_run,
        a.place,
        case a.place
            when 1 then h.signintype
            when 2 then h.issuer
            when 3 then h.issuerassignedid
        end as value,
        case when h.from_run <= b.before_run and h.to_run > b.before_run then 1 else 0 end as was_there,
        case when h.from_run <= b.after_run and h.to_run > b.after_run then 1 else 0 end as is_there
    from changed_row as b
    inner join entra_user_identity_history as h on h.source_id = b.source_id and h.id = b.id
    cross join place_entra_user_identity as a
    where h.from_run <= b.after_run and h.to_run > b.before_run
),

place_entra_user_provisioningerror as (
    select 1 as place
    union all
    select 2
    union all
    select 3
    union all
    select 4
),

side_entra_user_provisioningerror as (
    select
        b.source_id,
        b.id,
        b.object_name,
        b.from_run,
        a.place,
        case a.place
            when 1 then c.category
            when 2 then c.propertycausingerror
            when 3 then c.value
            when 4 then substring(cast(c.occurreddatetime as varchar(26)), 1, 19)
        end as value,
        case when c.run_id <= b.before_run then 1 else 0 end as was_there,
        case when c.run_id <= b.after_run then 1 else 0 end as is_there
    from changed_row as b
    inner join entra_user_provisioningerror as c on c.source_id = b.source_id and c.id = b.id
    cross join place_entra_user_provisioningerror as a
    where c.run_id <= b.after_run
    union all
    select
        b.source_id,
        b.id,
        b.object_name,
        b.from_run,
        a.place,
        case a.place
            when 1 then h.category
            when 2 then h.propertycausingerror
            when 3 then h.value
            when 4 then substring(cast(h.occurreddatetime as varchar(26)), 1, 19)
        end as value,
        case when h.from_run <= b.before_run and h.to_run > b.before_run then 1 else 0 end as was_there,
        case when h.from_run <= b.after_run and h.to_run > b.after_run then 1 else 0 end as is_there
    from changed_row as b
    inner join entra_user_provisioningerror_history as h on h.source_id = b.source_id and h.id = b.id
    cross join place_entra_user_provisioningerror as a
    where h.from_run <= b.after_run and h.to_run > b.before_run
)

select
    s.name as source_name,
    v.id,
    v.displayname as object_name,
    case
        when v.place <= 10 then case v.place
            when 1 then 'userprincipalname'
            when 2 then 'displayname'
            when 3 then 'givenname'
            when 4 then 'surname'
            when 5 then 'usertype'
            when 6 then 'accountenabled'
            when 7 then 'employeeid'
            when 8 then 'employeetype'
            when 9 then 'employeehiredate'
            when 10 then 'employeeleavedatetime'
        end
        when v.place <= 20 then case v.place
            when 11 then 'employeeorgdata_division'
            when 12 then 'employeeorgdata_costcenter'
            when 13 then 'mail'
            when 14 then 'mailnickname'
            when 15 then 'smtp_primary'
            when 16 then 'othermails_count'
            when 17 then 'usagelocation'
            when 18 then 'usagelocation_known'
            when 19 then 'country'
            when 20 then 'createddatetime'
        end
        when v.place <= 30 then case v.place
            when 21 then 'creationtype'
            when 22 then 'externaluserstate'
            when 23 then 'externaluserstatechangedatetime'
            when 24 then 'jobtitle'
            when 25 then 'department'
            when 26 then 'companyname'
            when 27 then 'officelocation'
            when 28 then 'faxnumber'
            when 29 then 'streetaddress'
            when 30 then 'city'
        end
        when v.place <= 40 then case v.place
            when 31 then 'state'
            when 32 then 'postalcode'
            when 33 then 'preferredlanguage'
            when 34 then 'preferreddatalocation'
            when 35 then 'agegroup'
            when 36 then 'consentprovidedforminor'
            when 37 then 'legalagegroupclassification'
            when 38 then 'onpremisessyncenabled'
            when 39 then 'onpremisessecurityidentifier'
            when 40 then 'onpremisessamaccountname'
        end
        when v.place <= 50 then case v.place
            when 41 then 'onpremisesdistinguishedname'
            when 42 then 'onpremisesdomainname'
            when 43 then 'onpremisesuserprincipalname'
            when 44 then 'passwordpolicies'
            when 45 then 'lastpasswordchangedatetime'
            when 46 then 'securityidentifier'
            when 47 then 'showinaddresslist'
            when 48 then 'isresourceaccount'
            when 49 then 'ismanagementrestricted'
            when 50 then 'extensionattribute1'
        end
        when v.place <= 60 then case v.place
            when 51 then 'extensionattribute2'
            when 52 then 'extensionattribute3'
            when 53 then 'extensionattribute4'
            when 54 then 'extensionattribute5'
            when 55 then 'extensionattribute6'
            when 56 then 'extensionattribute7'
            when 57 then 'extensionattribute8'
            when 58 then 'extensionattribute9'
            when 59 then 'extensionattribute10'
            when 60 then 'extensionattribute11'
        end
        when v.place <= 64 then case v.place
            when 61 then 'extensionattribute12'
            when 62 then 'extensionattribute13'
            when 63 then 'extensionattribute14'
            when 64 then 'extensionattribute15'
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
    n.id,
    n.displayname as object_name,
    'mobilephone' as attribute,
    case when o.mobilephone <> '' then '***' end as before_value,
    case when n.mobilephone <> '' then '***' end as after_value,
    n.from_run as run_id
from old_row as o
inner join new_row as n on n.source_id = o.source_id and n.id = o.id
inner join source as s on s.source_id = o.source_id
where coalesce(o.mobilephone, '') <> coalesce(n.mobilephone, '')
union all
select
    s.name as source_name,
    v.id,
    v.object_name,
    'othermails' as attribute,
    case when max(v.was_there) = 1 then max(v.value_masked) end as before_value,
    case when max(v.is_there) = 1 then max(v.value_masked) end as after_value,
    v.from_run as run_id
from side_entra_user_othermail as v
inner join source as s on s.source_id = v.source_id
where v.value is not null
group by s.name, v.id, v.object_name, v.from_run, v.value
having max(v.was_there) <> max(v.is_there)
union all
select
    s.name as source_name,
    v.id,
    v.object_name,
    'proxyaddresses' as attribute,
    case when max(v.was_there) = 1 then max(v.value) end as before_value,
    case when max(v.is_there) = 1 then max(v.value) end as after_value,
    v.from_run as run_id
from side_entra_user_proxyaddress as v
inner join source as s on s.source_id = v.source_id
where v.value is not null
group by s.name, v.id, v.object_name, v.from_run, v.value
having max(v.was_there) <> max(v.is_there)
union all
select
    s.name as source_name,
    v.id,
    v.object_name,
    'businessphones' as attribute,
    case when max(v.was_there) = 1 then max(v.value) end as before_value,
    case when max(v.is_there) = 1 then max(v.value) end as after_value,
    v.from_run as run_id
from side_entra_user_businessphone as v
inner join source as s on s.source_id = v.source_id
where v.value is not null
group by s.name, v.id, v.object_name, v.from_run, v.value
having max(v.was_there) <> max(v.is_there)
union all
select
    s.name as source_name,
    v.id,
    v.object_name,
    'imaddresses' as attribute,
    case when max(v.was_there) = 1 then max(v.value) end as before_value,
    case when max(v.is_there) = 1 then max(v.value) end as after_value,
    v.from_run as run_id
from side_entra_user_imaddress as v
inner join source as s on s.source_id = v.source_id
where v.value is not null
group by s.name, v.id, v.object_name, v.from_run, v.value
having max(v.was_there) <> max(v.is_there)
union all
select
    s.name as source_name,
    v.id,
    v.object_name,
    'assignedlicenses' as attribute,
    case when max(v.was_there) = 1 then max(v.value) end as before_value,
    case when max(v.is_there) = 1 then max(v.value) end as after_value,
    v.from_run as run_id
from side_entra_user_license as v
inner join source as s on s.source_id = v.source_id
where v.value is not null
group by s.name, v.id, v.object_name, v.from_run, v.value
having max(v.was_there) <> max(v.is_there)
union all
select
    s.name as source_name,
    v.id,
    v.object_name,
    case v.place
        when 1 then 'identities.signintype'
        when 2 then 'identities.issuer'
        when 3 then 'identities.issuerassignedid'
    end as attribute,
    case when max(v.was_there) = 1 then max(v.value) end as before_value,
    case when max(v.is_there) = 1 then max(v.value) end as after_value,
    v.from_run as run_id
from side_entra_user_identity as v
inner join source as s on s.source_id = v.source_id
where v.value is not null
group by s.name, v.id, v.object_name, v.from_run, v.place, v.value
having max(v.was_there) <> max(v.is_there)
union all
select
    s.name as source_name,
    v.id,
    v.object_name,
    case v.place
        when 1 then 'onpremisesprovisioningerrors.category'
        when 2 then 'onpremisesprovisioningerrors.propertycausingerror'
        when 3 then 'onpremisesprovisioningerrors.value'
        when 4 then 'onpremisesprovisioningerrors.occurreddatetime'
    end as attribute,
    case when max(v.was_there) = 1 then max(v.value) end as before_value,
    case when max(v.is_there) = 1 then max(v.value) end as after_value,
    v.from_run as run_id
from side_entra_user_provisioningerror as v
inner join source as s on s.source_id = v.source_id
where v.value is not null
group by s.name, v.id, v.object_name, v.from_run, v.place, v.value
having max(v.was_there) <> max(v.is_there)

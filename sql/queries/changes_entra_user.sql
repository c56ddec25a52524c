-- title: What changed in entra_user
-- meaning: One row per attribute of entra_user that differs between two loads, for objects that stand at both;
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
    select 'userprincipalname' as attribute
    union all
    select 'displayname' as attribute
    union all
    select 'givenname' as attribute
    union all
    select 'surname' as attribute
    union all
    select 'usertype' as attribute
    union all
    select 'accountenabled' as attribute
    union all
    select 'employeeid' as attribute
    union all
    select 'employeetype' as attribute
    union all
    select 'employeehiredate' as attribute
    union all
    select 'employeeleavedatetime' as attribute
    union all
    select 'mail' as attribute
    union all
    select 'mailnickname' as attribute
    union all
    select 'smtp_primary' as attribute
    union all
    select 'othermails_count' as attribute
    union all
    select 'usagelocation' as attribute
    union all
    select 'country' as attribute
    union all
    select 'externaluserstate' as attribute
    union all
    select 'jobtitle' as attribute
    union all
    select 'department' as attribute
    union all
    select 'companyname' as attribute
    union all
    select 'officelocation' as attribute
    union all
    select 'streetaddress' as attribute
    union all
    select 'city' as attribute
    union all
    select 'state' as attribute
    union all
    select 'postalcode' as attribute
    union all
    select 'preferredlanguage' as attribute
    union all
    select 'onpremisessyncenabled' as attribute
    union all
    select 'onpremisessecurityidentifier' as attribute
    union all
    select 'onpremisessamaccountname' as attribute
    union all
    select 'onpremisesdistinguishedname' as attribute
    union all
    select 'onpremisesdomainname' as attribute
    union all
    select 'onpremisesuserprincipalname' as attribute
    union all
    select 'passwordpolicies' as attribute
    union all
    select 'lastpasswordchangedatetime' as attribute
    union all
    select 'showinaddresslist' as attribute
    union all
    select 'isresourceaccount' as attribute
    union all
    select 'ismanagementrestricted' as attribute
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
        h.mail,
        h.mailnickname,
        h.smtp_primary,
        h.othermails_count,
        h.usagelocation,
        h.country,
        h.externaluserstate,
        h.jobtitle,
        h.department,
        h.companyname,
        h.officelocation,
        h.streetaddress,
        h.city,
        h.state,
        h.postalcode,
        h.preferredlanguage,
        h.onpremisessyncenabled,
        h.onpremisessecurityidentifier,
        h.onpremisessamaccountname,
        h.onpremisesdistinguishedname,
        h.onpremisesdomainname,
        h.onpremisesuserprincipalname,
        h.passwordpolicies,
        h.lastpasswordchangedatetime,
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
        h.to_run
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
        c.mail,
        c.mailnickname,
        c.smtp_primary,
        c.othermails_count,
        c.usagelocation,
        c.country,
        c.externaluserstate,
        c.jobtitle,
        c.department,
        c.companyname,
        c.officelocation,
        c.streetaddress,
        c.city,
        c.state,
        c.postalcode,
        c.preferredlanguage,
        c.onpremisessyncenabled,
        c.onpremisessecurityidentifier,
        c.onpremisessamaccountname,
        c.onpremisesdistinguishedname,
        c.onpremisesdomainname,
        c.onpremisesuserprincipalname,
        c.passwordpolicies,
        c.lastpasswordchangedatetime,
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
        h.mail,
        h.mailnickname,
        h.smtp_primary,
        h.othermails_count,
        h.usagelocation,
        h.country,
        h.externaluserstate,
        h.jobtitle,
        h.department,
        h.companyname,
        h.officelocation,
        h.streetaddress,
        h.city,
        h.state,
        h.postalcode,
        h.preferredlanguage,
        h.onpremisessyncenabled,
        h.onpremisessecurityidentifier,
        h.onpremisessamaccountname,
        h.onpremisesdistinguishedname,
        h.onpremisesdomainname,
        h.onpremisesuserprincipalname,
        h.passwordpolicies,
        h.lastpasswordchangedatetime,
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
        a.attribute,
        case a.attribute
            when 'userprincipalname' then o.userprincipalname
            when 'displayname' then o.displayname
            when 'givenname' then o.givenname
            when 'surname' then o.surname
            when 'usertype' then o.usertype
            when 'accountenabled' then cast(o.accountenabled as varchar(20))
            when 'employeeid' then o.employeeid
            when 'employeetype' then o.employeetype
            when 'employeehiredate' then substring(cast(o.employeehiredate as varchar(26)), 1, 19)
            when 'employeeleavedatetime' then substring(cast(o.employeeleavedatetime as varchar(26)), 1, 19)
            when 'mail' then o.mail
            when 'mailnickname' then o.mailnickname
            when 'smtp_primary' then o.smtp_primary
            when 'othermails_count' then cast(o.othermails_count as varchar(20))
            when 'usagelocation' then o.usagelocation
            when 'country' then o.country
            when 'externaluserstate' then o.externaluserstate
            when 'jobtitle' then o.jobtitle
            when 'department' then o.department
            when 'companyname' then o.companyname
            when 'officelocation' then o.officelocation
            when 'streetaddress' then o.streetaddress
            when 'city' then o.city
            when 'state' then o.state
            when 'postalcode' then o.postalcode
            when 'preferredlanguage' then o.preferredlanguage
            when 'onpremisessyncenabled' then cast(o.onpremisessyncenabled as varchar(20))
            when 'onpremisessecurityidentifier' then o.onpremisessecurityidentifier
            when 'onpremisessamaccountname' then o.onpremisessamaccountname
            when 'onpremisesdistinguishedname' then o.onpremisesdistinguishedname
            when 'onpremisesdomainname' then o.onpremisesdomainname
            when 'onpremisesuserprincipalname' then o.onpremisesuserprincipalname
            when 'passwordpolicies' then o.passwordpolicies
            when 'lastpasswordchangedatetime' then substring(cast(o.lastpasswordchangedatetime as varchar(26)), 1, 19)
            when 'showinaddresslist' then cast(o.showinaddresslist as varchar(20))
            when 'isresourceaccount' then cast(o.isresourceaccount as varchar(20))
            when 'ismanagementrestricted' then cast(o.ismanagementrestricted as varchar(20))
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
            when 'userprincipalname' then n.userprincipalname
            when 'displayname' then n.displayname
            when 'givenname' then n.givenname
            when 'surname' then n.surname
            when 'usertype' then n.usertype
            when 'accountenabled' then cast(n.accountenabled as varchar(20))
            when 'employeeid' then n.employeeid
            when 'employeetype' then n.employeetype
            when 'employeehiredate' then substring(cast(n.employeehiredate as varchar(26)), 1, 19)
            when 'employeeleavedatetime' then substring(cast(n.employeeleavedatetime as varchar(26)), 1, 19)
            when 'mail' then n.mail
            when 'mailnickname' then n.mailnickname
            when 'smtp_primary' then n.smtp_primary
            when 'othermails_count' then cast(n.othermails_count as varchar(20))
            when 'usagelocation' then n.usagelocation
            when 'country' then n.country
            when 'externaluserstate' then n.externaluserstate
            when 'jobtitle' then n.jobtitle
            when 'department' then n.department
            when 'companyname' then n.companyname
            when 'officelocation' then n.officelocation
            when 'streetaddress' then n.streetaddress
            when 'city' then n.city
            when 'state' then n.state
            when 'postalcode' then n.postalcode
            when 'preferredlanguage' then n.preferredlanguage
            when 'onpremisessyncenabled' then cast(n.onpremisessyncenabled as varchar(20))
            when 'onpremisessecurityidentifier' then n.onpremisessecurityidentifier
            when 'onpremisessamaccountname' then n.onpremisessamaccountname
            when 'onpremisesdistinguishedname' then n.onpremisesdistinguishedname
            when 'onpremisesdomainname' then n.onpremisesdomainname
            when 'onpremisesuserprincipalname' then n.onpremisesuserprincipalname
            when 'passwordpolicies' then n.passwordpolicies
            when 'lastpasswordchangedatetime' then substring(cast(n.lastpasswordchangedatetime as varchar(26)), 1, 19)
            when 'showinaddresslist' then cast(n.showinaddresslist as varchar(20))
            when 'isresourceaccount' then cast(n.isresourceaccount as varchar(20))
            when 'ismanagementrestricted' then cast(n.ismanagementrestricted as varchar(20))
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
    inner join new_row as n on n.source_id = o.source_id and n.id = o.id
    cross join compared as a
),

changed_row as (
    select
        o.source_id,
        o.id,
        n.displayname as object_name,
        n.from_run
    from old_row as o
    inner join new_row as n on n.source_id = o.source_id and n.id = o.id
),

side_entra_user_othermail as (
    select
        b.source_id,
        b.id,
        b.object_name,
        b.from_run,
        c.value,
        c.value_masked as shown,
        0 as is_new
    from changed_row as b
    inner join moment_before as m on m.source_id = b.source_id
    inner join entra_user_othermail as c on c.source_id = b.source_id and c.id = b.id
    where c.run_id <= m.run_id
    union all
    select
        b.source_id,
        b.id,
        b.object_name,
        b.from_run,
        h.value,
        h.value_masked as shown,
        0 as is_new
    from changed_row as b
    inner join moment_before as m on m.source_id = b.source_id
    inner join entra_user_othermail_history as h on h.source_id = b.source_id and h.id = b.id
    where h.from_run <= m.run_id and h.to_run > m.run_id
    union all
    select
        b.source_id,
        b.id,
        b.object_name,
        b.from_run,
        c.value,
        c.value_masked as shown,
        1 as is_new
    from changed_row as b
    inner join moment_after as m on m.source_id = b.source_id
    inner join entra_user_othermail as c on c.source_id = b.source_id and c.id = b.id
    where c.run_id <= m.run_id
    union all
    select
        b.source_id,
        b.id,
        b.object_name,
        b.from_run,
        h.value,
        h.value_masked as shown,
        1 as is_new
    from changed_row as b
    inner join moment_after as m on m.source_id = b.source_id
    inner join entra_user_othermail_history as h on h.source_id = b.source_id and h.id = b.id
    where h.from_run <= m.run_id and h.to_run > m.run_id
),

side_entra_user_proxyaddress as (
    select
        b.source_id,
        b.id,
        b.object_name,
        b.from_run,
        c.value,
        c.value as shown,
        0 as is_new
    from changed_row as b
    inner join moment_before as m on m.source_id = b.source_id
    inner join entra_user_proxyaddress as c on c.source_id = b.source_id and c.id = b.id
    where c.run_id <= m.run_id
    union all
    select
        b.source_id,
        b.id,
        b.object_name,
        b.from_run,
        h.value,
        h.value as shown,
        0 as is_new
    from changed_row as b
    inner join moment_before as m on m.source_id = b.source_id
    inner join entra_user_proxyaddress_history as h on h.source_id = b.source_id and h.id = b.id
    where h.from_run <= m.run_id and h.to_run > m.run_id
    union all
    select
        b.source_id,
        b.id,
        b.object_name,
        b.from_run,
        c.value,
        c.value as shown,
        1 as is_new
    from changed_row as b
    inner join moment_after as m on m.source_id = b.source_id
    inner join entra_user_proxyaddress as c on c.source_id = b.source_id and c.id = b.id
    where c.run_id <= m.run_id
    union all
    select
        b.source_id,
        b.id,
        b.object_name,
        b.from_run,
        h.value,
        h.value as shown,
        1 as is_new
    from changed_row as b
    inner join moment_after as m on m.source_id = b.source_id
    inner join entra_user_proxyaddress_history as h on h.source_id = b.source_id and h.id = b.id
    where h.from_run <= m.run_id and h.to_run > m.run_id
),

side_entra_user_businessphone as (
    select
        b.source_id,
        b.id,
        b.object_name,
        b.from_run,
        c.value,
        c.value as shown,
        0 as is_new
    from changed_row as b
    inner join moment_before as m on m.source_id = b.source_id
    inner join entra_user_businessphone as c on c.source_id = b.source_id and c.id = b.id
    where c.run_id <= m.run_id
    union all
    select
        b.source_id,
        b.id,
        b.object_name,
        b.from_run,
        h.value,
        h.value as shown,
        0 as is_new
    from changed_row as b
    inner join moment_before as m on m.source_id = b.source_id
    inner join entra_user_businessphone_history as h on h.source_id = b.source_id and h.id = b.id
    where h.from_run <= m.run_id and h.to_run > m.run_id
    union all
    select
        b.source_id,
        b.id,
        b.object_name,
        b.from_run,
        c.value,
        c.value as shown,
        1 as is_new
    from changed_row as b
    inner join moment_after as m on m.source_id = b.source_id
    inner join entra_user_businessphone as c on c.source_id = b.source_id and c.id = b.id
    where c.run_id <= m.run_id
    union all
    select
        b.source_id,
        b.id,
        b.object_name,
        b.from_run,
        h.value,
        h.value as shown,
        1 as is_new
    from changed_row as b
    inner join moment_after as m on m.source_id = b.source_id
    inner join entra_user_businessphone_history as h on h.source_id = b.source_id and h.id = b.id
    where h.from_run <= m.run_id and h.to_run > m.run_id
)

select
    s.name as source_name,
    v.id,
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
    v.id,
    v.object_name,
    'othermails' as attribute,
    case when max(v.is_new) = 0 then max(v.shown) end as before_value,
    case when max(v.is_new) = 1 then max(v.shown) end as after_value,
    v.from_run as run_id
from side_entra_user_othermail as v
inner join source as s on s.source_id = v.source_id
group by s.name, v.id, v.object_name, v.from_run, v.value
having min(v.is_new) = max(v.is_new)
union all
select
    s.name as source_name,
    v.id,
    v.object_name,
    'proxyaddresses' as attribute,
    case when max(v.is_new) = 0 then max(v.shown) end as before_value,
    case when max(v.is_new) = 1 then max(v.shown) end as after_value,
    v.from_run as run_id
from side_entra_user_proxyaddress as v
inner join source as s on s.source_id = v.source_id
group by s.name, v.id, v.object_name, v.from_run, v.value
having min(v.is_new) = max(v.is_new)
union all
select
    s.name as source_name,
    v.id,
    v.object_name,
    'businessphones' as attribute,
    case when max(v.is_new) = 0 then max(v.shown) end as before_value,
    case when max(v.is_new) = 1 then max(v.shown) end as after_value,
    v.from_run as run_id
from side_entra_user_businessphone as v
inner join source as s on s.source_id = v.source_id
group by s.name, v.id, v.object_name, v.from_run, v.value
having min(v.is_new) = max(v.is_new)

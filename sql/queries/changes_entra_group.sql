-- title: What changed in entra_group
-- meaning: One row per attribute of entra_group that differs between two loads, for objects that stand at
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
    select 'displayname' as attribute
    union all
    select 'description' as attribute
    union all
    select 'mail' as attribute
    union all
    select 'mailnickname' as attribute
    union all
    select 'mailenabled' as attribute
    union all
    select 'securityenabled' as attribute
    union all
    select 'is_unified' as attribute
    union all
    select 'is_dynamic' as attribute
    union all
    select 'isassignabletorole' as attribute
    union all
    select 'visibility' as attribute
    union all
    select 'classification' as attribute
    union all
    select 'membershiprule' as attribute
    union all
    select 'membershipruleprocessingstate' as attribute
    union all
    select 'expirationdatetime' as attribute
    union all
    select 'reneweddatetime' as attribute
    union all
    select 'onpremisessyncenabled' as attribute
    union all
    select 'onpremisessamaccountname' as attribute
    union all
    select 'onpremisesdomainname' as attribute
),

old_row as (
    select
        h.source_id,
        h.id,
        h.displayname,
        h.description,
        h.mail,
        h.mailnickname,
        h.mailenabled,
        h.securityenabled,
        h.is_unified,
        h.is_dynamic,
        h.isassignabletorole,
        h.visibility,
        h.classification,
        h.membershiprule,
        h.membershipruleprocessingstate,
        h.expirationdatetime,
        h.reneweddatetime,
        h.onpremisessyncenabled,
        h.onpremisessamaccountname,
        h.onpremisesdomainname,
        h.to_run
    from entra_group_history as h
    inner join moment_before as b on b.source_id = h.source_id
    inner join moment_after as e on e.source_id = h.source_id
    where h.from_run <= b.run_id and h.to_run > b.run_id and h.to_run <= e.run_id
),

new_row as (
    select
        c.source_id,
        c.id,
        c.displayname,
        c.description,
        c.mail,
        c.mailnickname,
        c.mailenabled,
        c.securityenabled,
        c.is_unified,
        c.is_dynamic,
        c.isassignabletorole,
        c.visibility,
        c.classification,
        c.membershiprule,
        c.membershipruleprocessingstate,
        c.expirationdatetime,
        c.reneweddatetime,
        c.onpremisessyncenabled,
        c.onpremisessamaccountname,
        c.onpremisesdomainname,
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
        h.description,
        h.mail,
        h.mailnickname,
        h.mailenabled,
        h.securityenabled,
        h.is_unified,
        h.is_dynamic,
        h.isassignabletorole,
        h.visibility,
        h.classification,
        h.membershiprule,
        h.membershipruleprocessingstate,
        h.expirationdatetime,
        h.reneweddatetime,
        h.onpremisessyncenabled,
        h.onpremisessamaccountname,
        h.onpremisesdomainname,
        h.from_run
    from entra_group_history as h
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
            when 'displayname' then o.displayname
            when 'description' then o.description
            when 'mail' then o.mail
            when 'mailnickname' then o.mailnickname
            when 'mailenabled' then cast(o.mailenabled as varchar(20))
            when 'securityenabled' then cast(o.securityenabled as varchar(20))
            when 'is_unified' then cast(o.is_unified as varchar(20))
            when 'is_dynamic' then cast(o.is_dynamic as varchar(20))
            when 'isassignabletorole' then cast(o.isassignabletorole as varchar(20))
            when 'visibility' then o.visibility
            when 'classification' then o.classification
            when 'membershiprule' then o.membershiprule
            when 'membershipruleprocessingstate' then o.membershipruleprocessingstate
            when 'expirationdatetime' then substring(cast(o.expirationdatetime as varchar(26)), 1, 19)
            when 'reneweddatetime' then substring(cast(o.reneweddatetime as varchar(26)), 1, 19)
            when 'onpremisessyncenabled' then cast(o.onpremisessyncenabled as varchar(20))
            when 'onpremisessamaccountname' then o.onpremisessamaccountname
            when 'onpremisesdomainname' then o.onpremisesdomainname
        end as before_value,
        case a.attribute
            when 'displayname' then n.displayname
            when 'description' then n.description
            when 'mail' then n.mail
            when 'mailnickname' then n.mailnickname
            when 'mailenabled' then cast(n.mailenabled as varchar(20))
            when 'securityenabled' then cast(n.securityenabled as varchar(20))
            when 'is_unified' then cast(n.is_unified as varchar(20))
            when 'is_dynamic' then cast(n.is_dynamic as varchar(20))
            when 'isassignabletorole' then cast(n.isassignabletorole as varchar(20))
            when 'visibility' then n.visibility
            when 'classification' then n.classification
            when 'membershiprule' then n.membershiprule
            when 'membershipruleprocessingstate' then n.membershipruleprocessingstate
            when 'expirationdatetime' then substring(cast(n.expirationdatetime as varchar(26)), 1, 19)
            when 'reneweddatetime' then substring(cast(n.reneweddatetime as varchar(26)), 1, 19)
            when 'onpremisessyncenabled' then cast(n.onpremisessyncenabled as varchar(20))
            when 'onpremisessamaccountname' then n.onpremisessamaccountname
            when 'onpremisesdomainname' then n.onpremisesdomainname
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

side_entra_group_proxyaddress as (
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
    inner join entra_group_proxyaddress as c on c.source_id = b.source_id and c.id = b.id
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
    inner join entra_group_proxyaddress_history as h on h.source_id = b.source_id and h.id = b.id
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
    inner join entra_group_proxyaddress as c on c.source_id = b.source_id and c.id = b.id
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
    inner join entra_group_proxyaddress_history as h on h.source_id = b.source_id and h.id = b.id
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
    'proxyaddresses' as attribute,
    case when max(v.is_new) = 0 then max(v.shown) end as before_value,
    case when max(v.is_new) = 1 then max(v.shown) end as after_value,
    v.from_run as run_id
from side_entra_group_proxyaddress as v
inner join source as s on s.source_id = v.source_id
group by s.name, v.id, v.object_name, v.from_run, v.value
having min(v.is_new) = max(v.is_new)

-- title: What changed in entra_group
-- meaning: One row per attribute of entra_group that differs between two loads, for objects that stand at
--   both; of a multi-valued attribute one row per value gained or lost. run_id is the load that brought the
--   present version. Left out are values kept fresh in place (last logon, whenChanged and their like), what
--   only repeats another column (keys, days, raw times) and the order of values. Where the database compares
--   text without case, a change of case alone is not seen; source anchors and SIDs stand in changes_anchor.
--   Private addresses and mobile numbers are masked.
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
        h.createddatetime,
        h.expirationdatetime,
        h.reneweddatetime,
        h.onpremisessyncenabled,
        h.onpremisessecurityidentifier,
        h.onpremisessamaccountname,
        h.onpremisesdomainname,
        h.onpremisesnetbiosname,
        h.securityidentifier,
        b.run_id as before_run,
        e.run_id as after_run
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
        c.createddatetime,
        c.expirationdatetime,
        c.reneweddatetime,
        c.onpremisessyncenabled,
        c.onpremisessecurityidentifier,
        c.onpremisessamaccountname,
        c.onpremisesdomainname,
        c.onpremisesnetbiosname,
        c.securityidentifier,
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
        h.createddatetime,
        h.expirationdatetime,
        h.reneweddatetime,
        h.onpremisessyncenabled,
        h.onpremisessecurityidentifier,
        h.onpremisessamaccountname,
        h.onpremisesdomainname,
        h.onpremisesnetbiosname,
        h.securityidentifier,
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
        a.place,
        case
            when a.place <= 10 then case a.place
                when 1 then o.displayname
                when 2 then o.description
                when 3 then o.mail
                when 4 then o.mailnickname
                when 5 then cast(o.mailenabled as varchar(20))
                when 6 then cast(o.securityenabled as varchar(20))
                when 7 then cast(o.is_unified as varchar(20))
                when 8 then cast(o.is_dynamic as varchar(20))
                when 9 then cast(o.isassignabletorole as varchar(20))
                when 10 then o.visibility
            end
            when a.place <= 20 then case a.place
                when 11 then o.classification
                when 12 then o.membershiprule
                when 13 then o.membershipruleprocessingstate
                when 14 then substring(cast(o.createddatetime as varchar(26)), 1, 19)
                when 15 then substring(cast(o.expirationdatetime as varchar(26)), 1, 19)
                when 16 then substring(cast(o.reneweddatetime as varchar(26)), 1, 19)
                when 17 then cast(o.onpremisessyncenabled as varchar(20))
                when 18 then o.onpremisessecurityidentifier
                when 19 then o.onpremisessamaccountname
                when 20 then o.onpremisesdomainname
            end
            when a.place <= 22 then case a.place
                when 21 then o.onpremisesnetbiosname
                when 22 then o.securityidentifier
            end
        end as before_value,
        case
            when a.place <= 10 then case a.place
                when 1 then n.displayname
                when 2 then n.description
                when 3 then n.mail
                when 4 then n.mailnickname
                when 5 then cast(n.mailenabled as varchar(20))
                when 6 then cast(n.securityenabled as varchar(20))
                when 7 then cast(n.is_unified as varchar(20))
                when 8 then cast(n.is_dynamic as varchar(20))
                when 9 then cast(n.isassignabletorole as varchar(20))
                when 10 then n.visibility
            end
            when a.place <= 20 then case a.place
                when 11 then n.classification
                when 12 then n.membershiprule
                when 13 then n.membershipruleprocessingstate
                when 14 then substring(cast(n.createddatetime as varchar(26)), 1, 19)
                when 15 then substring(cast(n.expirationdatetime as varchar(26)), 1, 19)
                when 16 then substring(cast(n.reneweddatetime as varchar(26)), 1, 19)
                when 17 then cast(n.onpremisessyncenabled as varchar(20))
                when 18 then n.onpremisessecurityidentifier
                when 19 then n.onpremisessamaccountname
                when 20 then n.onpremisesdomainname
            end
            when a.place <= 22 then case a.place
                when 21 then n.onpremisesnetbiosname
                when 22 then n.securityidentifier
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

side_entra_group_proxyaddress as (
    select
        b.source_id,
        b.id,
        b.object_name,
        b.from_run,
        c.value as value,
        case when c.run_id <= b.before_run then 1 else 0 end as was_there,
        case when c.run_id <= b.after_run then 1 else 0 end as is_there
    from changed_row as b
    inner join entra_group_proxyaddress as c on c.source_id = b.source_id and c.id = b.id
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
    inner join entra_group_proxyaddress_history as h on h.source_id = b.source_id and h.id = b.id
    where h.from_run <= b.after_run and h.to_run > b.before_run
)

select
    s.name as source_name,
    v.id,
    v.displayname as object_name,
    case
        when v.place <= 10 then case v.place
            when 1 then 'displayname'
            when 2 then 'description'
            when 3 then 'mail'
            when 4 then 'mailnickname'
            when 5 then 'mailenabled'
            when 6 then 'securityenabled'
            when 7 then 'is_unified'
            when 8 then 'is_dynamic'
            when 9 then 'isassignabletorole'
            when 10 then 'visibility'
        end
        when v.place <= 20 then case v.place
            when 11 then 'classification'
            when 12 then 'membershiprule'
            when 13 then 'membershipruleprocessingstate'
            when 14 then 'createddatetime'
            when 15 then 'expirationdatetime'
            when 16 then 'reneweddatetime'
            when 17 then 'onpremisessyncenabled'
            when 18 then 'onpremisessecurityidentifier'
            when 19 then 'onpremisessamaccountname'
            when 20 then 'onpremisesdomainname'
        end
        when v.place <= 22 then case v.place
            when 21 then 'onpremisesnetbiosname'
            when 22 then 'securityidentifier'
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
    v.id,
    v.object_name,
    'proxyaddresses' as attribute,
    case when max(v.was_there) = 1 then max(v.value) end as before_value,
    case when max(v.is_there) = 1 then max(v.value) end as after_value,
    v.from_run as run_id
from side_entra_group_proxyaddress as v
inner join source as s on s.source_id = v.source_id
where v.value is not null
group by s.name, v.id, v.object_name, v.from_run, v.value
having max(v.was_there) <> max(v.is_there)

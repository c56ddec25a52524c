-- title: What changed in worker
-- meaning: One row per attribute of worker that differs between two loads, for objects that stand at both; of
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
),

old_row as (
    select
        h.source_id,
        h.worker_id,
        h.employee_id,
        h.user_id,
        h.first_name,
        h.last_name,
        h.display_name,
        h.worker_type,
        h.worker_status,
        h.is_active,
        h.hire_date,
        h.original_hire_date,
        h.termination_date,
        h.work_mail,
        h.country,
        h.company,
        h.department,
        h.cost_center,
        h.job_title,
        h.location,
        h.manager_id,
        h.personal_mail_key,
        h.personal_mail_masked,
        b.run_id as before_run,
        e.run_id as after_run
    from worker_history as h
    inner join moment_before as b on b.source_id = h.source_id
    inner join moment_after as e on e.source_id = h.source_id
    where h.from_run <= b.run_id and h.to_run > b.run_id and h.to_run <= e.run_id
),

new_row as (
    select
        c.source_id,
        c.worker_id,
        c.employee_id,
        c.user_id,
        c.first_name,
        c.last_name,
        c.display_name,
        c.worker_type,
        c.worker_status,
        c.is_active,
        c.hire_date,
        c.original_hire_date,
        c.termination_date,
        c.work_mail,
        c.country,
        c.company,
        c.department,
        c.cost_center,
        c.job_title,
        c.location,
        c.manager_id,
        c.personal_mail_key,
        c.personal_mail_masked,
        c.run_id as from_run
    from worker as c
    inner join moment_before as b on b.source_id = c.source_id
    inner join moment_after as e on e.source_id = c.source_id
    where c.run_id > b.run_id and c.run_id <= e.run_id
    union all
    select
        h.source_id,
        h.worker_id,
        h.employee_id,
        h.user_id,
        h.first_name,
        h.last_name,
        h.display_name,
        h.worker_type,
        h.worker_status,
        h.is_active,
        h.hire_date,
        h.original_hire_date,
        h.termination_date,
        h.work_mail,
        h.country,
        h.company,
        h.department,
        h.cost_center,
        h.job_title,
        h.location,
        h.manager_id,
        h.personal_mail_key,
        h.personal_mail_masked,
        h.from_run
    from worker_history as h
    inner join moment_before as b on b.source_id = h.source_id
    inner join moment_after as e on e.source_id = h.source_id
    where h.from_run > b.run_id and h.from_run <= e.run_id and h.to_run > e.run_id
),

compared_value as (
    select
        n.source_id,
        n.worker_id,
        n.display_name,
        n.from_run,
        a.place,
        case
            when a.place <= 10 then case a.place
                when 1 then o.employee_id
                when 2 then o.user_id
                when 3 then o.first_name
                when 4 then o.last_name
                when 5 then o.display_name
                when 6 then o.worker_type
                when 7 then o.worker_status
                when 8 then cast(o.is_active as varchar(20))
                when 9 then cast(o.hire_date as varchar(10))
                when 10 then cast(o.original_hire_date as varchar(10))
            end
            when a.place <= 19 then case a.place
                when 11 then cast(o.termination_date as varchar(10))
                when 12 then o.work_mail
                when 13 then o.country
                when 14 then o.company
                when 15 then o.department
                when 16 then o.cost_center
                when 17 then o.job_title
                when 18 then o.location
                when 19 then o.manager_id
            end
        end as before_value,
        case
            when a.place <= 10 then case a.place
                when 1 then n.employee_id
                when 2 then n.user_id
                when 3 then n.first_name
                when 4 then n.last_name
                when 5 then n.display_name
                when 6 then n.worker_type
                when 7 then n.worker_status
                when 8 then cast(n.is_active as varchar(20))
                when 9 then cast(n.hire_date as varchar(10))
                when 10 then cast(n.original_hire_date as varchar(10))
            end
            when a.place <= 19 then case a.place
                when 11 then cast(n.termination_date as varchar(10))
                when 12 then n.work_mail
                when 13 then n.country
                when 14 then n.company
                when 15 then n.department
                when 16 then n.cost_center
                when 17 then n.job_title
                when 18 then n.location
                when 19 then n.manager_id
            end
        end as after_value
    from old_row as o
    inner join new_row as n on n.source_id = o.source_id and n.worker_id = o.worker_id
    cross join compared as a
),

changed_row as (
    select
        o.source_id,
        o.worker_id,
        n.display_name as object_name,
        n.from_run,
        o.before_run,
        o.after_run
    from old_row as o
    inner join new_row as n on n.source_id = o.source_id and n.worker_id = o.worker_id
),

side_worker_prior_id as (
    select
        b.source_id,
        b.worker_id,
        b.object_name,
        b.from_run,
        c.prior_id as value,
        case when c.run_id <= b.before_run then 1 else 0 end as was_there,
        case when c.run_id <= b.after_run then 1 else 0 end as is_there
    from changed_row as b
    inner join worker_prior_id as c on c.source_id = b.source_id and c.worker_id = b.worker_id
    where c.run_id <= b.after_run
    union all
    select
        b.source_id,
        b.worker_id,
        b.object_name,
        b.from_run,
        h.prior_id as value,
        case when h.from_run <= b.before_run and h.to_run > b.before_run then 1 else 0 end as was_there,
        case when h.from_run <= b.after_run and h.to_run > b.after_run then 1 else 0 end as is_there
    from changed_row as b
    inner join worker_prior_id_history as h on h.source_id = b.source_id and h.worker_id = b.worker_id
    where h.from_run <= b.after_run and h.to_run > b.before_run
),

side_worker_attribute as (
    select
        b.source_id,
        b.worker_id,
        b.object_name,
        b.from_run,
        c.attribute,
        c.value,
        case when c.run_id <= b.before_run then 1 else 0 end as was_there,
        case when c.run_id <= b.after_run then 1 else 0 end as is_there
    from changed_row as b
    inner join worker_attribute as c on c.source_id = b.source_id and c.worker_id = b.worker_id
    where c.run_id <= b.after_run
    union all
    select
        b.source_id,
        b.worker_id,
        b.object_name,
        b.from_run,
        h.attribute,
        h.value,
        case when h.from_run <= b.before_run and h.to_run > b.before_run then 1 else 0 end as was_there,
        case when h.from_run <= b.after_run and h.to_run > b.after_run then 1 else 0 end as is_there
    from changed_row as b
    inner join worker_attribute_history as h on h.source_id = b.source_id and h.worker_id = b.worker_id
    where h.from_run <= b.after_run and h.to_run > b.before_run
)

select
    s.name as source_name,
    v.worker_id,
    v.display_name as object_name,
    case
        when v.place <= 10 then case v.place
            when 1 then 'employee_id'
            when 2 then 'user_id'
            when 3 then 'first_name'
            when 4 then 'last_name'
            when 5 then 'display_name'
            when 6 then 'worker_type'
            when 7 then 'worker_status'
            when 8 then 'is_active'
            when 9 then 'hire_date'
            when 10 then 'original_hire_date'
        end
        when v.place <= 19 then case v.place
            when 11 then 'termination_date'
            when 12 then 'work_mail'
            when 13 then 'country'
            when 14 then 'company'
            when 15 then 'department'
            when 16 then 'cost_center'
            when 17 then 'job_title'
            when 18 then 'location'
            when 19 then 'manager_id'
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
    n.worker_id,
    n.display_name as object_name,
    'personal_mail' as attribute,
    o.personal_mail_masked as before_value,
    n.personal_mail_masked as after_value,
    n.from_run as run_id
from old_row as o
inner join new_row as n on n.source_id = o.source_id and n.worker_id = o.worker_id
inner join source as s on s.source_id = o.source_id
where coalesce(o.personal_mail_key, '') <> coalesce(n.personal_mail_key, '')
union all
select
    s.name as source_name,
    v.worker_id,
    v.object_name,
    'prior_id' as attribute,
    case when max(v.was_there) = 1 then max(v.value) end as before_value,
    case when max(v.is_there) = 1 then max(v.value) end as after_value,
    v.from_run as run_id
from side_worker_prior_id as v
inner join source as s on s.source_id = v.source_id
where v.value is not null
group by s.name, v.worker_id, v.object_name, v.from_run, v.value
having max(v.was_there) <> max(v.is_there)
union all
select
    s.name as source_name,
    v.worker_id,
    v.object_name,
    v.attribute,
    max(case when v.was_there = 1 then v.value end) as before_value,
    max(case when v.is_there = 1 then v.value end) as after_value,
    v.from_run as run_id
from side_worker_attribute as v
inner join source as s on s.source_id = v.source_id
group by s.name, v.worker_id, v.object_name, v.from_run, v.attribute
having
    coalesce(max(case when v.was_there = 1 then v.value end), '')
    <> coalesce(max(case when v.is_there = 1 then v.value end), '')

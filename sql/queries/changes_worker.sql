-- title: What changed in worker
-- meaning: One row per attribute of worker that differs between two loads, for objects that stand at both; of
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
    select 'employee_id' as attribute
    union all
    select 'user_id' as attribute
    union all
    select 'first_name' as attribute
    union all
    select 'last_name' as attribute
    union all
    select 'display_name' as attribute
    union all
    select 'worker_type' as attribute
    union all
    select 'worker_status' as attribute
    union all
    select 'is_active' as attribute
    union all
    select 'hire_date' as attribute
    union all
    select 'original_hire_date' as attribute
    union all
    select 'termination_date' as attribute
    union all
    select 'work_mail' as attribute
    union all
    select 'country' as attribute
    union all
    select 'company' as attribute
    union all
    select 'department' as attribute
    union all
    select 'cost_center' as attribute
    union all
    select 'job_title' as attribute
    union all
    select 'location' as attribute
    union all
    select 'manager_id' as attribute
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
        h.to_run
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
        a.attribute,
        case a.attribute
            when 'employee_id' then o.employee_id
            when 'user_id' then o.user_id
            when 'first_name' then o.first_name
            when 'last_name' then o.last_name
            when 'display_name' then o.display_name
            when 'worker_type' then o.worker_type
            when 'worker_status' then o.worker_status
            when 'is_active' then cast(o.is_active as varchar(20))
            when 'hire_date' then cast(o.hire_date as varchar(10))
            when 'original_hire_date' then cast(o.original_hire_date as varchar(10))
            when 'termination_date' then cast(o.termination_date as varchar(10))
            when 'work_mail' then o.work_mail
            when 'country' then o.country
            when 'company' then o.company
            when 'department' then o.department
            when 'cost_center' then o.cost_center
            when 'job_title' then o.job_title
            when 'location' then o.location
            when 'manager_id' then o.manager_id
        end as before_value,
        case a.attribute
            when 'employee_id' then n.employee_id
            when 'user_id' then n.user_id
            when 'first_name' then n.first_name
            when 'last_name' then n.last_name
            when 'display_name' then n.display_name
            when 'worker_type' then n.worker_type
            when 'worker_status' then n.worker_status
            when 'is_active' then cast(n.is_active as varchar(20))
            when 'hire_date' then cast(n.hire_date as varchar(10))
            when 'original_hire_date' then cast(n.original_hire_date as varchar(10))
            when 'termination_date' then cast(n.termination_date as varchar(10))
            when 'work_mail' then n.work_mail
            when 'country' then n.country
            when 'company' then n.company
            when 'department' then n.department
            when 'cost_center' then n.cost_center
            when 'job_title' then n.job_title
            when 'location' then n.location
            when 'manager_id' then n.manager_id
        end as after_value
    from old_row as o
    inner join new_row as n on n.source_id = o.source_id and n.worker_id = o.worker_id
    cross join compared as a
)

select
    s.name as source_name,
    v.worker_id,
    v.display_name as object_name,
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

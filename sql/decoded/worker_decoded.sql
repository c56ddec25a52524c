-- title: Workers, decoded and masked
-- meaning: Workers of the HR systems with the personal address masked, and where they stand by the clock: future,
--   current, leaver, or unknown where neither status nor dates tell. One row per worker.
select
    w.row_id,
    w.source_id,
    w.worker_id,
    w.employee_id,
    w.display_name,
    w.first_name,
    w.last_name,
    w.worker_type,
    w.worker_status,
    w.is_active,
    case
        when w.hire_day > c.as_of_day then 'future'
        when w.termination_day < c.as_of_day and (w.hire_day is null or w.hire_day <= w.termination_day) then 'leaver'
        when w.is_active = 1 then 'current'
        when w.is_active = 0 then 'leaver'
        else 'unknown'
    end as standing,
    w.hire_date,
    w.hire_day,
    w.original_hire_date,
    w.original_hire_day,
    w.termination_date,
    w.termination_day,
    w.personal_mail_masked,
    w.work_mail,
    w.country,
    w.country_code,
    w.company,
    w.department,
    w.cost_center,
    w.job_title,
    w.location,
    w.manager_id,
    w.worker_key,
    w.employeeid_key,
    w.work_mail_key,
    w.manager_key,
    w.source_row,
    w.loaded_at
from worker as w
left join clock as c on c.clock_id = 1

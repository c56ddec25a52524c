-- title: Joiner without account
-- meaning: A worker who has started, or starts within the configured days, has no account with the employee id in any
--   linked directory. Left out: leavers and inactive workers, workers without employee id, and HR systems of which a
--   linked directory has not been loaded. Where several HR systems have the worker id, the object is the id with the
--   system's name. One row per worker.
-- family: lifecycle
-- default: on
-- severity: high
-- fix: Look for the worker in the provisioning log; an account with a missing or different employee id is the usual
--   cause.
-- source: https://learn.microsoft.com/entra/identity/app-provisioning/plan-cloud-hr-provision
with repeated as (
    select o.worker_id
    from worker as o
    group by o.worker_id
    having count(*) > 1
)

select
    'worker' as object_type,
    case
        when r.worker_id is null then w.worker_id
        else replace(replace('[id] ([source])', '[id]', w.worker_id), '[source]', s.name)
    end as object_key,
    w.display_name as object_name,
    'employeeId' as attribute,
    w.employee_id as hr_value,
    null as ad_value,
    null as entra_value
from worker as w
inner join worker_match as m on m.worker_row_id = w.row_id
inner join source as s on s.source_id = w.source_id
cross join clock as c
left join repeated as r on r.worker_id = w.worker_id
where
    m.is_complete = 1
    and m.ad_count = 0
    and m.entra_count = 0
    and w.employeeid_key is not null
    and w.hire_day <= c.joiner_until_day
    and ((w.is_active is null or w.is_active = 1) or w.hire_day > c.as_of_day)
    and (w.termination_day is null or w.termination_day >= c.as_of_day or w.termination_day < w.hire_day)

-- title: Joiner without account
-- meaning: A worker who has started, or starts within the configured days, has no account with the employee id in any
--   linked directory. Left out: leavers and inactive workers, workers without employee id, and HR systems of which a
--   linked directory has not been loaded. One row per worker.
-- family: lifecycle
-- default: on
-- severity: high
-- fix: Look for the worker in the provisioning log; an account with a missing or different employee id is the usual
--   cause.
-- source: https://learn.microsoft.com/entra/identity/app-provisioning/plan-cloud-hr-provision
select
    'worker' as object_type,
    w.worker_id as object_key,
    w.display_name as object_name,
    'employeeId' as attribute,
    w.employee_id as hr_value,
    null as ad_value,
    null as entra_value
from worker as w
inner join worker_match as m on m.worker_row_id = w.row_id
cross join clock as c
where
    m.is_complete = 1
    and m.ad_count = 0
    and m.entra_count = 0
    and w.employeeid_key is not null
    and w.hire_day <= c.joiner_until_day
    and ((w.is_active is null or w.is_active = 1) or w.hire_day > c.as_of_day)
    and (w.termination_day is null or w.termination_day >= c.as_of_day or w.termination_day < w.hire_day)

-- title: Leavers
-- meaning: Workers who have left: the termination date lies further back than the grace, whatever the status says, or
--   the worker is inactive without such a date. Left out: who was hired again later, and ids that another active
--   worker holds. hr_value: the date, or the status. One row per worker.
select
    w.row_id as worker_row_id,
    w.source_id,
    w.employeeid_key,
    coalesce(cast(w.termination_date as varchar(10)), w.worker_status) as hr_value
from worker as w
cross join clock as c
where
    w.employeeid_key is not null
    and (
        (
            w.termination_day < c.leaver_before_day
            and (w.hire_day is null or w.hire_day <= w.termination_day)
        )
        or (
            w.is_active = 0
            and w.termination_day is null
            and (w.hire_day is null or w.hire_day <= c.as_of_day)
        )
    )
    and not exists (
        select 1
        from worker as o
        where
            o.employeeid_key = w.employeeid_key
            and o.source_id = w.source_id
            and o.row_id <> w.row_id
            and (o.is_active is null or o.is_active = 1)
            and (
                o.termination_day is null
                or o.termination_day >= c.leaver_before_day
                or o.termination_day < o.hire_day
            )
    )

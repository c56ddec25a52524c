-- title: Leavers
-- meaning: Workers who have left: the termination date lies further back than the grace, whatever the status says, or
--   the worker is inactive without such a date. Left out: who was or will be hired again, and ids that another active
--   worker holds, now or as an earlier one, in any HR system of the same directories. hr_value: the date, or the
--   status. One row per worker.
with together as (
    select one.worker_source_id as source_id, other.worker_source_id as other_id
    from source_link as one
    inner join source_link as other
        on other.worker_source_id = one.worker_source_id
        or other.ad_source_id = one.ad_source_id
        or other.entra_source_id = one.entra_source_id
    where one.worker_source_id is not null and other.worker_source_id is not null
    union
    select s.source_id, s.source_id
    from source as s
    where s.kind = 'workers'
),

-- of whom an active worker has the id as an earlier one
renamed as (
    select w.row_id
    from worker_prior_id as p
    inner join worker as o on o.source_id = p.source_id and o.worker_id = p.worker_id
    inner join together as t on t.other_id = o.source_id
    inner join worker as w on w.employeeid_key = p.prior_id_key and w.source_id = t.source_id
    cross join clock as c
    where
        o.row_id <> w.row_id
        and (o.is_active is null or o.is_active = 1 or o.hire_day > c.as_of_day)
        and (
            o.termination_day is null
            or o.termination_day >= c.leaver_before_day
            or o.termination_day < o.hire_day
        )
)

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
        inner join together as t on t.other_id = o.source_id
        where
            o.employeeid_key = w.employeeid_key
            and t.source_id = w.source_id
            and o.row_id <> w.row_id
            and (o.is_active is null or o.is_active = 1 or o.hire_day > c.as_of_day)
            and (
                o.termination_day is null
                or o.termination_day >= c.leaver_before_day
                or o.termination_day < o.hire_day
            )
    )
    and w.row_id not in (select r.row_id from renamed as r)

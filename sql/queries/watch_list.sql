-- title: Who waits for what
-- meaning: Every active worker who has no AD account, no Entra user or no otherMails yet: the stage reached (hr, ad,
--   entra) and since when. Workers who start later than the joiner's days, and those whose employee id stands on
--   several accounts, are left out. One row per worker.
-- note: the beginning of stage hr is the first load that showed the worker, as far back as history is kept; of the
--   others it is the day on which the directory made the account.
with first_seen as (
    select h.source_id, h.worker_id, min(h.from_run) as run_id
    from worker_history as h
    group by h.source_id, h.worker_id
),

shown as (
    select w.row_id, w.source_id, coalesce(f.run_id, w.run_id) as run_id
    from worker as w
    left join first_seen as f on f.source_id = w.source_id and f.worker_id = w.worker_id
),

staged as (
    select
        w.row_id,
        case
            when m.ad_count = 0 and m.entra_count = 0 then 'hr'
            when m.ad_count = 1 and m.entra_count = 0 then 'ad'
            when m.ad_count <= 1 and m.entra_count = 1 and e.othermails_count = 0 then 'entra'
        end as stage,
        case
            when m.entra_count = 1 then e.createddatetime
            when m.ad_count = 1 then a.whencreated
            else r.finished_at
        end as since_at
    from shown as w
    inner join worker_match as m on m.worker_row_id = w.row_id
    left join ad_user as a on a.row_id = m.ad_row_id
    left join entra_user as e on e.row_id = m.entra_row_id
    left join load_run as r on r.run_id = w.run_id
)

select
    s.name as source_name,
    w.row_id as worker_row_id,
    w.worker_id,
    w.employee_id,
    w.display_name,
    w.hire_date,
    t.stage,
    t.since_at,
    c.as_of
from staged as t
inner join worker as w on w.row_id = t.row_id
inner join source as s on s.source_id = w.source_id
cross join clock as c
where
    t.stage is not null
    and (w.termination_day is null or w.termination_day > c.as_of_day or w.hire_day > w.termination_day)
    and (w.is_active is null or w.is_active = 1 or w.hire_day >= c.as_of_day)
    and (w.hire_day is null or w.hire_day <= c.joiner_until_day)
order by t.since_at, w.row_id

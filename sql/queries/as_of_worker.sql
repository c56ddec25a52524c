-- title: worker as of a load
-- meaning: One row per worker of an HR system. As it was after a load: of each source the last one until then;
--   to_run is the load that replaced the row, NULL while it stands. A source whose history does not reach back
--   so far is left out.
-- personal: yes
-- param: run int number of a load (kept_loads lists them); every source as it was after its last load until then
-- param: at time instead of run: UTC, for example 2026-03-02 05:00
with moment as (
    select
        r.source_id,
        max(r.run_id) as run_id
    from load_run as r
    inner join source as s on s.source_id = r.source_id
    where r.status = 'published' and (r.run_id <= :run or r.finished_at <= :at)
    group by r.source_id
    having max(r.run_id) >= max(coalesce(s.history_run, 0))
)

select
    c.row_id,
    c.source_id,
    c.worker_id,
    c.worker_key,
    c.employee_id,
    c.employeeid_key,
    c.user_id,
    c.first_name,
    c.last_name,
    c.display_name,
    c.worker_type,
    c.worker_status,
    c.is_active,
    c.hire_date,
    c.hire_day,
    c.original_hire_date,
    c.original_hire_day,
    c.termination_date,
    c.termination_day,
    c.personal_mail,
    c.personal_mail_key,
    c.personal_mail_masked,
    c.work_mail,
    c.work_mail_key,
    c.country,
    c.country_code,
    c.company,
    c.department,
    c.cost_center,
    c.job_title,
    c.location,
    c.manager_id,
    c.manager_key,
    c.source_row,
    c.run_id as from_run,
    null as to_run
from worker as c
inner join moment as m on m.source_id = c.source_id
where c.run_id <= m.run_id
union all
select
    h.row_id,
    h.source_id,
    h.worker_id,
    h.worker_key,
    h.employee_id,
    h.employeeid_key,
    h.user_id,
    h.first_name,
    h.last_name,
    h.display_name,
    h.worker_type,
    h.worker_status,
    h.is_active,
    h.hire_date,
    h.hire_day,
    h.original_hire_date,
    h.original_hire_day,
    h.termination_date,
    h.termination_day,
    h.personal_mail,
    h.personal_mail_key,
    h.personal_mail_masked,
    h.work_mail,
    h.work_mail_key,
    h.country,
    h.country_code,
    h.company,
    h.department,
    h.cost_center,
    h.job_title,
    h.location,
    h.manager_id,
    h.manager_key,
    h.source_row,
    h.from_run as from_run,
    h.to_run as to_run
from worker_history as h
inner join moment as m on m.source_id = h.source_id
where h.from_run <= m.run_id and h.to_run > m.run_id

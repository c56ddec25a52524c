-- title: ad_domain as of a load
-- meaning: One row per domain: its password and lockout policy. As it was after a load: of each source the
--   last one until then; to_run is the load that replaced the row, NULL while it stands. A source whose
--   history does not reach back so far is left out.
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
    c.guid,
    c.objectguid,
    c.distinguishedname,
    c.dns_name,
    c.objectsid,
    c.sid,
    c.maxpwdage,
    c.max_password_days,
    c.minpwdage,
    c.minpwdlength,
    c.pwdhistorylength,
    c.pwdproperties,
    c.lockoutthreshold,
    c.lockoutduration,
    c.lockout_minutes,
    c.lockoutobservationwindow,
    c.msdsbehaviorversion,
    c.msdsmachineaccountquota,
    c.tombstonelifetime,
    c.msdsdeletedobjectlifetime,
    c.whenchanged,
    c.run_id as from_run,
    null as to_run
from ad_domain as c
inner join moment as m on m.source_id = c.source_id
where c.run_id <= m.run_id
union all
select
    h.row_id,
    h.source_id,
    h.guid,
    h.objectguid,
    h.distinguishedname,
    h.dns_name,
    h.objectsid,
    h.sid,
    h.maxpwdage,
    h.max_password_days,
    h.minpwdage,
    h.minpwdlength,
    h.pwdhistorylength,
    h.pwdproperties,
    h.lockoutthreshold,
    h.lockoutduration,
    h.lockout_minutes,
    h.lockoutobservationwindow,
    h.msdsbehaviorversion,
    h.msdsmachineaccountquota,
    h.tombstonelifetime,
    h.msdsdeletedobjectlifetime,
    h.whenchanged,
    h.from_run as from_run,
    h.to_run as to_run
from ad_domain_history as h
inner join moment as m on m.source_id = h.source_id
where h.from_run <= m.run_id and h.to_run > m.run_id

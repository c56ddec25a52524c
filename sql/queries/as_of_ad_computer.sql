-- title: ad_computer as of a load
-- meaning: One row per computer object of a domain. As it was after a load: of each source the last one until
--   then; to_run is the load that replaced the row, NULL while it stands. A source whose history does not
--   reach back so far is left out.
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
    c.dn_key,
    c.cn,
    c.name,
    c.displayname,
    c.description,
    c.objectsid,
    c.sid,
    c.ou_path,
    c.whencreated,
    c.whenchanged,
    c.usncreated,
    c.usnchanged,
    c.samaccountname,
    c.sam_key,
    c.samaccounttype,
    c.useraccountcontrol,
    c.msdsuseraccountcontrolcomputed,
    c.is_enabled,
    c.primarygroupid,
    c.admincount,
    c.iscriticalsystemobject,
    c.pwdlastset,
    c.pwd_last_set_at,
    c.pwd_last_set_day,
    c.lastlogontimestamp,
    c.last_logon_at,
    c.last_logon_day,
    c.accountexpires,
    c.account_expires_at,
    c.account_expires_day,
    c.lockouttime,
    c.locked_out_at,
    c.dnshostname,
    c.operatingsystem,
    c.operatingsystemversion,
    c.managedby,
    c.managedby_key,
    c.run_id as from_run,
    null as to_run
from ad_computer as c
inner join moment as m on m.source_id = c.source_id
where c.run_id <= m.run_id
union all
select
    h.row_id,
    h.source_id,
    h.guid,
    h.objectguid,
    h.distinguishedname,
    h.dn_key,
    h.cn,
    h.name,
    h.displayname,
    h.description,
    h.objectsid,
    h.sid,
    h.ou_path,
    h.whencreated,
    h.whenchanged,
    h.usncreated,
    h.usnchanged,
    h.samaccountname,
    h.sam_key,
    h.samaccounttype,
    h.useraccountcontrol,
    h.msdsuseraccountcontrolcomputed,
    h.is_enabled,
    h.primarygroupid,
    h.admincount,
    h.iscriticalsystemobject,
    h.pwdlastset,
    h.pwd_last_set_at,
    h.pwd_last_set_day,
    h.lastlogontimestamp,
    h.last_logon_at,
    h.last_logon_day,
    h.accountexpires,
    h.account_expires_at,
    h.account_expires_day,
    h.lockouttime,
    h.locked_out_at,
    h.dnshostname,
    h.operatingsystem,
    h.operatingsystemversion,
    h.managedby,
    h.managedby_key,
    h.from_run as from_run,
    h.to_run as to_run
from ad_computer_history as h
inner join moment as m on m.source_id = h.source_id
where h.from_run <= m.run_id and h.to_run > m.run_id

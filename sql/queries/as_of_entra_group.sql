-- title: entra_group as of a load
-- meaning: One row per group of a tenant. As it was after a load: of each source the last one until then;
--   to_run is the load that replaced the row, NULL while it stands. A source whose history does not reach back
--   so far is left out.
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
    c.id,
    c.displayname,
    c.name_key,
    c.description,
    c.mail,
    c.mail_key,
    c.mailnickname,
    c.mailenabled,
    c.securityenabled,
    c.is_unified,
    c.is_dynamic,
    c.isassignabletorole,
    c.visibility,
    c.classification,
    c.membershiprule,
    c.membershipruleprocessingstate,
    c.createddatetime,
    c.expirationdatetime,
    c.reneweddatetime,
    c.onpremisessyncenabled,
    c.is_synced,
    c.onpremiseslastsyncdatetime,
    c.onpremisessecurityidentifier,
    c.sid,
    c.onpremisessamaccountname,
    c.sam_key,
    c.onpremisesdomainname,
    c.onpremisesnetbiosname,
    c.securityidentifier,
    c.member_count,
    c.run_id as from_run,
    null as to_run
from entra_group as c
inner join moment as m on m.source_id = c.source_id
where c.run_id <= m.run_id
union all
select
    h.row_id,
    h.source_id,
    h.id,
    h.displayname,
    h.name_key,
    h.description,
    h.mail,
    h.mail_key,
    h.mailnickname,
    h.mailenabled,
    h.securityenabled,
    h.is_unified,
    h.is_dynamic,
    h.isassignabletorole,
    h.visibility,
    h.classification,
    h.membershiprule,
    h.membershipruleprocessingstate,
    h.createddatetime,
    h.expirationdatetime,
    h.reneweddatetime,
    h.onpremisessyncenabled,
    h.is_synced,
    h.onpremiseslastsyncdatetime,
    h.onpremisessecurityidentifier,
    h.sid,
    h.onpremisessamaccountname,
    h.sam_key,
    h.onpremisesdomainname,
    h.onpremisesnetbiosname,
    h.securityidentifier,
    h.member_count,
    h.from_run as from_run,
    h.to_run as to_run
from entra_group_history as h
inner join moment as m on m.source_id = h.source_id
where h.from_run <= m.run_id and h.to_run > m.run_id

-- title: ad_deleted as of a load
-- meaning: One row per deleted user, computer, group or contact, until it is purged. As it was after a load:
--   of each source the last one until then; to_run is the load that replaced the row, NULL while it stands. A
--   source whose history does not reach back so far is left out.
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
    c.object_type,
    c.last_name,
    c.samaccountname,
    c.sam_key,
    c.objectsid,
    c.sid,
    c.lastknownparent,
    c.distinguishedname,
    c.isrecycled,
    c.whencreated,
    c.whenchanged,
    c.deleted_day,
    c.run_id as from_run,
    null as to_run
from ad_deleted as c
inner join moment as m on m.source_id = c.source_id
where c.run_id <= m.run_id
union all
select
    h.row_id,
    h.source_id,
    h.guid,
    h.objectguid,
    h.object_type,
    h.last_name,
    h.samaccountname,
    h.sam_key,
    h.objectsid,
    h.sid,
    h.lastknownparent,
    h.distinguishedname,
    h.isrecycled,
    h.whencreated,
    h.whenchanged,
    h.deleted_day,
    h.from_run as from_run,
    h.to_run as to_run
from ad_deleted_history as h
inner join moment as m on m.source_id = h.source_id
where h.from_run <= m.run_id and h.to_run > m.run_id

-- title: entra_group_owner as of a load
-- meaning: One row per owner of a group; Graph has none of synced groups and of groups made in Exchange. As it
--   was after a load: of each source the last one until then; to_run is the load that replaced the row, NULL
--   while it stands. A source whose history does not reach back so far is left out.
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
    c.source_id,
    c.id,
    c.owner_id,
    c.owner_type,
    c.run_id as from_run,
    null as to_run
from entra_group_owner as c
inner join moment as m on m.source_id = c.source_id
where c.run_id <= m.run_id
union all
select
    h.source_id,
    h.id,
    h.owner_id,
    h.owner_type,
    h.from_run as from_run,
    h.to_run as to_run
from entra_group_owner_history as h
inner join moment as m on m.source_id = h.source_id
where h.from_run <= m.run_id and h.to_run > m.run_id

-- title: Last good load of each table
-- meaning: What was read last and what proves it: rows, the server's own count, what changed, how it was read (the
--   filter, in full and why, or as an increment from one watermark to the next), what was accepted with --accept-rows
--   or --accept-fill, by which version, and the fingerprint that recon load --verify makes again, with what it found.
--   Of watermarks the beginning alone: the rest is cookies and delta links (load_run has them whole). One row per
--   source and table.
with newest as (
    select r.source_id, t.table_name, max(r.run_id) as run_id
    from load_run as r
    inner join load_run_table as t on t.run_id = r.run_id
    where r.status = 'published'
    group by r.source_id, t.table_name
)

select
    s.kind,
    s.name,
    n.table_name,
    r.started_at,
    r.finished_at,
    t.rows_read,
    t.rows_published,
    t.server_count,
    t.inserted,
    t.changed,
    t.deleted,
    t.duplicates,
    t.rejected,
    r.is_increment,
    r.reason,
    r.accepted,
    t.filter,
    t.pages,
    r.requests,
    r.bytes_read,
    r.seconds,
    t.fingerprint,
    t.verified_at,
    t.is_intact,
    r.tool_version,
    r.schema_version,
    t.watermark as table_watermark,
    substring(r.watermark_from, 1, 60) as watermark_from,
    substring(r.watermark, 1, 60) as watermark
from newest as n
inner join source as s on s.source_id = n.source_id
inner join load_run as r on r.run_id = n.run_id
inner join load_run_table as t on t.run_id = n.run_id and t.table_name = n.table_name
order by s.kind, s.name, n.table_name

-- title: Records that were read and not published
-- meaning: What the last load of each source held back, with the record's row number where the source has one. One row
--   per record.
select
    s.name as source_name,
    r.object,
    r.object_key,
    r.source_row,
    r.reason,
    r.detail,
    u.finished_at
from load_reject as r
inner join load_run as u on u.run_id = r.run_id
inner join source as s on s.source_id = r.source_id
where
    u.run_id in (
        select max(n.run_id)
        from load_run as n
        where n.status = 'published'
        group by n.source_id
    )
order by s.name, r.object, r.source_row, r.object_key

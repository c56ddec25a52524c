-- title: Rows that increments had left wrong
-- meaning: What a full read found other than increments had left it, although no later change explains it: missing,
--   left over, or other values. One row per load and row; of members the group's key and the member's. The full read
--   put it right.
select
    s.name as source_name,
    d.run_id,
    r.finished_at,
    d.table_name,
    d.object_key,
    d.what
from load_drift as d
inner join load_run as r on r.run_id = d.run_id
inner join source as s on s.source_id = d.source_id
order by d.run_id desc, s.name, d.table_name, d.object_key

-- title: Loads that history reaches back to
-- meaning: The published loads at which as_of and changes can look, newest first. One row per load.
select
    s.name as source_name,
    r.run_id,
    r.started_at,
    r.finished_at,
    r.is_increment,
    r.reason,
    r.seconds,
    r.tool_version
from load_run as r
inner join source as s on s.source_id = r.source_id
where r.status = 'published' and r.run_id >= coalesce(s.history_run, 0)
order by r.run_id desc

-- title: Workers with the same employee id
-- meaning: How many workers of one source carry a worker's employee id, itself included. One row per worker.
-- note: `+ 0` keeps SQLite from walking a whole source for each slice of workers: the way in is the slice's row
--   ids, then the employee id.
-- param: worker_source_id int the workers' source
-- param: other_source_id int a worker source linked with the same directory
-- param: first_row int first row_id of the workers looked at
-- param: last_row int last row_id of the workers looked at
select
    w.row_id as worker_row_id,
    count(*) as holders
from worker as w
inner join worker as o on o.employeeid_key = w.employeeid_key
where
    w.source_id + 0 = :worker_source_id
    and w.row_id >= :first_row
    and w.row_id <= :last_row
    and o.source_id + 0 = :other_source_id
group by w.row_id

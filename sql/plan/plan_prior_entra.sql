-- title: Entra accounts by an earlier employee id
-- meaning: The Entra users that carry an earlier employee id of a worker. One row per worker, id and Entra user.
-- note: `+ 0` keeps SQLite from walking a whole source for each slice of workers: the way in is the slice's row
--   ids, then the employee id.
-- param: worker_source_id int the workers' source
-- param: other_source_id int the tenant's source
-- param: first_row int first row_id of the workers looked at
-- param: last_row int last row_id of the workers looked at
select
    w.row_id as worker_row_id,
    p.prior_id
from worker as w
inner join worker_prior_id as p on p.source_id = w.source_id and p.worker_id = w.worker_id
inner join entra_user as e on e.employeeid_key = p.prior_id_key
where
    w.source_id + 0 = :worker_source_id
    and w.row_id >= :first_row
    and w.row_id <= :last_row
    and e.source_id + 0 = :other_source_id

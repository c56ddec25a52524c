-- title: Other mails of the accounts
-- meaning: The values of otherMails of the Entra users that carry a worker's employee id. One row per worker, Entra
--   user and value.
-- personal: yes
-- note: `+ 0` keeps SQLite from walking a whole source for each slice of workers: the way in is the slice's row
--   ids, then the employee id.
-- param: worker_source_id int the workers' source
-- param: other_source_id int the tenant's source
-- param: first_row int first row_id of the workers looked at
-- param: last_row int last row_id of the workers looked at
select
    w.row_id as worker_row_id,
    e.row_id,
    o.value
from worker as w
inner join entra_user as e on e.employeeid_key = w.employeeid_key
inner join entra_user_othermail as o on o.source_id = e.source_id and o.id = e.id
where
    w.source_id + 0 = :worker_source_id
    and w.row_id >= :first_row
    and w.row_id <= :last_row
    and e.source_id + 0 = :other_source_id

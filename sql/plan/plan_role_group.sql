-- title: Role-assignable groups of the accounts
-- meaning: The role-assignable groups that an Entra user with a worker's employee id is a direct member of. One row
--   per worker, user and group.
-- note: `+ 0` keeps SQLite from walking a whole source for each slice of workers: the way in is the slice's row
--   ids, then the employee id.
-- param: worker_source_id int the workers' source
-- param: other_source_id int the tenant's source
-- param: first_row int first row_id of the workers looked at
-- param: last_row int last row_id of the workers looked at
select
    w.row_id as worker_row_id,
    e.row_id,
    g.displayname
from worker as w
inner join entra_user as e on e.employeeid_key = w.employeeid_key
inner join entra_member as m on m.source_id = e.source_id and m.member_id = e.id
inner join entra_group as g on g.source_id = m.source_id and g.id = m.id
where
    w.source_id + 0 = :worker_source_id
    and w.row_id >= :first_row
    and w.row_id <= :last_row
    and e.source_id + 0 = :other_source_id
    and g.isassignabletorole = 1

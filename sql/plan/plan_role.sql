-- title: Directory roles of the accounts
-- meaning: The directory roles that an Entra user with a worker's employee id holds or may activate. One row per
--   worker, user, role and way of holding it.
-- note: `+ 0` keeps SQLite from walking a whole source for each slice of workers: the way in is the slice's row
--   ids, then the employee id.
-- param: worker_source_id int the workers' source
-- param: other_source_id int the tenant's source
-- param: first_row int first row_id of the workers looked at
-- param: last_row int last row_id of the workers looked at
select
    w.row_id as worker_row_id,
    e.row_id,
    coalesce(r.displayname, m.id) as displayname,
    m.is_eligible
from worker as w
inner join entra_user as e on e.employeeid_key = w.employeeid_key
inner join entra_role_member as m on m.source_id = e.source_id and m.member_id = e.id
left join entra_role as r on r.source_id = m.source_id and r.id = m.id
where
    w.source_id + 0 = :worker_source_id
    and w.row_id >= :first_row
    and w.row_id <= :last_row
    and e.source_id + 0 = :other_source_id

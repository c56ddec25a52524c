-- title: AD accounts by employee id
-- meaning: The AD users that carry a worker's employee id. One row per worker and AD user.
-- note: `+ 0` keeps SQLite from walking a whole source for each slice of workers: the way in is the slice's row
--   ids, then the employee id.
-- param: worker_source_id int the workers' source
-- param: other_source_id int the domain's source
-- param: first_row int first row_id of the workers looked at
-- param: last_row int last row_id of the workers looked at
select
    w.row_id as worker_row_id,
    a.row_id,
    a.guid,
    a.samaccountname,
    a.distinguishedname,
    a.displayname,
    a.givenname,
    a.sn,
    a.immutable_id,
    a.guid_immutable_id,
    a.is_enabled,
    a.admincount,
    a.whencreated
from worker as w
inner join ad_user as a on a.employeeid_key = w.employeeid_key
where
    w.source_id + 0 = :worker_source_id
    and w.row_id >= :first_row
    and w.row_id <= :last_row
    and a.source_id + 0 = :other_source_id

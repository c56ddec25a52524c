-- title: Deleted AD objects, decoded
-- meaning: Deleted users, computers, groups and contacts with what is left of them and the days since, counted from the
--   last refresh. One row per deleted object.
-- note: while is_recycled is 0 or NULL and the Recycle Bin is on, Restore-ADObject brings all of it back.
select
    d.row_id,
    d.source_id,
    d.guid,
    d.object_type,
    d.last_name,
    d.samaccountname,
    d.sid,
    d.lastknownparent,
    d.isrecycled as is_recycled,
    d.whencreated,
    d.whenchanged as deleted_at,
    d.deleted_day,
    c.as_of_day - d.deleted_day as days_since,
    d.sam_key,
    d.loaded_at
from ad_deleted as d
left join clock as c on c.clock_id = 1

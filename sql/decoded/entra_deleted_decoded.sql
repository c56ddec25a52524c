-- title: Deleted Entra objects, decoded
-- meaning: Soft-deleted users and groups with their kind and the days until they are purged, counted from the last
--   refresh (below 0: gone since the load). One row per deleted user or group.
-- note: a deleted security group reports securityEnabled false, so groupTypes tells the kind.
select
    d.row_id,
    d.source_id,
    d.id,
    case
        when d.object_type = 'user' and d.usertype = 'Guest' then 'guest'
        when d.object_type = 'user' then 'user'
        when d.is_unified = 1 then 'Microsoft 365 group'
        when d.is_unified = 0 then 'security group'
        else d.object_type
    end as object_kind,
    d.displayname,
    d.userprincipalname,
    d.mail,
    d.mailnickname,
    d.employeeid,
    d.is_synced,
    d.onpremisesimmutableid,
    d.deleteddatetime,
    d.deleted_day + 30 - c.as_of_day as days_left,
    d.upn_key,
    d.mail_key,
    d.employeeid_key,
    d.loaded_at
from entra_deleted as d
cross join clock as c

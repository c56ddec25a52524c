-- title: usageLocation missing
-- meaning: A member has no usageLocation, which licences need. Guests are left out, and users of whom the answer did
--   not contain the property. The HR value is the worker's country, where exactly one worker leads to the user. One
--   row per Entra user.
-- family: lifecycle
-- severity: low
-- fix: Set usageLocation (synced users: msExchUsageLocation in AD, where it is mapped).
-- source: https://learn.microsoft.com/entra/fundamentals/concept-group-based-licensing
with missing as (
    select e.row_id, e.id, coalesce(e.userprincipalname, e.displayname) as object_name
    from entra_user as e
    where e.usagelocation is null and e.usagelocation_known = 1 and (e.is_guest is null or e.is_guest = 0)
),

worker_of as (
    select m.entra_row_id, max(m.worker_row_id) as worker_row_id
    from missing as x
    inner join worker_match as m on m.entra_row_id = x.row_id
    group by m.entra_row_id
    having count(*) = 1
)

select
    'entra_user' as object_type,
    x.id as object_key,
    x.object_name,
    'usageLocation' as attribute,
    w.country_code as hr_value,
    null as ad_value,
    null as entra_value
from missing as x
left join worker_of as k on k.entra_row_id = x.row_id
left join worker as w on w.row_id = k.worker_row_id

-- title: Leave date differs
-- meaning: The leave date that synchronization reads in AD is not the one in Entra (employeeLeaveDateTime), or one
--   of the two is more than a day from HR's (termination date; a day, because HR's is a date of the worker's own
--   zone). Also a termination date in HR that AD does not have, where AD has such dates at all. Also a valid date
--   in AD that Entra does not have, where Entra shows such dates at all. Left out: pairs whose loads did not see
--   the same moment, values that cannot synchronize (lifecycle_date_invalid), employee ids of several workers, and
--   termination dates of workers who were hired again since. One row per accepted match.
-- family: sync
-- severity: medium
-- fix: Correct the date in HR or AD, whichever is wrong; Entra follows. Workflows of joiners and leavers run by
--   Entra's date.
-- source: https://learn.microsoft.com/entra/id-governance/how-to-lifecycle-workflow-sync-attributes
with asked as (
    select d.source_id
    from lifecycle_date as d
    where d.object_type = 'entra_user' and d.kind = 'leave'
    group by d.source_id
),

used as (
    select d.source_id
    from lifecycle_date as d
    where d.object_type = 'ad_user' and d.kind = 'leave' and d.is_valid = 1
    group by d.source_id
),

ended as (
    select m.entra_row_id
    from worker as w
    inner join worker_match as m on m.worker_row_id = w.row_id
    where w.termination_day is not null and m.worker_count = 1 and m.entra_row_id is not null
    group by m.entra_row_id
),

dated as (
    -- pairs of which Entra has a date
    select
        p.entra_row_id,
        p.ad_source_id,
        p.entra_source_id,
        p.entra_id,
        coalesce(p.entra_userprincipalname, p.entra_displayname) as object_name,
        d.value as ad_value,
        d.is_valid as ad_is_valid,
        d.at as ad_at,
        d.at_day as ad_day,
        c.at as entra_at,
        c.at_day as entra_day,
        c.value as entra_value
    from lifecycle_date as c
    inner join pair as p on p.entra_id = c.object_key and p.entra_source_id = c.source_id
    left join lifecycle_date as d
        on d.object_type = 'ad_user' and d.source_id = p.ad_source_id and d.object_key = p.ad_guid and d.kind = 'leave'
    where c.object_type = 'entra_user' and c.kind = 'leave' and p.is_in_skew = 0
    union all
    -- AD alone
    select
        p.entra_row_id,
        p.ad_source_id,
        p.entra_source_id,
        p.entra_id,
        coalesce(p.entra_userprincipalname, p.entra_displayname),
        d.value,
        d.is_valid,
        d.at,
        d.at_day,
        null,
        null,
        null
    from lifecycle_date as d
    inner join ad_user as a on a.guid = d.object_key and a.source_id = d.source_id
    inner join pair as p on p.ad_row_id = a.row_id
    left join lifecycle_date as c
        on c.object_type = 'entra_user'
        and c.source_id = p.entra_source_id
        and c.object_key = p.entra_id
        and c.kind = 'leave'
    where d.object_type = 'ad_user' and d.kind = 'leave' and p.is_in_skew = 0 and c.object_key is null
    union all
    -- none of the two: HR has one
    select
        p.entra_row_id,
        p.ad_source_id,
        p.entra_source_id,
        p.entra_id,
        coalesce(p.entra_userprincipalname, p.entra_displayname),
        null,
        null,
        null,
        null,
        null,
        null,
        null
    from ended as n
    inner join pair as p on p.entra_row_id = n.entra_row_id
    inner join used as u on u.source_id = p.ad_source_id
    left join lifecycle_date as d
        on d.object_type = 'ad_user' and d.source_id = p.ad_source_id and d.object_key = p.ad_guid and d.kind = 'leave'
    left join lifecycle_date as c
        on c.object_type = 'entra_user'
        and c.source_id = p.entra_source_id
        and c.object_key = p.entra_id
        and c.kind = 'leave'
    where p.is_in_skew = 0 and d.object_key is null and c.object_key is null
),

compared as (
    select
        t.entra_id,
        t.object_name,
        t.ad_value,
        t.ad_is_valid,
        t.ad_at,
        t.ad_day,
        t.entra_at,
        t.entra_day,
        t.entra_value,
        w.termination_date as hr_date,
        w.termination_day as hr_day,
        case when s.source_id is null then 0 else 1 end as entra_has_dates,
        case when u.source_id is null then 0 else 1 end as ad_has_dates
    from dated as t
    left join worker_match as m on m.entra_row_id = t.entra_row_id and m.worker_count = 1
    left join worker as w
        on w.row_id = m.worker_row_id and (w.hire_day is null or w.hire_day <= w.termination_day)
    left join asked as s on s.source_id = t.entra_source_id
    left join used as u on u.source_id = t.ad_source_id
)

select
    'entra_user' as object_type,
    k.entra_id as object_key,
    k.object_name as object_name,
    'employeeLeaveDateTime' as attribute,
    cast(k.hr_date as varchar(10)) as hr_value,
    k.ad_value as ad_value,
    k.entra_value as entra_value
from compared as k
where
    (k.ad_is_valid is null or k.ad_is_valid = 1)
    and (
        k.ad_at <> k.entra_at
        or (k.ad_at is not null and k.entra_at is null and k.entra_has_dates = 1)
        or k.ad_day < k.hr_day - 1
        or k.ad_day - 1 > k.hr_day
        or k.entra_day < k.hr_day - 1
        or k.entra_day - 1 > k.hr_day
        or (k.hr_day is not null and k.ad_at is null and k.ad_has_dates = 1)
    )

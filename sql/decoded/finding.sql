-- title: Findings, masked
-- meaning: The findings of the last refresh; personal values are hidden (table finding_row holds them). is_new: not
--   there at the refresh before; is_accepted: a row of finding_acceptance covers it. One row as the meaning of each
--   finding says.
select
    f.finding_row_id,
    f.refresh_id,
    f.code,
    f.severity,
    n.family,
    f.object_type,
    f.object_key,
    f.object_name,
    f.attribute,
    case
        when f.is_personal = 1 and f.hr_value is not null then '(personal)'
        else f.hr_value
    end as hr_value,
    case
        when f.is_personal = 1 and f.ad_value is not null then '(personal)'
        else f.ad_value
    end as ad_value,
    case
        when f.is_personal = 1 and f.entra_value is not null then '(personal)'
        else f.entra_value
    end as entra_value,
    f.is_personal,
    case
        when exists (
            select 1
            from finding_seen as s
            where
                s.code = f.code
                and s.object_key = f.object_key
                and s.object_type = f.object_type
                and coalesce(s.attribute, '') = coalesce(f.attribute, '')
                and coalesce(s.detail, '') = coalesce(f.detail, '')
                and s.first_refresh = f.refresh_id
        ) then 1
        else 0
    end as is_new,
    case
        when exists (
            select 1
            from finding_acceptance as a
            cross join clock as c
            where
                a.code = f.code
                and a.object_key = f.object_key
                and (a.attribute is null or a.attribute = f.attribute)
                and (a.detail is null or a.detail = f.detail)
                and a.accepted_until >= c.as_of_date
        ) then 1
        else 0
    end as is_accepted
from finding_row as f
left join finding_count as n on n.refresh_id = f.refresh_id and n.code = f.code

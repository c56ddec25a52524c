-- title: Findings, masked
-- meaning: The findings of the last refresh; personal values are hidden (table finding_row holds them). One row as
--   the meaning of each finding says.
select
    f.finding_row_id,
    f.refresh_id,
    f.code,
    f.severity,
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
    f.is_personal
from finding_row as f

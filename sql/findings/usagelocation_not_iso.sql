-- title: usageLocation is no country code
-- meaning: usageLocation is not a two-letter country code of ISO 3166-1 (UK instead of GB is the usual one). Case
--   does not matter, accents and the dots of i do. The HR value is the worker's country, where exactly one worker
--   leads to the user. One row per Entra user.
-- family: lifecycle
-- severity: low
-- fix: Set the two-letter code.
-- source: https://learn.microsoft.com/graph/api/resources/user
with worker_of as (
    select m.entra_row_id, max(m.worker_row_id) as worker_row_id
    from worker_match as m
    where m.entra_row_id is not null
    group by m.entra_row_id
    having count(*) = 1
)

select
    'entra_user' as object_type,
    e.id as object_key,
    coalesce(e.userprincipalname, e.displayname) as object_name,
    'usageLocation' as attribute,
    w.country_code as hr_value,
    null as ad_value,
    e.usagelocation as entra_value
from entra_value_defect as d
inner join entra_user as e on e.id = d.id and e.source_id = d.source_id
left join worker_of as k on k.entra_row_id = e.row_id
left join worker as w on w.row_id = k.worker_row_id
where d.attribute = 'usagelocation' and d.defect = 'unknown_country'

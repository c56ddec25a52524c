-- title: Attribute with dates in some people, other things in others
-- meaning: The AD attribute that feeds employeeHireDate or employeeLeaveDateTime holds a mail address or some other
--   text, and a date in other users of the same domain: two purposes share one attribute. One row per AD user whose
--   value is no date.
-- family: sync
-- severity: medium
-- personal: yes
-- fix: Give one of the two purposes an attribute of its own (msDS-cloudExtensionAttribute1 to 20 are free in most
--   forests).
-- source: https://learn.microsoft.com/entra/id-governance/how-to-lifecycle-workflow-sync-attributes
with dated as (
    select d.source_id, d.kind
    from lifecycle_date as d
    where d.object_type = 'ad_user' and d.is_valid = 1
    group by d.source_id, d.kind
)

select
    'ad_user' as object_type,
    d.object_key as object_key,
    coalesce(a.userprincipalname, a.samaccountname, a.cn) as object_name,
    d.attribute as attribute,
    null as hr_value,
    d.value as ad_value,
    null as entra_value
from lifecycle_date as d
inner join dated as o on o.source_id = d.source_id and o.kind = d.kind
inner join ad_user as a on a.guid = d.object_key and a.source_id = d.source_id
where d.object_type = 'ad_user' and d.content <> 'date'

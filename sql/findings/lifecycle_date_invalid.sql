-- title: Hire or leave date that cannot synchronize
-- meaning: The value of the AD attribute that feeds employeeHireDate or employeeLeaveDateTime ([sync]
--   hire_attribute, leave_attribute) does not have the form yyyyMMddHHmmss.fZ: the export of the user fails with
--   DataValidationFailed. The AD value is the value (an address masked) with the reason and, where nobody need guess,
--   what to write. A date without a time is proposed at 01:00 UTC for a hire and at 23:00 UTC for a leave. One row per
--   AD user and date.
-- family: sync
-- default: on
-- severity: high
-- fix: Write the value proposed, and correct whatever writes the attribute.
-- source: https://learn.microsoft.com/entra/id-governance/how-to-lifecycle-workflow-sync-attributes
select
    'ad_user' as object_type,
    d.object_key as object_key,
    coalesce(a.userprincipalname, a.samaccountname, a.cn) as object_name,
    d.attribute as attribute,
    null as hr_value,
    d.advice as ad_value,
    null as entra_value
from lifecycle_date as d
inner join ad_user as a on a.guid = d.object_key and a.source_id = d.source_id
where d.object_type = 'ad_user' and d.is_valid = 0

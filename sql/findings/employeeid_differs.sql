-- title: Employee id differs
-- meaning: AD and Entra carry different employee ids, or only one of them has one, as the configured normaliser reads
--   them. Pairs whose loads did not see the same moment are left out. One row per pair.
-- family: match
-- default: on
-- severity: medium
-- fix: Correct employeeID in AD for synced users; check that the attribute is synchronized.
-- source: https://learn.microsoft.com/entra/identity/hybrid/connect/reference-connect-sync-attributes-synchronized
select
    'entra_user' as object_type,
    p.entra_id as object_key,
    coalesce(p.entra_userprincipalname, p.entra_displayname) as object_name,
    'employeeId' as attribute,
    null as hr_value,
    p.ad_employeeid as ad_value,
    p.entra_employeeid as entra_value
from pair as p
where coalesce(p.ad_employeeid_key, '') <> coalesce(p.entra_employeeid_key, '') and p.is_in_skew = 0

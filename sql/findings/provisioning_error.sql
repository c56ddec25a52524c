-- title: Synchronization error on the user
-- meaning: Entra reports an error of synchronization on the user (onPremisesProvisioningErrors), such as an address
--   or a UPN that another object has. The attribute is the one that causes it, the Entra value the one that was
--   refused. One row per user and error.
-- family: sync
-- default: on
-- severity: high
-- fix: Find the other object that has the value (the findings duplicate_…), correct one of the two in AD, and wait
--   for the next synchronization.
-- source: https://learn.microsoft.com/graph/api/resources/onpremisesprovisioningerror
-- identity: entra_value
select
    'entra_user' as object_type,
    e.id as object_key,
    coalesce(e.userprincipalname, e.displayname) as object_name,
    coalesce(p.propertycausingerror, 'onPremisesProvisioningErrors') as attribute,
    null as hr_value,
    null as ad_value,
    coalesce(p.value, p.category) as entra_value
from entra_user_provisioningerror as p
inner join entra_user as e on e.id = p.id and e.source_id = p.source_id

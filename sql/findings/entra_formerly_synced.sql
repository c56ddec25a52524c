-- title: No longer synchronized
-- meaning: An Entra user was synchronized once and is not any more (onPremisesSyncEnabled is false): its values
--   stay as they were, whatever AD says. The Entra value is the AD name it had. One row per Entra user.
-- family: sync
-- severity: info
-- fix: Nothing to do where the user was moved to the cloud on purpose; else find out why it left the scope of
--   synchronization.
-- source: https://learn.microsoft.com/graph/api/resources/user
select
    'entra_user' as object_type,
    e.id as object_key,
    coalesce(e.userprincipalname, e.displayname) as object_name,
    'onPremisesSyncEnabled' as attribute,
    null as hr_value,
    null as ad_value,
    e.onpremisesdistinguishedname as entra_value
from entra_user as e
where e.onpremisessyncenabled = 0

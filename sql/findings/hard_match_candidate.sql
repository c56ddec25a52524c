-- title: Cloud user that a hard match would take over
-- meaning: An Entra user that is not synchronized holds the source anchor of an AD user of a linked domain, byte by
--   byte: as soon as the AD user comes into synchronization's scope, it takes the cloud user over and overwrites
--   its values, unless the tenant blocks hard matches. The AD value is the AD user's name. One row per Entra user
--   and AD user.
-- family: sync
-- severity: medium
-- fix: If it is one person, synchronize the AD user; else clear onPremisesImmutableId of the cloud user.
-- source: https://learn.microsoft.com/entra/identity/hybrid/connect/how-to-connect-install-existing-tenant
-- identity: ad_value
select
    'entra_user' as object_type,
    e.id as object_key,
    coalesce(e.userprincipalname, e.displayname) as object_name,
    'onPremisesImmutableId' as attribute,
    null as hr_value,
    a.distinguishedname as ad_value,
    e.onpremisesimmutableid as entra_value
from match_candidate as m
inner join ad_user as a on a.row_id = m.ad_row_id
inner join entra_user as e on e.row_id = m.entra_row_id
where m.has_anchor = 1 and (e.is_synced is null or e.is_synced = 0)

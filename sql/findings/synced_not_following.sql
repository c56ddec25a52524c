-- title: Moved or renamed in AD, Entra did not follow
-- meaning: The distinguished name that Entra holds of a synchronized user is not the AD user's any more: it was
--   moved or renamed, and synchronization did not carry it, usually because the new place is outside its scope (an
--   OU or attribute filter). Pairs whose loads did not see the same moment are left out. One row per pair.
-- family: sync
-- severity: medium
-- fix: Check whether the new OU is in the scope of synchronization; an object that left the scope is removed from
--   Entra as soon as synchronization notices.
-- source: https://learn.microsoft.com/entra/identity/hybrid/connect/how-to-connect-sync-configure-filtering
select
    'entra_user' as object_type,
    e.id as object_key,
    coalesce(e.userprincipalname, e.displayname) as object_name,
    'onPremisesDistinguishedName' as attribute,
    null as hr_value,
    p.ad_distinguishedname as ad_value,
    e.onpremisesdistinguishedname as entra_value
from pair as p
inner join entra_user as e on e.row_id = p.entra_row_id
where e.is_synced = 1 and e.onpremises_dn_key <> p.ad_dn_key and p.is_in_skew = 0

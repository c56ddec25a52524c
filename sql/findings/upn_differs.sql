-- title: UPN differs
-- meaning: The user principal names of AD and Entra differ other than by case, or AD has none. Pairs whose loads did
--   not see the same moment are left out. One row per pair.
-- family: match
-- default: on
-- severity: medium
-- fix: Check that the suffix is a verified domain of the tenant and that the change of the UPN was synchronized.
-- source: https://learn.microsoft.com/entra/identity/hybrid/connect/plan-connect-userprincipalname
select
    'entra_user' as object_type,
    p.entra_id as object_key,
    coalesce(p.entra_userprincipalname, p.entra_displayname) as object_name,
    'userPrincipalName' as attribute,
    null as hr_value,
    p.ad_userprincipalname as ad_value,
    p.entra_userprincipalname as entra_value
from pair as p
where coalesce(p.ad_upn_key, '') <> coalesce(p.entra_upn_key, '') and p.is_in_skew = 0

-- title: Mail differs
-- meaning: The mail addresses of AD and Entra differ other than by case, or only one of them has one. Pairs whose
--   loads did not see the same moment are left out. One row per pair.
-- family: match
-- severity: low
-- fix: Correct mail and proxyAddresses in AD for synced users.
-- source: https://learn.microsoft.com/entra/identity/hybrid/connect/reference-connect-sync-attributes-synchronized
select
    'entra_user' as object_type,
    p.entra_id as object_key,
    coalesce(p.entra_userprincipalname, p.entra_displayname) as object_name,
    'mail' as attribute,
    null as hr_value,
    p.ad_mail as ad_value,
    p.entra_mail as entra_value
from pair as p
where coalesce(p.ad_mail_key, '') <> coalesce(p.entra_mail_key, '') and p.is_in_skew = 0

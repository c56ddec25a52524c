-- title: Expired in AD, enabled in Entra
-- meaning: accountExpires of the AD account lies in the past, the account itself is not disabled, and its Entra user
--   can sign in: the expiry of an account is not carried to the cloud. Pairs whose loads did not see the same moment
--   are left out. One row per pair.
-- family: account
-- default: on
-- severity: high
-- fix: Disable the AD account, so that synchronization blocks the Entra user too, or move the expiry date.
-- source: https://learn.microsoft.com/windows/win32/adschema/a-accountexpires
select
    'entra_user' as object_type,
    p.entra_id as object_key,
    coalesce(p.entra_userprincipalname, p.entra_displayname) as object_name,
    'accountExpires' as attribute,
    null as hr_value,
    substring(cast(p.ad_account_expires_at as varchar(26)), 1, 10) as ad_value,
    'true' as entra_value
from pair as p
cross join clock as c
where
    p.ad_account_expires_at <= c.as_of
    and (p.ad_is_enabled is null or p.ad_is_enabled = 1)
    and p.entra_is_enabled = 1
    and p.is_in_skew = 0

-- title: Enabled in AD, disabled in Entra
-- meaning: The account is enabled in Active Directory, and its Entra user cannot sign in. Pairs whose loads did not
--   see the same moment are left out. One row per pair.
-- family: account
-- severity: medium
-- fix: Ask whether the Entra user was blocked on purpose (a compromised account); else enable it, or disable the
--   account in AD.
-- source: https://learn.microsoft.com/graph/api/resources/user
select
    'entra_user' as object_type,
    p.entra_id as object_key,
    coalesce(p.entra_userprincipalname, p.entra_displayname) as object_name,
    'accountEnabled' as attribute,
    null as hr_value,
    cast(p.ad_useraccountcontrol as varchar(11)) as ad_value,
    'false' as entra_value
from pair as p
where p.ad_is_enabled = 1 and p.entra_is_enabled = 0 and p.is_in_skew = 0

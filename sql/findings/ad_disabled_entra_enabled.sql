-- title: Disabled in AD, enabled in Entra
-- meaning: The account is disabled in Active Directory, and its Entra user can still sign in. Pairs whose loads did
--   not see the same moment are left out. One row per pair.
-- family: account
-- default: on
-- severity: critical
-- fix: Find out why synchronization does not carry the change (filtered OU, stopped sync, cloud-only twin) and
--   disable the Entra user; revoke its sessions.
-- source: https://learn.microsoft.com/troubleshoot/windows-server/active-directory/useraccountcontrol-manipulate-account-properties
select
    'entra_user' as object_type,
    p.entra_id as object_key,
    coalesce(p.entra_userprincipalname, p.entra_displayname) as object_name,
    'accountEnabled' as attribute,
    null as hr_value,
    cast(p.ad_useraccountcontrol as varchar(11)) as ad_value,
    'true' as entra_value
from pair as p
where p.ad_is_enabled = 0 and p.entra_is_enabled = 1 and p.is_in_skew = 0

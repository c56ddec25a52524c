-- title: DES keys only
-- meaning: An enabled AD user is restricted to DES keys (USE_DES_KEY_ONLY, 2097152), which are broken and which
--   current systems refuse. One row per AD user.
-- family: account
-- severity: high
-- fix: Clear the flag and set a new password, so that AES keys are made.
-- source: https://learn.microsoft.com/troubleshoot/windows-server/active-directory/useraccountcontrol-manipulate-account-properties
select
    'ad_user' as object_type,
    a.guid as object_key,
    coalesce(a.userprincipalname, a.samaccountname, a.cn) as object_name,
    'userAccountControl' as attribute,
    null as hr_value,
    cast(a.useraccountcontrol as varchar(11)) as ad_value,
    null as entra_value
from ad_user as a
where a.is_enabled = 1 and (a.useraccountcontrol & 2097152) = 2097152

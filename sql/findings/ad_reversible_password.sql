-- title: Password stored reversibly
-- meaning: The password of an enabled AD user is stored so that it can be read back (ENCRYPTED_TEXT_PWD_ALLOWED,
--   128). One row per AD user.
-- family: account
-- default: on
-- severity: high
-- fix: Clear the flag and set a new password: the old one stays readable until then.
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
where a.is_enabled = 1 and (a.useraccountcontrol & 128) = 128

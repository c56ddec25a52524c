-- title: No password required
-- meaning: An enabled AD user may have an empty password (PASSWD_NOTREQD, 32), whatever the domain's password policy
--   says: usual after scripted creation. Critical system objects are left out. One row per AD user.
-- family: account
-- severity: high
-- fix: Set a password, then clear the flag (value 544 becomes 512).
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
where
    a.is_enabled = 1
    and (a.useraccountcontrol & 32) = 32
    and (a.iscriticalsystemobject is null or a.iscriticalsystemobject = 0)

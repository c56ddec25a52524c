-- title: Kerberos pre-authentication off
-- meaning: An enabled AD user does not require Kerberos pre-authentication (DONT_REQ_PREAUTH, 4194304): anybody in
--   the network may ask for data to guess its password with. One row per AD user.
-- family: account
-- severity: high
-- fix: Clear the flag; where an old application needs it, give the account a long random password.
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
where a.is_enabled = 1 and (a.useraccountcontrol & 4194304) = 4194304

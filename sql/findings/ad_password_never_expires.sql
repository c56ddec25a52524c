-- title: Password never expires
-- meaning: An enabled AD user whose password never expires (DONT_EXPIRE_PASSWORD, 65536). Critical system objects are
--   left out. One row per AD user.
-- family: account
-- severity: medium
-- fix: Make it a group managed service account, or let its password expire; accounts of people need no exception.
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
    and (a.useraccountcontrol & 65536) = 65536
    and (a.iscriticalsystemobject is null or a.iscriticalsystemobject = 0)

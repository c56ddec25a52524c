-- title: Privileged user that may be delegated
-- meaning: An enabled AD user with adminCount 1 is not marked as sensitive (NOT_DELEGATED, 1048576): services that
--   may delegate can act in its name. Critical system objects are left out. One row per AD user.
-- family: account
-- severity: low
-- fix: Set the flag, or put the user into the group Protected Users; try both with one administrator first.
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
    and a.admincount = 1
    and (a.useraccountcontrol & 1048576) = 0
    and (a.iscriticalsystemobject is null or a.iscriticalsystemobject = 0)

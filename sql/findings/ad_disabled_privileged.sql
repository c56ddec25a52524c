-- title: Disabled, still protected as an administrator
-- meaning: A disabled AD user has adminCount 1: it is or was a member of a protected group, and keeps that group's
--   access list. Critical system objects (krbtgt) are left out. One row per AD user.
-- family: account
-- default: on
-- severity: medium
-- fix: Take it out of its privileged groups, clear adminCount and let the access list be inherited again.
-- source: https://learn.microsoft.com/windows-server/identity/ad-ds/plan/security-best-practices/appendix-c--protected-accounts-and-groups-in-active-directory
select
    'ad_user' as object_type,
    a.guid as object_key,
    coalesce(a.userprincipalname, a.samaccountname, a.cn) as object_name,
    'adminCount' as attribute,
    null as hr_value,
    cast(a.admincount as varchar(11)) as ad_value,
    null as entra_value
from ad_user as a
where a.is_enabled = 0 and a.admincount = 1 and coalesce(a.iscriticalsystemobject, 0) = 0

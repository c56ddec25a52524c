-- title: No UPN
-- meaning: An enabled AD user has no userPrincipalName: synchronization makes one from sAMAccountName and the
--   tenant's first domain. Critical system objects are left out. IdFix: Blank. One row per AD user.
-- family: idfix
-- severity: medium
-- fix: Set a UPN with a verified suffix.
-- source: https://learn.microsoft.com/entra/identity/hybrid/connect/plan-connect-userprincipalname
select
    'ad_user' as object_type,
    a.guid as object_key,
    coalesce(a.samaccountname, a.cn) as object_name,
    'userPrincipalName' as attribute,
    null as hr_value,
    null as ad_value,
    null as entra_value
from ad_user as a
where
    a.is_enabled = 1
    and a.userprincipalname is null
    and (a.iscriticalsystemobject is null or a.iscriticalsystemobject = 0)

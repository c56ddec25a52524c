-- title: Constrained delegation with protocol transition
-- meaning: An enabled AD user or computer may act towards the services of its delegation list as anybody, without
--   having seen that person's sign-in (TRUSTED_TO_AUTH_FOR_DELEGATION, 16777216): who controls it is as good as
--   every user there. One row per AD user or computer.
-- family: account
-- severity: high
-- fix: Use constrained delegation with Kerberos alone, or resource-based delegation; mark administrators as
--   sensitive (NOT_DELEGATED).
-- source: https://learn.microsoft.com/windows-server/security/kerberos/kerberos-constrained-delegation-overview
select
    'ad_user' as object_type,
    a.guid as object_key,
    coalesce(a.userprincipalname, a.samaccountname, a.cn) as object_name,
    'userAccountControl' as attribute,
    null as hr_value,
    cast(a.useraccountcontrol as varchar(11)) as ad_value,
    null as entra_value
from ad_user as a
where a.is_enabled = 1 and (a.useraccountcontrol & 16777216) = 16777216
union all
select
    'ad_computer' as object_type,
    c.guid as object_key,
    coalesce(c.dnshostname, c.samaccountname, c.cn) as object_name,
    'userAccountControl' as attribute,
    null as hr_value,
    cast(c.useraccountcontrol as varchar(11)) as ad_value,
    null as entra_value
from ad_computer as c
where c.is_enabled = 1 and (c.useraccountcontrol & 16777216) = 16777216

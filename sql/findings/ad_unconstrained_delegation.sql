-- title: Unconstrained delegation
-- meaning: An enabled AD user or computer that is no domain controller is trusted for unconstrained delegation
--   (TRUSTED_FOR_DELEGATION, 524288): who controls it can act as everybody that signs in to it. Domain controllers
--   (SERVER_TRUST_ACCOUNT) and read-only ones (PARTIAL_SECRETS_ACCOUNT) are left out. One row per AD user or computer.
-- family: account
-- default: on
-- severity: high
-- fix: Use constrained or resource-based delegation; mark administrators as sensitive (NOT_DELEGATED).
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
where
    a.is_enabled = 1
    and (a.useraccountcontrol & 524288) = 524288
    and (a.useraccountcontrol & 8192) = 0
    and (a.useraccountcontrol & 67108864) = 0
union all
select
    'ad_computer' as object_type,
    a.guid as object_key,
    coalesce(a.dnshostname, a.samaccountname, a.cn) as object_name,
    'userAccountControl' as attribute,
    null as hr_value,
    cast(a.useraccountcontrol as varchar(11)) as ad_value,
    null as entra_value
from ad_computer as a
where
    a.is_enabled = 1
    and (a.useraccountcontrol & 524288) = 524288
    and (a.useraccountcontrol & 8192) = 0
    and (a.useraccountcontrol & 67108864) = 0

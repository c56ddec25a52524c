-- title: Computed bit in the stored userAccountControl
-- meaning: The stored userAccountControl has a bit that belongs to msDS-User-Account-Control-Computed alone (LOCKOUT
--   16, PASSWORD_EXPIRED 8388608, USE_AES_KEYS 134217728). It proves neither a lockout nor an expired password, and
--   scripts that read it are wrong. One row per AD user or computer.
-- family: account
-- severity: low
-- fix: Write the value again without the bit; see the views ad_user_decoded and ad_computer_decoded for what holds.
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
    (a.useraccountcontrol & 16) = 16
    or (a.useraccountcontrol & 8388608) = 8388608
    or (a.useraccountcontrol & 134217728) = 134217728
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
    (a.useraccountcontrol & 16) = 16
    or (a.useraccountcontrol & 8388608) = 8388608
    or (a.useraccountcontrol & 134217728) = 134217728

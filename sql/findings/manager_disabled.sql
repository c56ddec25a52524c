-- title: Manager is disabled
-- meaning: The manager of an enabled AD user is a disabled account: requests for approval and the manager's mails go
--   nowhere. One row per AD user.
-- family: account
-- severity: low
-- fix: Set the present manager; HR usually knows.
-- source: https://learn.microsoft.com/windows/win32/adschema/a-manager
select
    'ad_user' as object_type,
    a.guid as object_key,
    coalesce(a.userprincipalname, a.samaccountname, a.cn) as object_name,
    'manager' as attribute,
    null as hr_value,
    a.manager as ad_value,
    null as entra_value
from ad_user as a
where
    a.is_enabled = 1
    and exists (
        select 1
        from ad_user as m
        where m.dn_key = a.manager_key and m.is_enabled = 0
    )

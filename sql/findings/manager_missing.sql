-- title: Manager is no loaded account
-- meaning: The manager of an enabled AD user is a name that belongs to no loaded AD user or contact: deleted in
--   another domain, outside what is loaded ([ad] bases), or no distinguished name at all. One row per AD user.
-- family: account
-- severity: low
-- fix: Set the manager, or load the domain or container that holds it.
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
    and a.manager is not null
    and not exists (
        select 1
        from ad_user as m
        where m.dn_key = a.manager_key
    )
    and not exists (
        select 1
        from ad_contact as k
        where k.dn_key = a.manager_key
    )

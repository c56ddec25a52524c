-- title: Group without a managing owner in AD
-- meaning: An AD group whose managedBy is empty, or names a user that is disabled. Built-in and critical groups are
--   left out. Owners of Entra groups are not loaded: nothing is said of them. One row per AD group.
-- family: groups
-- severity: low
-- fix: Enter somebody who answers for the group.
-- source: https://learn.microsoft.com/windows/win32/adschema/a-managedby
select
    'ad_group' as object_type,
    g.guid as object_key,
    coalesce(g.samaccountname, g.cn) as object_name,
    'managedBy' as attribute,
    null as hr_value,
    g.managedby as ad_value,
    null as entra_value
from ad_group as g
where
    (g.grouptype is null or (g.grouptype & 1) = 0)
    and (g.iscriticalsystemobject is null or g.iscriticalsystemobject = 0)
    and (
        g.managedby is null
        or exists (
            select 1
            from ad_user as a
            where a.dn_key = g.managedby_key and a.is_enabled = 0
        )
    )

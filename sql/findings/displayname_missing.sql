-- title: Mail, no display name
-- meaning: A user or group with mail has no displayName, which the address book shows. Critical system objects are
--   left out. IdFix: Blank (groups). One row per object.
-- family: idfix
-- severity: low
-- fix: Set displayName.
-- source: https://learn.microsoft.com/microsoft-365/enterprise/prepare-for-directory-synchronization
select
    'ad_user' as object_type,
    a.guid as object_key,
    coalesce(a.userprincipalname, a.samaccountname, a.cn) as object_name,
    'displayName' as attribute,
    null as hr_value,
    null as ad_value,
    null as entra_value
from ad_user as a
where
    a.displayname is null
    and a.mail is not null
    and (a.iscriticalsystemobject is null or a.iscriticalsystemobject = 0)
union all
select
    'ad_group' as object_type,
    g.guid as object_key,
    coalesce(g.samaccountname, g.cn) as object_name,
    'displayName' as attribute,
    null as hr_value,
    null as ad_value,
    null as entra_value
from ad_group as g
where
    g.displayname is null
    and g.mail is not null
    and (g.iscriticalsystemobject is null or g.iscriticalsystemobject = 0)

-- title: Privileged user with a service principal name
-- meaning: An enabled AD user with adminCount 1 has a servicePrincipalName: anybody in the domain may ask for a
--   ticket that is encrypted with this user's password, and guess the password from it. One row per AD user and
--   name.
-- family: account
-- severity: high
-- fix: Run the service under a group managed service account without privilege; take the name off the
--   administrator.
-- source: https://learn.microsoft.com/windows/win32/adschema/a-serviceprincipalname
-- identity: ad_value
select
    'ad_user' as object_type,
    a.guid as object_key,
    coalesce(a.userprincipalname, a.samaccountname, a.cn) as object_name,
    'servicePrincipalName' as attribute,
    null as hr_value,
    s.value as ad_value,
    null as entra_value
from ad_user_serviceprincipalname as s
inner join ad_user as a on a.guid = s.guid and a.source_id = s.source_id
where a.is_enabled = 1 and a.admincount = 1 and (a.iscriticalsystemobject is null or a.iscriticalsystemobject = 0)

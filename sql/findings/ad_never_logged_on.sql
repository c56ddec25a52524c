-- title: Never logged on
-- meaning: An enabled AD user that was created longer ago than setting stale_days and has no lastLogonTimestamp, so
--   never logged on to the domain. The AD value is the day of its creation. Critical system objects are left out. One
--   row per AD user.
-- family: account
-- severity: medium
-- fix: Disable accounts that nobody uses; those that sign in to Entra alone need no password in AD.
-- source: https://learn.microsoft.com/windows/win32/adschema/a-lastlogontimestamp
select
    'ad_user' as object_type,
    a.guid as object_key,
    coalesce(a.userprincipalname, a.samaccountname, a.cn) as object_name,
    'lastLogonTimestamp' as attribute,
    null as hr_value,
    substring(cast(a.whencreated as varchar(26)), 1, 10) as ad_value,
    null as entra_value
from ad_user as a
cross join clock as c
where
    a.is_enabled = 1
    and a.last_logon_at is null
    and a.whencreated < c.stale_before_at
    and (a.iscriticalsystemobject is null or a.iscriticalsystemobject = 0)

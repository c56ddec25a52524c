-- title: Stale computer in AD
-- meaning: An enabled AD computer whose last logon lies further back than setting stale_days. lastLogonTimestamp is
--   up to 14 days late. Critical system objects are left out. One row per AD computer.
-- family: account
-- severity: low
-- fix: Disable the computer account, and delete it later.
-- source: https://learn.microsoft.com/windows/win32/adschema/a-lastlogontimestamp
select
    'ad_computer' as object_type,
    a.guid as object_key,
    coalesce(a.dnshostname, a.samaccountname, a.cn) as object_name,
    'lastLogonTimestamp' as attribute,
    null as hr_value,
    substring(cast(a.last_logon_at as varchar(26)), 1, 10) as ad_value,
    null as entra_value
from ad_computer as a
cross join clock as c
where
    a.is_enabled = 1
    and a.last_logon_day < c.stale_before_day
    and (a.iscriticalsystemobject is null or a.iscriticalsystemobject = 0)

-- title: Disabled, still in a privileged group
-- meaning: A disabled AD user is in a privileged group (table privileged_account): directly, through nested groups,
--   or as its primary group. Critical system objects are left out. The AD value is the group with its objectGUID. One
--   row per AD user and group.
-- family: account
-- default: on
-- severity: medium
-- fix: Take it out of its privileged groups, clear adminCount and let the access list be inherited again.
-- source: https://learn.microsoft.com/windows-server/identity/ad-ds/plan/security-best-practices/appendix-c--protected-accounts-and-groups-in-active-directory
-- identity: ad_value
select
    'ad_user' as object_type,
    a.guid as object_key,
    coalesce(a.userprincipalname, a.samaccountname, a.cn) as object_name,
    'memberOf' as attribute,
    null as hr_value,
    coalesce(
        replace(replace('[name] ([id])', '[id]', p.holder_key), '[name]', p.holder_name), p.holder_key
    ) as ad_value,
    null as entra_value
from privileged_account as p
inner join ad_user as a on a.row_id = p.account_row_id
where
    p.object_type = 'ad_user'
    and a.is_enabled = 0
    and (a.iscriticalsystemobject is null or a.iscriticalsystemobject = 0)

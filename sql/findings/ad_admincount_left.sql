-- title: adminCount without a privileged group
-- meaning: An AD user has adminCount 1 and is in none of the groups that table privileged_account knows: it was once
--   protected, and keeps that access list and no inheritance. Critical system objects (krbtgt) are left out. One row
--   per AD user.
-- family: account
-- severity: low
-- fix: Clear adminCount and let the access list be inherited again, unless a protected group of your own explains
--   it.
-- source: https://learn.microsoft.com/windows-server/identity/ad-ds/plan/security-best-practices/appendix-c--protected-accounts-and-groups-in-active-directory
select
    'ad_user' as object_type,
    a.guid as object_key,
    coalesce(a.userprincipalname, a.samaccountname, a.cn) as object_name,
    'adminCount' as attribute,
    null as hr_value,
    cast(a.admincount as varchar(11)) as ad_value,
    null as entra_value
from ad_user as a
where
    a.admincount = 1
    and (a.iscriticalsystemobject is null or a.iscriticalsystemobject = 0)
    and not exists (
        select 1
        from privileged_account as p
        where p.account_row_id = a.row_id and p.object_type = 'ad_user'
    )

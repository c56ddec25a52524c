-- title: Privileged by a detour
-- meaning: An enabled AD user is in a privileged group only through other groups or as its primary group, so that the
--   group's own member list does not show it. The AD value is the privileged group with its objectGUID. One row per
--   user and group.
-- family: groups
-- severity: medium
-- fix: Make it a direct member where it shall be privileged; take the inner group out where it shall not.
-- source: https://learn.microsoft.com/windows-server/identity/ad-ds/plan/security-best-practices/implementing-least-privilege-administrative-models
-- identity: ad_value
select
    'ad_user' as object_type,
    a.guid as object_key,
    coalesce(a.userprincipalname, a.samaccountname, a.cn) as object_name,
    case when p.is_primary_group = 1 then 'primaryGroupID' else 'memberOf' end as attribute,
    null as hr_value,
    coalesce(
        replace(replace('[name] ([id])', '[id]', p.holder_key), '[name]', p.holder_name), p.holder_key
    ) as ad_value,
    null as entra_value
from privileged_account as p
inner join ad_user as a on a.row_id = p.account_row_id
where p.object_type = 'ad_user' and a.is_enabled = 1 and (p.depth > 1 or p.is_primary_group = 1)

-- title: UPN suffix is not routable
-- meaning: The suffix of the UPN has no dot or ends in a name that the public DNS never holds (.local, .corp, .lan,
--   .internal, .home, .private, .invalid and others: docs/idfix.md). Entra gives such a user the tenant's
--   onmicrosoft.com domain. IdFix: TopLevelDomain. Critical system objects are left out. One row per AD user.
-- family: idfix
-- severity: high
-- fix: Add a verified domain of the tenant as UPN suffix of the forest and give it to the users.
-- source: https://learn.microsoft.com/microsoft-365/enterprise/prepare-a-non-routable-domain-for-directory-synchronization
with flagged as (
    select 'ad_user' as object_type, d.source_id, d.guid, d.attribute, d.position, max(d.value) as value
    from ad_value_defect as d
    where d.defect in ('not_routable') and d.attribute in ('userprincipalname')
    group by d.source_id, d.guid, d.attribute, d.position
)

select
    f.object_type,
    f.guid as object_key,
    coalesce(a.userprincipalname, a.samaccountname, a.cn) as object_name,
    'userPrincipalName' as attribute,
    null as hr_value,
    f.value as ad_value,
    null as entra_value
from flagged as f
inner join ad_user as a on a.source_id = f.source_id and a.guid = f.guid
where (a.iscriticalsystemobject is null or a.iscriticalsystemobject = 0)

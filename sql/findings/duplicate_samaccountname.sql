-- title: sAMAccountName twice, and no UPN
-- meaning: Several users without a UPN have the same sAMAccountName, whatever its case: without a UPN their name in
--   the cloud is made from it. A domain refuses it by itself, several domains do not. Domains that feed one tenant
--   count together, an object that stands in two sources while it moves counts once. Critical system objects are left
--   out. IdFix: Duplicate. One row per AD user.
-- family: idfix
-- severity: medium
-- fix: Give the users a UPN.
-- source: https://learn.microsoft.com/microsoft-365/enterprise/prepare-for-directory-synchronization
with together as (
    select one.ad_source_id as source_id, other.ad_source_id as other_id
    from source_link as one
    inner join source_link as other on other.entra_source_id = one.entra_source_id
    where one.ad_source_id is not null and other.ad_source_id is not null
    union
    select s.source_id, s.source_id
    from source as s
    where s.kind = 'ad'
),

carried as (
    select 'ad_user' as object_type, o.source_id, o.guid, o.sam_key as value_key, o.samaccountname as value
    from ad_user as o
    where o.upn_key is null and o.userprincipalname is null and o.sam_key is not null
),

shared as (
    select t.source_id, v.value_key
    from together as t
    inner join carried as v on v.source_id = t.other_id
    group by t.source_id, v.value_key
    having count(distinct v.guid) > 1
)

select
    v.object_type,
    v.guid as object_key,
    coalesce(a.userprincipalname, a.samaccountname, a.cn) as object_name,
    'sAMAccountName' as attribute,
    null as hr_value,
    v.value as ad_value,
    null as entra_value
from carried as v
inner join shared as s on s.source_id = v.source_id and s.value_key = v.value_key
inner join ad_user as a on a.source_id = v.source_id and a.guid = v.guid
where (a.iscriticalsystemobject is null or a.iscriticalsystemobject = 0)

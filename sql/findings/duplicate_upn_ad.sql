-- title: UPN twice in AD
-- meaning: Several users have the same user principal name, whatever its case. Domains that feed one tenant count
--   together, an object that stands in two sources while it moves counts once. Critical system objects are left out.
--   IdFix: Duplicate. One row per AD user.
-- family: idfix
-- severity: high
-- fix: Give each user a name of their own; Entra renames or quarantines the second.
-- source: https://learn.microsoft.com/entra/identity/hybrid/connect/how-to-connect-syncservice-duplicate-attribute-resiliency
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

repeated as (
    select o.upn_key
    from ad_user as o
    where o.upn_key is not null
    group by o.upn_key
    -- as a case: PostgreSQL then expects few of them, and looks these up by index
    having case when count(*) > 1 then 1 else 0 end = 1
),

carried as (
    select 'ad_user' as object_type, o.source_id, o.guid, o.upn_key as value_key, o.userprincipalname as value
    from repeated as r
    inner join ad_user as o on o.upn_key = r.upn_key
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
    'userPrincipalName' as attribute,
    null as hr_value,
    v.value as ad_value,
    null as entra_value
from carried as v
inner join shared as s on s.source_id = v.source_id and s.value_key = v.value_key
inner join ad_user as a on a.source_id = v.source_id and a.guid = v.guid
where (a.iscriticalsystemobject is null or a.iscriticalsystemobject = 0)

-- title: targetAddress twice in AD
-- meaning: Several users or contacts have the same targetAddress, whatever its case, with or without smtp: in front;
--   X400 and X500 are skipped. Domains that feed one tenant count together, an object that stands in two sources while
--   it moves counts once. Critical system objects are left out. IdFix: Duplicate. One row per object.
-- family: idfix
-- severity: medium
-- fix: Keep one object per external address.
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
    select 'ad_user' as object_type, o.source_id, o.guid, o.targetaddress_key as value_key, o.targetaddress as value
    from ad_user as o
    where o.targetaddress_key is not null and upper(substring(o.targetaddress, 1, 5)) not in ('X400:', 'X500:')
    union all
    select 'ad_contact' as object_type, o.source_id, o.guid, o.targetaddress_key as value_key, o.targetaddress as value
    from ad_contact as o
    where o.targetaddress_key is not null and upper(substring(o.targetaddress, 1, 5)) not in ('X400:', 'X500:')
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
    coalesce(a.userprincipalname, a.samaccountname, a.cn, g.samaccountname, g.cn, k.displayname, k.cn) as object_name,
    'targetAddress' as attribute,
    null as hr_value,
    v.value as ad_value,
    null as entra_value
from carried as v
inner join shared as s on s.source_id = v.source_id and s.value_key = v.value_key
left join ad_user as a on a.source_id = v.source_id and a.guid = v.guid
left join ad_group as g on g.source_id = v.source_id and g.guid = v.guid
left join ad_contact as k on k.source_id = v.source_id and k.guid = v.guid
where coalesce(a.iscriticalsystemobject, g.iscriticalsystemobject, 0) = 0

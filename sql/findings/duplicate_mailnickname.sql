-- title: mailNickname twice in AD
-- meaning: Several users, groups or contacts have the same mailNickname, whatever its case. Domains that feed one
--   tenant count together, an object that stands in two sources while it moves counts once. Critical system objects are
--   left out. IdFix: Duplicate. One row per object.
-- family: idfix
-- severity: low
-- fix: Give each object an alias of its own; Exchange Online changes the second one.
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

repeated as (
    -- within a kind of object, and from one kind to another
    select o.mailnickname_key
    from ad_user as o
    where o.mailnickname_key is not null
    group by o.mailnickname_key
    -- as a case: PostgreSQL then expects few of them, and looks these up by index
    having case when count(*) > 1 then 1 else 0 end = 1
    union
    select o.mailnickname_key
    from ad_group as o
    where o.mailnickname_key is not null
    group by o.mailnickname_key
    having case when count(*) > 1 then 1 else 0 end = 1
    union
    select o.mailnickname_key
    from ad_contact as o
    where o.mailnickname_key is not null
    group by o.mailnickname_key
    having case when count(*) > 1 then 1 else 0 end = 1
    union
    select o.mailnickname_key
    from ad_group as o
    where exists (select 1 from ad_user as other where other.mailnickname_key = o.mailnickname_key)
    union
    select o.mailnickname_key
    from ad_contact as o
    where exists (select 1 from ad_user as other where other.mailnickname_key = o.mailnickname_key)
    union
    select o.mailnickname_key
    from ad_contact as o
    where exists (select 1 from ad_group as other where other.mailnickname_key = o.mailnickname_key)
),

carried as (
    select 'ad_user' as object_type, o.source_id, o.guid, o.mailnickname_key as value_key, o.mailnickname as value
    from repeated as r
    inner join ad_user as o on o.mailnickname_key = r.mailnickname_key
    union all
    select 'ad_group' as object_type, o.source_id, o.guid, o.mailnickname_key as value_key, o.mailnickname as value
    from repeated as r
    inner join ad_group as o on o.mailnickname_key = r.mailnickname_key
    union all
    select 'ad_contact' as object_type, o.source_id, o.guid, o.mailnickname_key as value_key, o.mailnickname as value
    from repeated as r
    inner join ad_contact as o on o.mailnickname_key = r.mailnickname_key
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
    'mailNickname' as attribute,
    null as hr_value,
    v.value as ad_value,
    null as entra_value
from carried as v
inner join shared as s on s.source_id = v.source_id and s.value_key = v.value_key
left join ad_user as a on a.source_id = v.source_id and a.guid = v.guid
left join ad_group as g on g.source_id = v.source_id and g.guid = v.guid
left join ad_contact as k on k.source_id = v.source_id and k.guid = v.guid
where coalesce(a.iscriticalsystemobject, g.iscriticalsystemobject, 0) = 0

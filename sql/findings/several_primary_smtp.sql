-- title: Several primary addresses
-- meaning: proxyAddresses has more than one value with SMTP: in capitals, so no primary address is known. The AD
--   value lists them. Users, groups and contacts. Critical system objects are left out. One row per object.
-- family: idfix
-- severity: high
-- fix: Leave one SMTP: value; write the others with smtp:.
-- source: https://learn.microsoft.com/troubleshoot/entra/entra-id/user-prov-sync/proxyaddresses-attribute-populate
with flagged as (
    select 'ad_user' as object_type, d.source_id, d.guid, d.attribute, d.position, max(d.value) as value
    from ad_value_defect as d
    where d.defect in ('several_primary') and d.attribute in ('proxyaddresses')
    group by d.source_id, d.guid, d.attribute, d.position
    union all
    select 'ad_group' as object_type, d.source_id, d.guid, d.attribute, d.position, max(d.value) as value
    from ad_group_value_defect as d
    where d.defect in ('several_primary') and d.attribute in ('proxyaddresses')
    group by d.source_id, d.guid, d.attribute, d.position
    union all
    select 'ad_contact' as object_type, d.source_id, d.guid, d.attribute, d.position, max(d.value) as value
    from ad_contact_value_defect as d
    where d.defect in ('several_primary') and d.attribute in ('proxyaddresses')
    group by d.source_id, d.guid, d.attribute, d.position
)

select
    f.object_type,
    f.guid as object_key,
    coalesce(a.userprincipalname, a.samaccountname, a.cn, g.samaccountname, g.cn, k.displayname, k.cn) as object_name,
    'proxyAddresses' as attribute,
    null as hr_value,
    f.value as ad_value,
    null as entra_value
from flagged as f
left join ad_user as a on a.source_id = f.source_id and a.guid = f.guid
left join ad_group as g on g.source_id = f.source_id and g.guid = f.guid
left join ad_contact as k on k.source_id = f.source_id and k.guid = f.guid
where coalesce(a.iscriticalsystemobject, g.iscriticalsystemobject, 0) = 0

-- title: Blanks around or inside a value
-- meaning: An attribute that synchronizes begins or ends with white space, or a mail address has some inside. IdFix:
--   Character. Users, groups and contacts. Critical system objects are left out. One row per object, attribute and
--   value.
-- family: idfix
-- severity: medium
-- fix: Remove the blanks.
-- source: https://learn.microsoft.com/microsoft-365/enterprise/prepare-for-directory-synchronization
-- identity: ad_value
with flagged as (
    select 'ad_user' as object_type, d.source_id, d.guid, d.attribute, d.position, max(d.value) as value
    from ad_value_defect as d
    where
        d.defect in ('blanks')
        and d.attribute in (
            'userprincipalname', 'mail', 'mailnickname', 'proxyaddresses', 'targetaddress',
            'samaccountname', 'displayname', 'givenname', 'sn'
        )
    group by d.source_id, d.guid, d.attribute, d.position
    union all
    select 'ad_group' as object_type, d.source_id, d.guid, d.attribute, d.position, max(d.value) as value
    from ad_group_value_defect as d
    where
        d.defect in ('blanks')
        and d.attribute in (
            'userprincipalname', 'mail', 'mailnickname', 'proxyaddresses', 'targetaddress',
            'samaccountname', 'displayname', 'givenname', 'sn'
        )
    group by d.source_id, d.guid, d.attribute, d.position
    union all
    select 'ad_contact' as object_type, d.source_id, d.guid, d.attribute, d.position, max(d.value) as value
    from ad_contact_value_defect as d
    where
        d.defect in ('blanks')
        and d.attribute in (
            'userprincipalname', 'mail', 'mailnickname', 'proxyaddresses', 'targetaddress',
            'samaccountname', 'displayname', 'givenname', 'sn'
        )
    group by d.source_id, d.guid, d.attribute, d.position
)

select
    f.object_type,
    f.guid as object_key,
    coalesce(a.userprincipalname, a.samaccountname, a.cn, g.samaccountname, g.cn, k.displayname, k.cn) as object_name,
    case f.attribute
        when 'userprincipalname' then 'userPrincipalName'
        when 'mailnickname' then 'mailNickname'
        when 'proxyaddresses' then 'proxyAddresses'
        when 'targetaddress' then 'targetAddress'
        when 'samaccountname' then 'sAMAccountName'
        when 'displayname' then 'displayName'
        when 'givenname' then 'givenName'
        else f.attribute
    end as attribute,
    null as hr_value,
    f.value as ad_value,
    null as entra_value
from flagged as f
left join ad_user as a on a.source_id = f.source_id and a.guid = f.guid
left join ad_group as g on g.source_id = f.source_id and g.guid = f.guid
left join ad_contact as k on k.source_id = f.source_id and k.guid = f.guid
where coalesce(a.iscriticalsystemobject, g.iscriticalsystemobject, 0) = 0

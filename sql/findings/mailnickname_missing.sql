-- title: Mail address, no mailNickname
-- meaning: A user or contact has SMTP addresses in proxyAddresses and no mailNickname. Critical system objects are
--   left out. IdFix: Blank. One row per object.
-- family: idfix
-- severity: low
-- fix: Set mailNickname, usually the part before the @ of the primary address.
-- source: https://learn.microsoft.com/microsoft-365/enterprise/prepare-for-directory-synchronization
select
    'ad_user' as object_type,
    a.guid as object_key,
    coalesce(a.userprincipalname, a.samaccountname, a.cn) as object_name,
    'mailNickname' as attribute,
    null as hr_value,
    null as ad_value,
    null as entra_value
from ad_user as a
where
    a.mailnickname is null
    and exists (
        select 1
        from ad_user_proxyaddress as p
        where p.source_id = a.source_id and p.guid = a.guid and upper(p.prefix) = 'SMTP'
    )
    and (a.iscriticalsystemobject is null or a.iscriticalsystemobject = 0)
union all
select
    'ad_contact' as object_type,
    k.guid as object_key,
    coalesce(k.displayname, k.cn) as object_name,
    'mailNickname' as attribute,
    null as hr_value,
    null as ad_value,
    null as entra_value
from ad_contact as k
where
    k.mailnickname is null
    and exists (
        select 1
        from ad_contact_proxyaddress as p
        where p.source_id = k.source_id and p.guid = k.guid and upper(p.prefix) = 'SMTP'
    )

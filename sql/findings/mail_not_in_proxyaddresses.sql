-- title: mail is not among proxyAddresses
-- meaning: A user, group or contact has SMTP addresses in proxyAddresses, and mail is none of them, whatever their
--   case: mail to the address that people see may not arrive. Critical system objects are left out. IdFix: MailMatch.
--   One row per object.
-- family: idfix
-- severity: medium
-- fix: Add the address of mail to proxyAddresses, or correct mail.
-- source: https://learn.microsoft.com/troubleshoot/entra/entra-id/user-prov-sync/proxyaddresses-attribute-populate
select
    'ad_user' as object_type,
    a.guid as object_key,
    coalesce(a.userprincipalname, a.samaccountname, a.cn) as object_name,
    'mail' as attribute,
    null as hr_value,
    a.mail as ad_value,
    null as entra_value
from ad_user as a
where
    a.mail_key is not null
    -- of nearly all it is the primary one: then there is nothing to look for
    -- as a case: PostgreSQL then expects few rows, and looks the rest up by index
    and case when a.smtp_primary_key = a.mail_key then 1 else 0 end = 0
    and not exists (
        select 1
        from ad_user_proxyaddress as p
        where
            p.source_id = a.source_id
            and p.guid = a.guid
            and upper(p.prefix) = 'SMTP'
            and substring(p.value_key, 6, 450) = a.mail_key
    )
    and exists (
        select 1
        from ad_user_proxyaddress as p
        where p.source_id = a.source_id and p.guid = a.guid and upper(p.prefix) = 'SMTP'
    )
    and (a.iscriticalsystemobject is null or a.iscriticalsystemobject = 0)
union all
select
    'ad_group' as object_type,
    g.guid as object_key,
    coalesce(g.samaccountname, g.cn) as object_name,
    'mail' as attribute,
    null as hr_value,
    g.mail as ad_value,
    null as entra_value
from ad_group as g
where
    g.mail_key is not null
    and not exists (
        select 1
        from ad_group_proxyaddress as p
        where
            p.source_id = g.source_id
            and p.guid = g.guid
            and upper(p.prefix) = 'SMTP'
            and substring(p.value_key, 6, 450) = g.mail_key
    )
    and exists (
        select 1
        from ad_group_proxyaddress as p
        where p.source_id = g.source_id and p.guid = g.guid and upper(p.prefix) = 'SMTP'
    )
    and (g.iscriticalsystemobject is null or g.iscriticalsystemobject = 0)
union all
select
    'ad_contact' as object_type,
    k.guid as object_key,
    coalesce(k.displayname, k.cn) as object_name,
    'mail' as attribute,
    null as hr_value,
    k.mail as ad_value,
    null as entra_value
from ad_contact as k
where
    k.mail_key is not null
    and not exists (
        select 1
        from ad_contact_proxyaddress as p
        where
            p.source_id = k.source_id
            and p.guid = k.guid
            and upper(p.prefix) = 'SMTP'
            and substring(p.value_key, 6, 450) = k.mail_key
    )
    and exists (
        select 1
        from ad_contact_proxyaddress as p
        where p.source_id = k.source_id and p.guid = k.guid and upper(p.prefix) = 'SMTP'
    )

-- title: mail is not the primary address
-- meaning: mail of a user is among the SMTP addresses of proxyAddresses, but another one is primary (SMTP: in
--   capitals): Entra and Exchange Online show the primary one. The AD value is mail. Critical system objects are left
--   out. IdFix: MailMatch. One row per AD user.
-- family: idfix
-- severity: low
-- fix: Make mail the primary address, or set mail to the primary one.
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
    -- as a case: PostgreSQL then expects few rows, and looks the rest up by index
    case when a.smtp_primary_key <> a.mail_key then 1 else 0 end = 1
    and exists (
        select 1
        from ad_user_proxyaddress as p
        where
            p.source_id = a.source_id
            and p.guid = a.guid
            and upper(p.prefix) = 'SMTP'
            and substring(p.value_key, 6, 450) = a.mail_key
    )
    and (a.iscriticalsystemobject is null or a.iscriticalsystemobject = 0)

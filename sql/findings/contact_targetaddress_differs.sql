-- title: targetAddress of a contact differs from its mail
-- meaning: targetAddress of a contact is not SMTP: and its mail, whatever their case. The AD value is targetAddress.
--   IdFix: MailMatch. One row per AD contact.
-- family: idfix
-- severity: medium
-- fix: Decide which of both is right and set the other.
-- source: https://learn.microsoft.com/microsoft-365/enterprise/prepare-for-directory-synchronization
select
    'ad_contact' as object_type,
    k.guid as object_key,
    coalesce(k.displayname, k.cn) as object_name,
    'targetAddress' as attribute,
    null as hr_value,
    k.targetaddress as ad_value,
    null as entra_value
from ad_contact as k
where
    k.targetaddress is not null
    and k.mail_key is not null
    and (
        k.targetaddress_key is null
        or k.targetaddress_key <> k.mail_key
        or upper(substring(k.targetaddress, 1, 5)) <> 'SMTP:'
    )

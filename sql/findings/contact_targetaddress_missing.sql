-- title: Contact without targetAddress
-- meaning: A contact with mail has no targetAddress: mail to it cannot be forwarded. IdFix: Blank. One row per AD
--   contact.
-- family: idfix
-- severity: medium
-- fix: Set targetAddress to SMTP: and the address of mail.
-- source: https://learn.microsoft.com/microsoft-365/enterprise/prepare-for-directory-synchronization
select
    'ad_contact' as object_type,
    k.guid as object_key,
    coalesce(k.displayname, k.cn) as object_name,
    'targetAddress' as attribute,
    null as hr_value,
    k.mail as ad_value,
    null as entra_value
from ad_contact as k
where k.mail is not null and k.targetaddress is null

-- title: Certificate mapping that cannot be read
-- meaning: A value of altSecurityIdentities begins with X509: and has none of the six forms, or a serial number,
--   key identifier or hash in it that is no hexadecimal number of whole bytes: it maps nobody. One row per account
--   and value.
-- family: certificates
-- severity: medium
-- fix: Write the mapping again; recon decode certmap says what is wrong with it, and makes it from a certificate.
-- source: https://support.microsoft.com/topic/kb5014754-certificate-based-authentication-changes-on-windows-domain-controllers-ad2c23b0-15d4-4340-a468-4d4f3b188f16
-- identity: ad_value
select
    'ad_user' as object_type,
    a.guid as object_key,
    coalesce(a.userprincipalname, a.samaccountname, a.cn) as object_name,
    'altSecurityIdentities' as attribute,
    null as hr_value,
    m.value as ad_value,
    null as entra_value
from ad_user_altsecurityidentity as m
inner join ad_user as a on a.guid = m.guid and a.source_id = m.source_id
where m.kind = 'malformed'
union all
select
    'ad_computer' as object_type,
    c.guid as object_key,
    coalesce(c.dnshostname, c.samaccountname, c.cn) as object_name,
    'altSecurityIdentities' as attribute,
    null as hr_value,
    m.value as ad_value,
    null as entra_value
from ad_computer_altsecurityidentity as m
inner join ad_computer as c on c.guid = m.guid and c.source_id = m.source_id
where m.kind = 'malformed'

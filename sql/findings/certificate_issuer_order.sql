-- title: Issuer of a certificate mapping in the wrong order
-- meaning: The issuer in a strong mapping (issuer and serial number) of altSecurityIdentities begins with the
--   authority's own name and ends with the root: it is written root first, so this value maps nobody. The AD value
--   is what to write instead, provided that the serial number was reversed by byte. One row per account and value.
-- family: certificates
-- severity: medium
-- fix: Replace the value by the one shown after comparing the serial number with the certificate's, byte by byte
--   from the end.
-- source: https://support.microsoft.com/topic/kb5014754-certificate-based-authentication-changes-on-windows-domain-controllers-ad2c23b0-15d4-4340-a468-4d4f3b188f16
-- identity: ad_value
select
    'ad_user' as object_type,
    a.guid as object_key,
    coalesce(a.userprincipalname, a.samaccountname, a.cn) as object_name,
    'altSecurityIdentities' as attribute,
    null as hr_value,
    m.strong_value as ad_value,
    null as entra_value
from ad_user_altsecurityidentity as m
inner join ad_user as a on a.guid = m.guid and a.source_id = m.source_id
where m.strong_value is not null
union all
select
    'ad_computer' as object_type,
    c.guid as object_key,
    coalesce(c.dnshostname, c.samaccountname, c.cn) as object_name,
    'altSecurityIdentities' as attribute,
    null as hr_value,
    m.strong_value as ad_value,
    null as entra_value
from ad_computer_altsecurityidentity as m
inner join ad_computer as c on c.guid = m.guid and c.source_id = m.source_id
where m.strong_value is not null

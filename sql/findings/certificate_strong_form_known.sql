-- title: Strong certificate mapping that could be written
-- meaning: An enabled user has weak certificate mappings and no strong one that maps (see certificate_issuer_order),
--   and a certificate in userCertificate that has not expired and carries no SID: its issuer and serial number are
--   known. The AD value is the strong mapping (X509IssuerSerialNumber, issuer root first, serial number reversed by
--   byte). Asks for [ad] attributes = ["userCertificate"]. One row per user and certificate.
-- family: certificates
-- severity: info
-- fix: Write the value shown to altSecurityIdentities if this is the certificate that the user signs in with, then
--   remove the weak values.
-- source: https://support.microsoft.com/topic/kb5014754-certificate-based-authentication-changes-on-windows-domain-controllers-ad2c23b0-15d4-4340-a468-4d4f3b188f16
-- identity: ad_value
select
    'ad_user' as object_type,
    a.guid as object_key,
    coalesce(a.userprincipalname, a.samaccountname, a.cn) as object_name,
    'altSecurityIdentities' as attribute,
    null as hr_value,
    c.strong_value as ad_value,
    null as entra_value
from ad_user_certificate as c
inner join ad_user as a on a.guid = c.guid and a.source_id = c.source_id
cross join clock as k
where
    a.is_enabled = 1
    and c.sid is null
    and c.strong_value is not null
    and c.not_after > k.as_of
    and exists (
        select 1
        from ad_user_altsecurityidentity as m
        where m.source_id = a.source_id and m.guid = a.guid and m.strength = 'weak'
    )
    and not exists (
        select 1
        from ad_user_altsecurityidentity as m
        where m.source_id = a.source_id and m.guid = a.guid and m.strength = 'strong' and m.strong_value is null
    )

-- title: Account with weak certificate mappings alone
-- meaning: A user or computer that is not privileged (adminCount 1, a domain controller) has certificate mappings in
--   altSecurityIdentities that are weak (issuer and subject, subject alone, mail address), and no strong one that maps
--   (see certificate_issuer_order): domain controllers refuse them unless the certificate itself carries the account's
--   SID, which AD cannot tell. Disabled accounts are left out. One row per account and weak value.
-- family: certificates
-- severity: high
-- fix: Write X509IssuerSerialNumber instead (recon decode certmap makes it from the certificate), or issue the
--   certificate again with the SID extension, then remove the weak value. See docs/certificate-mapping.md.
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
where
    m.strength = 'weak'
    and (a.is_enabled is null or a.is_enabled = 1)
    and coalesce(a.admincount, 0) <> 1
    and not exists (
        select 1
        from ad_user_altsecurityidentity as s
        where s.source_id = m.source_id and s.guid = m.guid and s.strength = 'strong' and s.strong_value is null
    )
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
where
    m.strength = 'weak'
    and (c.is_enabled is null or c.is_enabled = 1)
    and coalesce(c.admincount, 0) <> 1
    and (c.useraccountcontrol is null or (c.useraccountcontrol & 8192) = 0)
    and not exists (
        select 1
        from ad_computer_altsecurityidentity as s
        where s.source_id = m.source_id and s.guid = m.guid and s.strength = 'strong' and s.strong_value is null
    )

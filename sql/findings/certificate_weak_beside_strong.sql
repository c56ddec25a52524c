-- title: Weak certificate mapping beside a strong one
-- meaning: An account has a strong certificate mapping in altSecurityIdentities, its issuer in the right order, and a
--   weak one beside it: the weak one no longer serves anybody, and says who else may try. Disabled accounts count too.
--   One row per account and weak value.
-- family: certificates
-- severity: low
-- fix: Remove the weak value.
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
    and exists (
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
    and exists (
        select 1
        from ad_computer_altsecurityidentity as s
        where s.source_id = m.source_id and s.guid = m.guid and s.strength = 'strong' and s.strong_value is null
    )

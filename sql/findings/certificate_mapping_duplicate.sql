-- title: Certificate mapping of several accounts
-- meaning: Several users or computers have the same value in altSecurityIdentities, whatever its case: one
--   certificate would sign in as any of them, and a domain controller cannot choose. Domains that feed one tenant
--   count together, an object that stands in two sources while it moves counts once; Kerberos: values count too,
--   values over 450 characters do not. One row per account and value.
-- family: certificates
-- severity: high
-- fix: Leave the mapping at the one account that the certificate belongs to.
-- source: https://support.microsoft.com/topic/kb5014754-certificate-based-authentication-changes-on-windows-domain-controllers-ad2c23b0-15d4-4340-a468-4d4f3b188f16
-- identity: ad_value
with together as (
    select one.ad_source_id as source_id, other.ad_source_id as other_id
    from source_link as one
    inner join source_link as other on other.entra_source_id = one.entra_source_id
    where one.ad_source_id is not null and other.ad_source_id is not null
    union
    select s.source_id, s.source_id
    from source as s
    where s.kind = 'ad'
),

carried as (
    select 'ad_user' as object_type, m.source_id, m.guid, m.value_key, m.value
    from ad_user_altsecurityidentity as m
    where m.value_key is not null
    union all
    select 'ad_computer' as object_type, m.source_id, m.guid, m.value_key, m.value
    from ad_computer_altsecurityidentity as m
    where m.value_key is not null
),

shared as (
    select t.source_id, v.value_key
    from together as t
    inner join carried as v on v.source_id = t.other_id
    group by t.source_id, v.value_key
    having count(distinct v.guid) > 1
)

select
    v.object_type,
    v.guid as object_key,
    coalesce(a.userprincipalname, a.samaccountname, a.cn, c.dnshostname, c.samaccountname, c.cn) as object_name,
    'altSecurityIdentities' as attribute,
    null as hr_value,
    v.value as ad_value,
    null as entra_value
from carried as v
inner join shared as s on s.source_id = v.source_id and s.value_key = v.value_key
left join ad_user as a on a.source_id = v.source_id and a.guid = v.guid
left join ad_computer as c on c.source_id = v.source_id and c.guid = v.guid

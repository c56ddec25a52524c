-- title: Certificate mappings, decoded
-- meaning: Every value of altSecurityIdentities of users and computers: its kind, weak or strong (KB5014754), what it
--   names, and what to write instead where that is known. Implicit mappings (a SID in the certificate) are not in AD.
--   One row per account and value.
select
    'ad_user' as object_type,
    m.source_id,
    m.guid,
    coalesce(u.userprincipalname, u.samaccountname, u.cn) as object_name,
    u.is_enabled,
    u.admincount,
    m.position,
    m.value,
    m.kind,
    m.strength,
    m.issuer,
    m.subject,
    m.serial,
    m.strong_value
from ad_user_altsecurityidentity as m
inner join ad_user as u on u.guid = m.guid and u.source_id = m.source_id
union all
select
    'ad_computer' as object_type,
    m.source_id,
    m.guid,
    coalesce(u.dnshostname, u.samaccountname, u.cn) as object_name,
    u.is_enabled,
    u.admincount,
    m.position,
    m.value,
    m.kind,
    m.strength,
    m.issuer,
    m.subject,
    m.serial,
    m.strong_value
from ad_computer_altsecurityidentity as m
inner join ad_computer as u on u.guid = m.guid and u.source_id = m.source_id

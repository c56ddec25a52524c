-- title: Certificate of another account
-- meaning: A certificate in userCertificate that has not expired carries a SID (extension 1.3.6.1.4.1.311.25.2, or
--   the tag in subjectAltName) that is not the user's: signing in with it is refused (event 41). The AD value is
--   that SID. Usual after a move between domains. Asks for [ad] attributes = ["userCertificate"]. One row per user
--   and SID.
-- family: certificates
-- severity: medium
-- fix: Issue the certificate again for the account as it is now, and remove the old one.
-- source: https://support.microsoft.com/topic/kb5014754-certificate-based-authentication-changes-on-windows-domain-controllers-ad2c23b0-15d4-4340-a468-4d4f3b188f16
-- identity: ad_value
select
    'ad_user' as object_type,
    a.guid as object_key,
    coalesce(a.userprincipalname, a.samaccountname, a.cn) as object_name,
    'userCertificate' as attribute,
    null as hr_value,
    c.sid as ad_value,
    null as entra_value
from ad_user_certificate as c
inner join ad_user as a on a.guid = c.guid and a.source_id = c.source_id
cross join clock as k
where c.sid <> a.sid and c.not_after > k.as_of
group by a.source_id, a.guid, a.userprincipalname, a.samaccountname, a.cn, c.sid

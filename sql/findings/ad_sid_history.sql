-- title: SID of another account in sIDHistory
-- meaning: An enabled AD user carries the SID of another account (sIDHistory), and with it that account's access:
--   left over from a migration, or planted. The AD value is that SID. One row per AD user and SID.
-- family: account
-- severity: low
-- fix: Give the access to the user itself and clear sIDHistory; a SID of the user's own domain there is never
--   right.
-- source: https://learn.microsoft.com/windows/win32/adschema/a-sidhistory
-- identity: ad_value
select
    'ad_user' as object_type,
    a.guid as object_key,
    coalesce(a.userprincipalname, a.samaccountname, a.cn) as object_name,
    'sIDHistory' as attribute,
    null as hr_value,
    h.value as ad_value,
    null as entra_value
from ad_user_sidhistory as h
inner join ad_user as a on a.guid = h.guid and a.source_id = h.source_id
where a.is_enabled = 1

-- title: Privileged SID in sIDHistory
-- meaning: An AD user, disabled or not, carries the SID of a privileged account or group (sIDHistory): at a sign-in
--   it has that group's rights, and is in no member list. The AD value is that SID. It is known by its last number:
--   500 Administrator, 512 Domain Admins, 516 Domain Controllers, 518 Schema Admins, 519 Enterprise Admins, 520 Group
--   Policy Creator Owners, 526 Key Admins, 527 Enterprise Key Admins, and of S-1-5-32 544 Administrators, 548 to 551
--   the operators, 552 Replicator. What is enabled is in ad_sid_history too. One row per AD user and SID.
-- family: account
-- severity: critical
-- fix: Find out who wrote it (a migration takes along users, not these SIDs), clear the value, and treat the account as
--   taken over until it is explained.
-- source: https://attack.mitre.org/techniques/T1134/005/
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
where
    h.value in (
        'S-1-5-32-544', 'S-1-5-32-548', 'S-1-5-32-549', 'S-1-5-32-550', 'S-1-5-32-551', 'S-1-5-32-552'
    )
    or (
        h.value like 'S-1-5-21-%-%-%-%'
        and h.value not like 'S-1-5-21-%-%-%-%-%'
        and (
            h.value like '%-500'
            or h.value like '%-512'
            or h.value like '%-516'
            or h.value like '%-518'
            or h.value like '%-519'
            or h.value like '%-520'
            or h.value like '%-526'
            or h.value like '%-527'
        )
    )

-- title: Role of the synchronization service given to everybody
-- meaning: A role of MIM, FIM or Entra Connect sync is held by Everyone, Authenticated Users, Users, Domain Users or
--   Guests. One row per role.
-- severity: critical
-- family: mim
-- default: on
-- fix: Give the role to a group of its own: its members can read or set what the service synchronizes.
-- source: mms_server_configuration; well-known SIDs, [MS-DTYP] 2.4.2.4
select
    'mim_role' as object_type,
    r.role as object_key,
    s.name as object_name,
    'sid' as attribute,
    null as hr_value,
    r.sid as ad_value,
    null as entra_value
from mim_role as r
inner join source as s on r.source_id = s.source_id
where
    r.sid in ('S-1-1-0', 'S-1-5-11', 'S-1-5-32-545', 'S-1-5-32-546', 'S-1-5-7')
    or r.rid in (513, 514)

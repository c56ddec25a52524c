-- title: Role of the synchronization service given to everybody
-- meaning: A role of MIM, FIM or Entra Connect sync is held by Everyone, Authenticated Users, Users, Domain Users or
--   Guests. Where several services have the role, the object is the role with its service's name. One row per role.
-- severity: critical
-- family: mim
-- default: on
-- fix: Give the role to a group of its own: its members can read or set what the service synchronizes.
-- source: mms_server_configuration; well-known SIDs, [MS-DTYP] 2.4.2.4
with repeated as (
    select o.role
    from mim_role as o
    group by o.role
    having count(*) > 1
)

select
    'mim_role' as object_type,
    case
        when t.role is null then r.role
        else replace(replace('[id] ([source])', '[id]', r.role), '[source]', s.name)
    end as object_key,
    s.name as object_name,
    'sid' as attribute,
    null as hr_value,
    r.sid as ad_value,
    null as entra_value
from mim_role as r
inner join source as s on r.source_id = s.source_id
left join repeated as t on t.role = r.role
where
    r.sid in ('S-1-1-0', 'S-1-5-11', 'S-1-5-32-545', 'S-1-5-32-546', 'S-1-5-7')
    or r.rid in (513, 514)

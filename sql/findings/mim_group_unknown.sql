-- title: Role group of the synchronization service not found
-- meaning: A role of MIM, FIM or Entra Connect sync is held by a SID that no loaded group, user or well-known SID has:
--   a local group of the server, another domain, or a group that was deleted. Where several services have
--   the role, the object is the role with its service's name. One row per role.
-- severity: low
-- family: mim
-- fix: Load the domain of the group, or look the SID up on the server; a deleted group leaves nobody in the role.
-- source: mms_server_configuration, its five columns *_sid
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
    not exists (select 1 from ad_group as g where g.sid = r.sid)
    and not exists (select 1 from ad_user as u where u.sid = r.sid)
    and not exists (select 1 from well_known_sid as w where w.sid = r.sid)
    and not exists (
        select 1
        from well_known_sid as d
        where d.kind = 'domain' and d.rid = r.rid
    )

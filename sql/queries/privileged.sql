-- title: Who is privileged in Entra ID
-- meaning: Every holder of a directory role, active or eligible, and the members of the groups that hold one: such
--   groups may not contain groups, so one step is all there is. One row per role, holder, way of holding it and group.
-- note: fill the tables with "roles" in [entra] objects; without the licence for eligible roles they are not read.
with holder as (
    select
        m.source_id,
        m.id as role_id,
        m.is_eligible,
        m.member_id,
        m.member_type,
        'direct' as way,
        null as group_id
    from entra_role_member as m

    union all

    select
        m.source_id,
        m.id as role_id,
        m.is_eligible,
        g.member_id,
        g.member_type,
        'group' as way,
        g.id as group_id
    from entra_role_member as m
    inner join entra_member as g on g.source_id = m.source_id and g.id = m.member_id
)

select
    s.name as source_name,
    h.role_id,
    r.displayname as role_name,
    h.is_eligible,
    h.way,
    h.group_id,
    g.displayname as group_name,
    h.member_type,
    h.member_id,
    coalesce(u.userprincipalname, t.displayname) as member_name,
    u.displayname,
    u.is_enabled,
    u.is_synced,
    u.is_guest
from holder as h
inner join source as s on s.source_id = h.source_id
left join entra_role as r on r.source_id = h.source_id and r.id = h.role_id
left join entra_group as g on g.source_id = h.source_id and g.id = h.group_id
left join entra_user as u on u.source_id = h.source_id and u.id = h.member_id
left join entra_group as t on t.source_id = h.source_id and t.id = h.member_id
order by
    s.name,
    coalesce(r.displayname, ''),
    h.role_id,
    h.way,
    coalesce(g.displayname, ''),
    h.group_id,
    h.member_id,
    h.is_eligible

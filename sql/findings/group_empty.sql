-- title: Empty group
-- meaning: An AD group without members that is nobody's primary group, or a group of the cloud without members and
--   without a membership rule. Built-in and critical AD groups are left out; a synced group is reported in AD alone.
--   One row per group.
-- family: groups
-- severity: low
-- fix: Ask the owner whether it is still used, and delete it where it is not.
-- source: https://learn.microsoft.com/graph/api/group-list-members
select
    'ad_group' as object_type,
    g.guid as object_key,
    coalesce(g.samaccountname, g.cn) as object_name,
    'member' as attribute,
    null as hr_value,
    '0' as ad_value,
    null as entra_value
from ad_group as g
where
    g.member_count = 0
    and (g.grouptype is null or (g.grouptype & 1) = 0)
    and (g.iscriticalsystemobject is null or g.iscriticalsystemobject = 0)
    and not exists (
        select 1
        from ad_user as a
        where a.primarygroupid = g.rid and a.source_id = g.source_id
    )
    and not exists (
        select 1
        from ad_computer as a
        where a.primarygroupid = g.rid and a.source_id = g.source_id
    )
union all
select
    'entra_group',
    e.id,
    e.displayname,
    'members',
    null,
    null,
    '0'
from entra_group as e
where e.member_count = 0 and (e.is_dynamic is null or e.is_dynamic = 0) and (e.is_synced is null or e.is_synced = 0)

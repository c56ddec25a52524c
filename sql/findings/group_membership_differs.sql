-- title: Members differ between AD and Entra
-- meaning: A synced group and its AD group (same SID) do not have the same direct members. Looked at are users that
--   are matched and synced, and groups that are synced; a group that changed between the two loads is left out. The
--   value stands on the side that has the member. One row per group and member.
-- family: groups
-- severity: medium
-- fix: Look for a provisioning error of the group, a scope that leaves the member out, or a limit on its size.
-- source: https://learn.microsoft.com/entra/identity/hybrid/connect/how-to-connect-sync-configure-filtering
-- identity: ad_value, entra_value
with group_pair as (
    select g.source_id as ad_source_id, g.guid, e.source_id as entra_source_id, e.id, e.displayname
    from entra_group as e
    inner join ad_group as g on g.sid = e.sid
    inner join source_link as l on l.ad_source_id = g.source_id and l.entra_source_id = e.source_id
    inner join source as sa on sa.source_id = g.source_id
    inner join source as se on se.source_id = e.source_id
    where
        e.is_synced = 1
        and (e.onpremiseslastsyncdatetime is null or e.onpremiseslastsyncdatetime <= sa.load_started_at)
        and (g.whenchanged is null or g.whenchanged <= se.change_cutoff_at)
    group by g.source_id, g.guid, e.source_id, e.id, e.displayname
),

-- members whom the other side knows too, under the key that they have there
ad_side as (
    select q.entra_source_id, q.id, p.entra_id as member_id, p.entra_userprincipalname as name
    from group_pair as q
    inner join ad_member as m on m.guid = q.guid and m.source_id = q.ad_source_id
    inner join ad_user as a on a.dn_key = m.member_key
    inner join pair as p on p.ad_row_id = a.row_id
    where p.entra_source_id = q.entra_source_id and p.entra_is_synced = 1 and p.is_in_skew = 0
    union all
    select q.entra_source_id, q.id, i.id, i.displayname
    from group_pair as q
    inner join ad_member as m on m.guid = q.guid and m.source_id = q.ad_source_id
    inner join ad_group as g on g.dn_key = m.member_key
    inner join group_pair as i
        on i.guid = g.guid and i.ad_source_id = g.source_id and i.entra_source_id = q.entra_source_id
),

entra_side as (
    select q.ad_source_id, q.guid, q.entra_source_id, q.id, a.dn_key, p.entra_userprincipalname as name
    from group_pair as q
    inner join entra_member as m on m.id = q.id and m.source_id = q.entra_source_id
    inner join entra_user as u on u.id = m.member_id and u.source_id = m.source_id
    inner join pair as p on p.entra_row_id = u.row_id
    inner join ad_user as a on a.row_id = p.ad_row_id
    where p.entra_is_synced = 1 and p.is_in_skew = 0
    union all
    select q.ad_source_id, q.guid, q.entra_source_id, q.id, g.dn_key, i.displayname
    from group_pair as q
    inner join entra_member as m on m.id = q.id and m.source_id = q.entra_source_id
    inner join group_pair as i on i.id = m.member_id and i.entra_source_id = m.source_id
    inner join ad_group as g on g.guid = i.guid and g.source_id = i.ad_source_id
),

only_ad as (
    select s.entra_source_id, s.id, s.name
    from ad_side as s
    where not exists (
        select 1
        from entra_member as x
        where x.id = s.id and x.member_id = s.member_id and x.source_id = s.entra_source_id
    )
),

only_entra as (
    select s.entra_source_id, s.id, s.name
    from entra_side as s
    where not exists (
        select 1
        from ad_member as x
        where x.guid = s.guid and x.member_key = s.dn_key and x.source_id = s.ad_source_id
    )
)

select
    'entra_group' as object_type,
    e.id as object_key,
    e.displayname as object_name,
    'member' as attribute,
    null as hr_value,
    d.name as ad_value,
    null as entra_value
from only_ad as d
inner join entra_group as e on e.id = d.id and e.source_id = d.entra_source_id
union all
select
    'entra_group',
    e.id,
    e.displayname,
    'member',
    null,
    null,
    d.name
from only_entra as d
inner join entra_group as e on e.id = d.id and e.source_id = d.entra_source_id

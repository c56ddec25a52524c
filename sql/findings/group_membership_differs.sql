-- title: Members differ between AD and Entra
-- meaning: A synced group and its AD group (same SID) do not have the same direct members. Looked at are users that
--   are matched and synced, and groups that are synced; a group that changed between the two loads is left out. The
--   value stands on the side that has the member, and is its distinguished name in AD. One row per group and member.
-- family: groups
-- severity: medium
-- fix: Look for a provisioning error of the group, a scope that leaves the member out, or a limit on its size.
-- source: https://learn.microsoft.com/entra/identity/hybrid/connect/how-to-connect-sync-configure-filtering
-- identity: ad_value, entra_value
with member as (
    -- every member that both sides can know, once for each side that has it
    select q.ad_row_id, q.entra_row_id, 0 as is_group, p.ad_row_id as member_row_id, 1 as is_in_ad
    from group_pair as q
    inner join ad_member as m on m.guid = q.ad_guid and m.source_id = q.ad_source_id
    inner join pair as p on p.ad_dn_key = m.member_key and p.entra_source_id = q.entra_source_id
    where q.is_in_skew = 0 and p.entra_is_synced = 1 and p.is_in_skew = 0
    union all
    select q.ad_row_id, q.entra_row_id, 0, p.ad_row_id, 0
    from group_pair as q
    inner join entra_member as m on m.id = q.entra_id and m.source_id = q.entra_source_id
    inner join pair as p on p.entra_id = m.member_id and p.entra_source_id = m.source_id
    where q.is_in_skew = 0 and p.entra_is_synced = 1 and p.is_in_skew = 0
    union all
    select q.ad_row_id, q.entra_row_id, 1, i.ad_row_id, 1
    from group_pair as q
    inner join ad_member as m on m.guid = q.ad_guid and m.source_id = q.ad_source_id
    inner join group_pair as i on i.ad_dn_key = m.member_key and i.entra_source_id = q.entra_source_id
    where q.is_in_skew = 0 and i.is_in_skew = 0
    union all
    select q.ad_row_id, q.entra_row_id, 1, i.ad_row_id, 0
    from group_pair as q
    inner join entra_member as m on m.id = q.entra_id and m.source_id = q.entra_source_id
    inner join group_pair as i on i.entra_id = m.member_id and i.entra_source_id = m.source_id
    where q.is_in_skew = 0 and i.is_in_skew = 0
),

lone as (
    select m.ad_row_id, m.entra_row_id, m.is_group, m.member_row_id, max(m.is_in_ad) as is_in_ad
    from member as m
    group by m.ad_row_id, m.entra_row_id, m.is_group, m.member_row_id
    having min(m.is_in_ad) = max(m.is_in_ad)
)

select
    'entra_group' as object_type,
    q.entra_id as object_key,
    q.entra_displayname as object_name,
    'member' as attribute,
    null as hr_value,
    case when n.is_in_ad = 1 then coalesce(a.distinguishedname, g.distinguishedname) end as ad_value,
    case when n.is_in_ad = 0 then coalesce(a.distinguishedname, g.distinguishedname) end as entra_value
from lone as n
inner join group_pair as q on q.ad_row_id = n.ad_row_id and q.entra_row_id = n.entra_row_id
left join ad_user as a on n.is_group = 0 and a.row_id = n.member_row_id
left join ad_group as g on n.is_group = 1 and g.row_id = n.member_row_id

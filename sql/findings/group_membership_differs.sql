-- title: Members differ between AD and Entra
-- meaning: A synced group and its AD group (same SID) do not have the same direct members. Looked at are users that
--   are matched and synced, and groups that are synced; a group that changed between the two loads is left out. The
--   value stands on the side that has the member, and is its distinguished name in AD. One row per group and member.
-- family: groups
-- severity: medium
-- fix: Look for a provisioning error of the group, a scope that leaves the member out, or a limit on its size.
-- source: https://learn.microsoft.com/entra/identity/hybrid/connect/how-to-connect-sync-configure-filtering
-- identity: ad_value, entra_value
with ad_side as (
    -- members whom the other side knows too, under the key that they have there
    select
        q.entra_source_id,
        q.entra_id as id,
        q.entra_displayname as group_name,
        p.entra_id as member_id,
        p.ad_distinguishedname as name
    from group_pair as q
    inner join ad_member as m on m.guid = q.ad_guid and m.source_id = q.ad_source_id
    inner join pair as p on p.ad_dn_key = m.member_key and p.entra_source_id = q.entra_source_id
    where q.is_in_skew = 0 and p.entra_is_synced = 1 and p.is_in_skew = 0
    union all
    select q.entra_source_id, q.entra_id, q.entra_displayname, i.entra_id, g.distinguishedname
    from group_pair as q
    inner join ad_member as m on m.guid = q.ad_guid and m.source_id = q.ad_source_id
    inner join group_pair as i on i.ad_dn_key = m.member_key and i.entra_source_id = q.entra_source_id
    inner join ad_group as g on g.row_id = i.ad_row_id
    where q.is_in_skew = 0 and i.is_in_skew = 0
),

entra_side as (
    select
        q.ad_source_id,
        q.ad_guid,
        q.entra_source_id,
        q.entra_id as id,
        q.entra_displayname as group_name,
        p.ad_dn_key as dn_key,
        p.ad_distinguishedname as name
    from group_pair as q
    inner join entra_member as m on m.id = q.entra_id and m.source_id = q.entra_source_id
    inner join pair as p on p.entra_id = m.member_id and p.entra_source_id = m.source_id
    where q.is_in_skew = 0 and p.entra_is_synced = 1 and p.is_in_skew = 0
    union all
    select
        q.ad_source_id,
        q.ad_guid,
        q.entra_source_id,
        q.entra_id,
        q.entra_displayname,
        i.ad_dn_key,
        g.distinguishedname
    from group_pair as q
    inner join entra_member as m on m.id = q.entra_id and m.source_id = q.entra_source_id
    inner join group_pair as i on i.entra_id = m.member_id and i.entra_source_id = m.source_id
    inner join ad_group as g on g.row_id = i.ad_row_id
    where q.is_in_skew = 0 and i.is_in_skew = 0
),

only_ad as (
    select s.id, s.group_name, s.name
    from ad_side as s
    where not exists (
        select 1
        from entra_member as x
        where x.id = s.id and x.member_id = s.member_id and x.source_id = s.entra_source_id
    )
),

only_entra as (
    select s.id, s.group_name, s.name
    from entra_side as s
    where not exists (
        select 1
        from ad_member as x
        where x.guid = s.ad_guid and x.member_key = s.dn_key and x.source_id = s.ad_source_id
    )
)

select
    'entra_group' as object_type,
    d.id as object_key,
    d.group_name as object_name,
    'member' as attribute,
    null as hr_value,
    d.name as ad_value,
    null as entra_value
from only_ad as d
union
select
    'entra_group',
    d.id,
    d.group_name,
    'member',
    null,
    null,
    d.name
from only_entra as d

-- title: Nested members differ between AD and Entra
-- meaning: The matched, synced users that are in a synced group through nested groups (two steps or more) are not
--   the same in AD and in Entra, direct members aside. The values are how many such users one side has and the other
--   has not at all. A group that changed between the two loads is left out. One row per group.
-- family: groups
-- severity: medium
-- fix: See group_membership_differs for the groups inside it; a group inside it may not be synchronized.
-- source: https://learn.microsoft.com/entra/identity/hybrid/connect/how-to-connect-sync-configure-filtering
with group_pair as (
    select g.source_id as ad_source_id, g.guid, e.source_id as entra_source_id, e.id
    from entra_group as e
    inner join ad_group as g on g.sid = e.sid
    inner join source_link as l on l.ad_source_id = g.source_id and l.entra_source_id = e.source_id
    inner join source as sa on sa.source_id = g.source_id
    inner join source as se on se.source_id = e.source_id
    where
        e.is_synced = 1
        and (e.onpremiseslastsyncdatetime is null or e.onpremiseslastsyncdatetime <= sa.load_started_at)
        and (g.whenchanged is null or g.whenchanged <= se.change_cutoff_at)
    group by g.source_id, g.guid, e.source_id, e.id
),

-- users in them by two steps or more, under the key that the other side has
ad_side as (
    select q.entra_source_id, q.id, p.entra_id as member_id
    from group_pair as q
    inner join ad_member_closure as c on c.guid = q.guid and c.source_id = q.ad_source_id
    inner join ad_user as a on a.dn_key = c.member_key
    inner join pair as p on p.ad_row_id = a.row_id
    where c.depth > 1 and p.entra_source_id = q.entra_source_id and p.entra_is_synced = 1 and p.is_in_skew = 0
),

entra_side as (
    select q.ad_source_id, q.guid, q.entra_source_id, q.id, a.dn_key
    from group_pair as q
    inner join entra_member_closure as c on c.id = q.id and c.source_id = q.entra_source_id
    inner join entra_user as u on u.id = c.member_id and u.source_id = c.source_id
    inner join pair as p on p.entra_row_id = u.row_id
    inner join ad_user as a on a.row_id = p.ad_row_id
    where c.depth > 1 and p.entra_is_synced = 1 and p.is_in_skew = 0
),

differing as (
    select s.entra_source_id, s.id, 1 as in_ad, 0 as in_entra
    from ad_side as s
    where not exists (
        select 1
        from entra_member_closure as x
        where x.id = s.id and x.member_id = s.member_id and x.source_id = s.entra_source_id
    )
    union all
    select s.entra_source_id, s.id, 0, 1
    from entra_side as s
    where not exists (
        select 1
        from ad_member_closure as x
        where x.guid = s.guid and x.member_key = s.dn_key and x.source_id = s.ad_source_id
    )
),

differing_group as (
    select d.entra_source_id, d.id, sum(d.in_ad) as only_ad, sum(d.in_entra) as only_entra
    from differing as d
    group by d.entra_source_id, d.id
)

select
    'entra_group' as object_type,
    e.id as object_key,
    e.displayname as object_name,
    'member' as attribute,
    null as hr_value,
    cast(d.only_ad as varchar(11)) as ad_value,
    cast(d.only_entra as varchar(11)) as entra_value
from differing_group as d
inner join entra_group as e on e.id = d.id and e.source_id = d.entra_source_id

-- title: Nested members differ between AD and Entra
-- meaning: The matched, synced users that are in a synced group through nested groups (two steps or more) are not
--   the same in AD and in Entra, direct members aside. The values are how many such users one side has and the other
--   has not at all. A group that changed between the two loads is left out. One row per group.
-- family: groups
-- severity: medium
-- fix: See group_membership_differs for the groups inside it; a group inside it may not be synchronized.
-- source: https://learn.microsoft.com/entra/identity/hybrid/connect/how-to-connect-sync-configure-filtering
with ad_side as (
    -- users in them by two steps or more, under the key that the other side has
    select q.entra_source_id, q.entra_id as id, p.entra_id as member_id
    from group_pair as q
    inner join ad_member_closure as c on c.guid = q.ad_guid and c.source_id = q.ad_source_id
    inner join pair as p on p.ad_dn_key = c.member_key and p.entra_source_id = q.entra_source_id
    where c.depth > 1 and q.is_in_skew = 0 and p.entra_is_synced = 1 and p.is_in_skew = 0
),

entra_side as (
    select q.ad_source_id, q.ad_guid, q.entra_source_id, q.entra_id as id, p.ad_dn_key as dn_key
    from group_pair as q
    inner join entra_member_closure as c on c.id = q.entra_id and c.source_id = q.entra_source_id
    inner join pair as p on p.entra_id = c.member_id and p.entra_source_id = c.source_id
    where c.depth > 1 and q.is_in_skew = 0 and p.entra_is_synced = 1 and p.is_in_skew = 0
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
        where x.guid = s.ad_guid and x.member_key = s.dn_key and x.source_id = s.ad_source_id
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

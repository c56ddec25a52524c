-- title: Pairs of groups
-- meaning: AD groups and the synced Entra groups of linked sources that have their SID. is_in_skew: the two loads did
--   not see the same moment (Entra synchronised the group after the AD load began, or AD changed the group after the
--   Entra load began less the sync grace), so a difference proves nothing. One row per AD group and Entra group.
select
    g.row_id as ad_row_id,
    e.row_id as entra_row_id,
    g.source_id as ad_source_id,
    e.source_id as entra_source_id,
    g.guid as ad_guid,
    g.dn_key as ad_dn_key,
    e.id as entra_id,
    e.displayname as entra_displayname,
    case
        when e.onpremiseslastsyncdatetime > sa.load_started_at then 1
        when g.whenchanged > se.change_cutoff_at then 1
        else 0
    end as is_in_skew
from entra_group as e
inner join ad_group as g on g.sid = e.sid
inner join source as sa on sa.source_id = g.source_id
inner join source as se on se.source_id = e.source_id
where
    e.is_synced = 1
    and exists (
        select 1
        from source_link as l
        where l.ad_source_id = g.source_id and l.entra_source_id = e.source_id
    )

-- title: Synced in Entra, gone from AD
-- meaning: An Entra user says that it is synchronized from Active Directory, and no linked domain holds its AD user.
--   Left out: users synchronized or created after the AD load began, tenants of which a linked domain has not been
--   loaded, and users of an ambiguous match. One row per Entra user.
-- family: match
-- default: on
-- severity: high
-- fix: Look for the AD object (deleted, moved to a domain that is not loaded, out of the search bases); an orphan is
--   deleted or turned into a cloud user by synchronization, not by hand.
-- source: https://learn.microsoft.com/entra/identity/hybrid/connect/tshoot-connect-objectsync
with linked as (
    select l.ad_source_id, l.entra_source_id
    from source_link as l
    where l.ad_source_id is not null and l.entra_source_id is not null
    group by l.ad_source_id, l.entra_source_id
),

directory as (
    select l.entra_source_id, min(s.load_started_at) as load_started_at
    from linked as l
    inner join source as s on s.source_id = l.ad_source_id
    group by l.entra_source_id
    having count(*) = count(s.load_started_at)
)

select
    'entra_user' as object_type,
    e.id as object_key,
    coalesce(e.userprincipalname, e.displayname) as object_name,
    'onPremisesDistinguishedName' as attribute,
    null as hr_value,
    null as ad_value,
    e.onpremisesdistinguishedname as entra_value
from entra_user as e
inner join directory as d on d.entra_source_id = e.source_id
where
    e.is_synced = 1
    and (e.onpremiseslastsyncdatetime is null or e.onpremiseslastsyncdatetime <= d.load_started_at)
    and (e.createddatetime is null or e.createddatetime <= d.load_started_at)
    and not exists (
        select 1
        from match_candidate as m
        where
            m.entra_row_id = e.row_id
            and m.reason in ('accepted', 'tie_for_ad', 'tie_for_entra', 'tie_for_both')
    )

-- title: Enabled in AD, not in Entra
-- meaning: An enabled AD user has no Entra user in any linked tenant. Left out: critical system objects, objects that
--   AD changed after the Entra load began (less the sync grace), sources of which a linked tenant has not been
--   loaded, and users of an ambiguous match. One row per AD user.
-- family: match
-- default: on
-- severity: medium
-- fix: Check the synchronization scope (OU, group or attribute filter) and export errors; disable the account if
--   nobody needs it.
-- source: https://learn.microsoft.com/entra/identity/hybrid/connect/how-to-connect-sync-configure-filtering
with linked as (
    select l.ad_source_id, l.entra_source_id
    from source_link as l
    where l.ad_source_id is not null and l.entra_source_id is not null
    group by l.ad_source_id, l.entra_source_id
),

cloud as (
    select l.ad_source_id, min(s.change_cutoff_at) as change_cutoff_at
    from linked as l
    inner join source as s on s.source_id = l.entra_source_id
    group by l.ad_source_id
    having count(*) = count(s.change_cutoff_at)
)

select
    'ad_user' as object_type,
    a.guid as object_key,
    coalesce(a.userprincipalname, a.samaccountname, a.cn) as object_name,
    'distinguishedName' as attribute,
    null as hr_value,
    a.distinguishedname as ad_value,
    null as entra_value
from ad_user as a
inner join cloud as c on c.ad_source_id = a.source_id
where
    a.is_enabled = 1
    and (a.iscriticalsystemobject is null or a.iscriticalsystemobject = 0)
    and (a.whenchanged is null or a.whenchanged <= c.change_cutoff_at)
    and (a.whencreated is null or a.whencreated <= c.change_cutoff_at)
    and not exists (
        select 1
        from match_candidate as m
        where
            m.ad_row_id = a.row_id
            and m.reason in ('accepted', 'tie_for_ad', 'tie_for_entra', 'tie_for_both')
    )

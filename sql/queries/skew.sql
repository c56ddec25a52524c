-- title: Pairs that are in skew
-- meaning: The pairs that findings leave out, with the times that say why. One row per pair.
select
    p.ad_guid,
    p.entra_id,
    p.entra_userprincipalname,
    p.ad_whenchanged,
    se.change_cutoff_at,
    p.entra_onpremiseslastsyncdatetime,
    sa.load_started_at as ad_load_started_at
from pair as p
inner join source as sa on sa.source_id = p.ad_source_id
inner join source as se on se.source_id = p.entra_source_id
where p.is_in_skew = 1
order by p.entra_id

-- title: Source anchor changed
-- meaning: An earlier load saw another source anchor: onPremisesImmutableId of the Entra user, or mS-DS-
--   ConsistencyGuid (else objectGUID) of the AD user. The anchor is what joins the two for life; a change is a
--   takeover of another object, a move between forests, or a repair by hand. The value shown is the former one. An
--   anchor that was only filled is left out. One row per object and former anchor.
-- family: sync
-- severity: high
-- fix: Find out who changed it and which AD object it leads to now, before anything is written to the user.
-- source: https://learn.microsoft.com/entra/identity/hybrid/connect/plan-connect-design-concepts
-- identity: ad_value, entra_value
select
    'entra_user' as object_type,
    e.id as object_key,
    max(coalesce(e.userprincipalname, e.displayname)) as object_name,
    'onPremisesImmutableId' as attribute,
    null as hr_value,
    null as ad_value,
    h.onpremisesimmutableid as entra_value
from entra_user as e
inner join entra_user_history as h on h.id = e.id and h.source_id = e.source_id
where h.onpremisesimmutableid is not null and h.onpremisesimmutableid <> coalesce(e.onpremisesimmutableid, '')
group by e.source_id, e.id, h.onpremisesimmutableid
union all
select
    'ad_user' as object_type,
    a.guid as object_key,
    max(coalesce(a.userprincipalname, a.samaccountname, a.cn)) as object_name,
    'mS-DS-ConsistencyGuid' as attribute,
    null as hr_value,
    h.immutable_id as ad_value,
    null as entra_value
from ad_user as a
inner join ad_user_history as h on h.guid = a.guid and h.source_id = a.source_id
where h.immutable_id is not null and h.immutable_id <> coalesce(a.immutable_id, '')
group by a.source_id, a.guid, h.immutable_id

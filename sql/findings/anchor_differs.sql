-- title: Source anchor differs
-- meaning: The source anchor that Entra holds leads to another object than the AD user that it matches by another
--   rule; compared byte by byte. A user without anchor is not reported. Pairs whose loads did not see the same moment
--   are left out. One row per pair.
-- family: match
-- default: on
-- severity: high
-- fix: Find out which AD object the anchor belongs to before anything is written to this user.
-- source: https://learn.microsoft.com/entra/identity/hybrid/connect/plan-connect-design-concepts
select
    'entra_user' as object_type,
    p.entra_id as object_key,
    coalesce(p.entra_userprincipalname, p.entra_displayname) as object_name,
    'onPremisesImmutableId' as attribute,
    null as hr_value,
    p.ad_immutable_id as ad_value,
    p.entra_onpremisesimmutableid as entra_value
from pair as p
where p.ad_immutable_id <> p.entra_onpremisesimmutableid and p.is_in_skew = 0

-- title: SID differs
-- meaning: The SID that Entra holds is not that of the AD user that it matches by another rule. A user without SID is
--   not reported. Pairs whose loads did not see the same moment are left out. One row per pair.
-- family: match
-- default: on
-- severity: high
-- fix: Find out whether the person was moved between domains or the wrong two objects were joined.
-- source: https://learn.microsoft.com/graph/api/resources/user
select
    'entra_user' as object_type,
    p.entra_id as object_key,
    coalesce(p.entra_userprincipalname, p.entra_displayname) as object_name,
    'onPremisesSecurityIdentifier' as attribute,
    null as hr_value,
    p.ad_sid as ad_value,
    p.entra_sid as entra_value
from pair as p
where p.ad_sid <> p.entra_sid and p.is_in_skew = 0

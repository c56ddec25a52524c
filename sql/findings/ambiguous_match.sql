-- title: Ambiguous match
-- meaning: Several candidates are equally good for one side, so none is accepted. The AD value is the AD user's name.
--   One row per candidate of such a tie that no better one beats on either side.
-- family: match
-- default: on
-- severity: low
-- fix: Make the anchor, SID or employee id unambiguous; the attribute named is the rule by which they tie.
-- source: https://learn.microsoft.com/entra/identity/hybrid/connect/how-to-connect-install-existing-tenant
-- identity: ad_value
select
    'entra_user' as object_type,
    e.id as object_key,
    coalesce(e.userprincipalname, e.displayname) as object_name,
    case m.rule_number
        when 1 then 'onPremisesImmutableId'
        when 2 then 'onPremisesSecurityIdentifier'
        when 3 then 'employeeId'
        when 4 then 'userPrincipalName'
        else 'mail'
    end as attribute,
    null as hr_value,
    a.distinguishedname as ad_value,
    e.userprincipalname as entra_value
from match_candidate as m
inner join ad_user as a on a.row_id = m.ad_row_id
inner join entra_user as e on e.row_id = m.entra_row_id
where m.reason in ('tie_for_ad', 'tie_for_entra', 'tie_for_both')

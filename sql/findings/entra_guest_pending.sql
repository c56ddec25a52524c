-- title: Invitation never accepted
-- meaning: A guest was invited longer ago than setting stale_days and has not accepted. The Entra value is the day
--   of the invitation. One row per Entra user.
-- family: lifecycle
-- severity: low
-- fix: Delete the guest; whoever still needs it invites again.
-- source: https://learn.microsoft.com/graph/api/resources/user
select
    'entra_user' as object_type,
    e.id as object_key,
    coalesce(e.userprincipalname, e.displayname) as object_name,
    'externalUserState' as attribute,
    null as hr_value,
    null as ad_value,
    substring(cast(e.createddatetime as varchar(26)), 1, 10) as entra_value
from entra_user as e
cross join clock as c
where e.externaluserstate = 'PendingAcceptance' and e.createddatetime < c.stale_before_at

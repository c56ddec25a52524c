-- title: Stale user in Entra
-- meaning: An enabled Entra user that is older than setting stale_days and has not signed in since, in person or
--   through an application; guests and cloud-only users too. Asks for the sign-ins ([entra] objects: signin). The
--   Entra value is the day of the last sign-in in person, empty where there was none. One row per Entra user.
-- family: account
-- severity: medium
-- fix: Block the sign-in, ask the manager or sponsor, and delete the user later.
-- source: https://learn.microsoft.com/graph/api/resources/signinactivity
select
    'entra_user' as object_type,
    e.id as object_key,
    coalesce(e.userprincipalname, e.displayname) as object_name,
    'signInActivity' as attribute,
    null as hr_value,
    null as ad_value,
    substring(cast(s.lastsignindatetime as varchar(26)), 1, 10) as entra_value
from entra_signin as s
inner join entra_user as e on e.id = s.id and e.source_id = s.source_id
cross join clock as c
where
    e.is_enabled = 1
    and e.createddatetime < c.stale_before_at
    and coalesce(s.last_signin_day, 0) < c.stale_before_day
    and coalesce(s.last_noninteractive_signin_day, 0) < c.stale_before_day

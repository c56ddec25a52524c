-- title: Stale in AD and in Entra
-- meaning: A user that is enabled on both sides has not logged on to the domain for longer than setting stale_days
--   (or never, and was created before), and has not signed in to Entra since then either, in person or through an
--   application. Asks for the sign-ins ([entra] objects: signin). lastLogonTimestamp is up to 14 days late. The
--   values are the days of the last logon and sign-in. One row per pair.
-- family: account
-- severity: medium
-- fix: Nobody works with the account: disable it in AD, ask the manager, and delete it later.
-- source: https://learn.microsoft.com/graph/api/resources/signinactivity
select
    'entra_user' as object_type,
    p.entra_id as object_key,
    coalesce(p.entra_userprincipalname, p.entra_displayname) as object_name,
    'signInActivity' as attribute,
    null as hr_value,
    substring(cast(a.last_logon_at as varchar(26)), 1, 10) as ad_value,
    substring(cast(s.lastsignindatetime as varchar(26)), 1, 10) as entra_value
from pair as p
inner join ad_user as a on a.row_id = p.ad_row_id
inner join entra_signin as s on s.id = p.entra_id and s.source_id = p.entra_source_id
inner join entra_user as e on e.row_id = p.entra_row_id
cross join clock as c
where
    p.ad_is_enabled = 1
    and p.entra_is_enabled = 1
    and (a.last_logon_day < c.stale_before_day or (a.last_logon_day is null and a.whencreated < c.stale_before_at))
    and coalesce(s.last_signin_day, 0) < c.stale_before_day
    and coalesce(s.last_noninteractive_signin_day, 0) < c.stale_before_day
    and e.createddatetime < c.stale_before_at

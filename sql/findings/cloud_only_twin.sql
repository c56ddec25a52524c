-- title: Cloud-only twin of an AD user
-- meaning: An Entra member that is not synchronized carries the employee id of an AD user of a linked domain, and
--   neither source anchor nor UPN nor mail address joins the two: synchronization makes, or has made, a second user
--   of the same person. The AD value is the AD user's name. One row per Entra user and AD user.
-- family: sync
-- severity: medium
-- fix: Find out which of the two users the person works with, move licences and data there, and delete the other; a
--   provisioning connector that creates users in Entra where AD is to come first has to be stopped from doing so.
-- source: https://learn.microsoft.com/entra/identity/hybrid/connect/how-to-connect-install-existing-tenant
-- identity: ad_value
select
    'entra_user' as object_type,
    e.id as object_key,
    coalesce(e.userprincipalname, e.displayname) as object_name,
    'employeeId' as attribute,
    null as hr_value,
    a.distinguishedname as ad_value,
    e.employeeid as entra_value
from match_candidate as m
inner join ad_user as a on a.row_id = m.ad_row_id
inner join entra_user as e on e.row_id = m.entra_row_id
where
    m.has_employeeid = 1
    and m.has_anchor = 0
    and m.has_sid = 0
    and m.has_upn = 0
    and m.has_mail = 0
    and (e.is_synced is null or e.is_synced = 0)
    and (e.is_guest is null or e.is_guest = 0)

-- title: otherMails that Graph refuses to write
-- meaning: An enabled member without otherMails holds a directory role, or is in a role-assignable group or owns one:
--   Graph refuses an application without a directory role of its own, and backfill holds such users. An eligible role
--   counts, because backfill holds it as well. Filled where [entra] objects names roles. The Entra value is the role
--   or group with its id. One row per user and role or group.
-- family: sspr
-- severity: info
-- fix: Let them register by themselves, or write it with an account that may.
-- source: https://learn.microsoft.com/graph/api/resources/users
-- identity: entra_value
select
    'entra_user' as object_type,
    e.id as object_key,
    coalesce(e.userprincipalname, e.displayname) as object_name,
    'otherMails' as attribute,
    null as hr_value,
    null as ad_value,
    coalesce(
        replace(replace('[name] ([id])', '[id]', p.holder_key), '[name]', p.holder_name), p.holder_key
    ) as entra_value
from privileged_account as p
inner join entra_user as e on e.row_id = p.account_row_id
where
    p.object_type = 'entra_user'
    and p.is_refused = 1
    and e.is_enabled = 1
    and e.is_guest = 0
    and e.othermails_count = 0

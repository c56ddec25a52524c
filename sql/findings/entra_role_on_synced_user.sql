-- title: Directory role on a synced user
-- meaning: A user that is synchronized from AD holds a directory role, may activate one, or is in a role-assignable
--   group or owns one: who controls the AD account controls the role. Roles that only read or invite (view
--   privileged_account names them) are left out. Filled where [entra] objects names roles. The Entra value is the role
--   or group with its id. One row per user and role or group.
-- family: groups
-- severity: medium
-- fix: Give the role to an account of the cloud alone.
-- source: https://learn.microsoft.com/entra/architecture/protect-m365-from-on-premises-attacks
-- identity: entra_value
select
    'entra_user' as object_type,
    e.id as object_key,
    coalesce(e.userprincipalname, e.displayname) as object_name,
    p.reason as attribute,
    null as hr_value,
    null as ad_value,
    coalesce(
        replace(replace('[name] ([id])', '[id]', p.holder_key), '[name]', p.holder_name), p.holder_key
    ) as entra_value
from privileged_account as p
inner join entra_user as e on e.row_id = p.account_row_id
where p.object_type = 'entra_user' and p.is_refused = 1 and e.is_synced = 1

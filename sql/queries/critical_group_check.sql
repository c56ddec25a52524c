-- title: What is wrong with the critical groups
-- meaning: Rows of table critical_group whose group no loaded tenant has (unknown), lies in the recycle bin (deleted),
--   would not be kept by a deletion (not_kept_synced, not_kept_mail_enabled), or for which nobody is named
--   (owner_missing, contact_missing). One row per listed group and problem.
-- note: a group in the bin is unknown as long as "deleted" is not in [entra] objects.
select
    'critical' as severity,
    'deleted' as problem,
    c.id,
    coalesce(d.displayname, d.mail) as name,
    c.owner,
    c.contact,
    case when d.deleted_day + 30 >= k.as_of_day then cast(d.deleted_day + 30 - k.as_of_day as varchar(11)) end
        as days_left,
    c.note
from critical_group as c
inner join entra_deleted as d on d.id = c.id
cross join clock as k
where d.object_type = 'group'

union all

select 'high', 'unknown', c.id, null, c.owner, c.contact, null, c.note
from critical_group as c
where
    not exists (
        select 1
        from entra_group as g
        where g.id = c.id
    )
    and not exists (
        select 1
        from entra_deleted as d
        where d.id = c.id and d.object_type = 'group'
    )

union all

select
    'high',
    case when g.is_synced = 1 then 'not_kept_synced' else 'not_kept_mail_enabled' end,
    c.id, g.displayname, c.owner, c.contact, null, c.note
from critical_group as c
inner join entra_group as g on g.id = c.id
where g.is_synced = 1 or (g.mailenabled = 1 and coalesce(g.is_unified, 0) = 0)

union all

select 'low', 'owner_missing', c.id, g.displayname, c.owner, c.contact, null, c.note
from critical_group as c
left join entra_group as g on g.id = c.id
where coalesce(c.owner, '') = ''

union all

select 'low', 'contact_missing', c.id, g.displayname, c.owner, c.contact, null, c.note
from critical_group as c
left join entra_group as g on g.id = c.id
where coalesce(c.contact, '') = ''

order by severity, problem, id

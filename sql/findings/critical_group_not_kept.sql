-- title: Critical group that deletion would not keep
-- meaning: A group of table critical_group is synced from AD, or mail-enabled and no Microsoft 365 group: a
--   distribution group goes at once when it is deleted; that a mail-enabled security group or a synced one is kept in
--   the recycle bin is documented nowhere. The attribute says which, the Entra value is the owner in critical_group.
--   One row per listed group.
-- family: groups
-- default: on
-- severity: high
-- fix: Protect it against deletion, keep a copy of its members, and know who makes it again.
-- source: https://learn.microsoft.com/graph/api/group-delete
select
    'entra_group' as object_type,
    g.id as object_key,
    g.displayname as object_name,
    case
        when g.is_synced = 1 then 'synced from AD'
        when g.securityenabled = 1 then 'mail-enabled security group'
        else 'distribution group'
    end as attribute,
    null as hr_value,
    null as ad_value,
    c.owner as entra_value
from critical_group as c
inner join entra_group as g on g.id = c.id
where g.is_synced = 1 or (g.mailenabled = 1 and (g.is_unified is null or g.is_unified = 0))

-- title: Group that contains itself
-- meaning: A group is a member of itself, directly or through the groups inside it. One row per group of a cycle.
-- family: groups
-- severity: low
-- fix: Take one group of the cycle out of the other: nobody can tell who is meant to be inside whom.
-- source: https://learn.microsoft.com/windows-server/identity/ad-ds/manage/understand-security-groups
select
    'ad_group' as object_type,
    g.guid as object_key,
    coalesce(g.samaccountname, g.cn) as object_name,
    'member' as attribute,
    null as hr_value,
    g.distinguishedname as ad_value,
    null as entra_value
from ad_group as g
inner join ad_member_closure as c on c.guid = g.guid and c.source_id = g.source_id and c.member_key = g.dn_key
union all
select
    'entra_group',
    e.id,
    e.displayname,
    'members',
    null,
    null,
    e.id
from entra_group as e
inner join entra_member_closure as c on c.id = e.id and c.source_id = e.source_id and c.member_id = e.id

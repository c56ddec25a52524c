-- title: Privileged accounts
-- meaning: Accounts that are in a privileged group of Active Directory (known by the RID, whatever its name), hold
--   or may activate a directory role, or are in a role-assignable group: directly, through nested groups or as a
--   primary group; or own such a group, whose members they choose. adminCount stands beside it and makes nobody
--   privileged. One row per account and group or role.
-- note: RIDs 512 Domain Admins, 518 Schema Admins, 519 Enterprise Admins, 520 Group Policy Creator Owners, 526 Key
--   Admins, 527 Enterprise Key Admins, 544 Administrators, 548 Account Operators, 549 Server Operators, 550 Print
--   Operators, 551 Backup Operators, 552 Replicator. A primary group does not stand in member, so it is looked up by
--   its RID.
with protected_group as (
    select g.source_id, g.guid, g.rid, coalesce(g.samaccountname, g.cn) as holder_name
    from ad_group as g
    where g.rid in (512, 518, 519, 520, 526, 527, 544, 548, 549, 550, 551, 552)
),

inner_group as (
    select p.source_id, p.guid, p.source_id as inner_source_id, p.rid as inner_rid, 0 as depth
    from protected_group as p
    union all
    select p.source_id, p.guid, n.source_id, n.rid, c.depth
    from protected_group as p
    inner join ad_member_closure as c on c.guid = p.guid and c.source_id = p.source_id
    inner join ad_group as n on n.dn_key = c.member_key
    where n.guid <> p.guid
),

ad_way as (
    select
        'ad_user' as object_type, a.source_id, a.row_id, a.guid, a.admincount,
        p.source_id as holder_source_id, p.guid as holder_key, c.depth, 0 as is_primary
    from protected_group as p
    inner join ad_member_closure as c on c.guid = p.guid and c.source_id = p.source_id
    inner join ad_user as a on a.dn_key = c.member_key
    union all
    select
        'ad_computer', a.source_id, a.row_id, a.guid, a.admincount,
        p.source_id, p.guid, c.depth, 0
    from protected_group as p
    inner join ad_member_closure as c on c.guid = p.guid and c.source_id = p.source_id
    inner join ad_computer as a on a.dn_key = c.member_key
    union all
    select
        'ad_user', a.source_id, a.row_id, a.guid, a.admincount,
        i.source_id, i.guid, i.depth + 1, 1
    from inner_group as i
    inner join ad_user as a on a.primarygroupid = i.inner_rid and a.source_id = i.inner_source_id
    union all
    select
        'ad_computer', a.source_id, a.row_id, a.guid, a.admincount,
        i.source_id, i.guid, i.depth + 1, 1
    from inner_group as i
    inner join ad_computer as a on a.primarygroupid = i.inner_rid and a.source_id = i.inner_source_id
),

ad_reason as (
    select
        w.object_type, w.source_id, w.row_id, w.guid, w.admincount, w.holder_source_id, w.holder_key,
        min(w.depth) as depth, min(case when w.is_primary = 0 then w.depth end) as member_depth
    from ad_way as w
    group by w.object_type, w.source_id, w.row_id, w.guid, w.admincount, w.holder_source_id, w.holder_key
),

role_way as (
    select m.source_id, m.id, m.member_id, m.is_eligible, 1 as depth
    from entra_role_member as m
    union all
    select m.source_id, m.id, c.member_id, m.is_eligible, c.depth + 1
    from entra_role_member as m
    inner join entra_member_closure as c on c.id = m.member_id and c.source_id = m.source_id
),

role_reason as (
    select w.source_id, w.id, w.member_id, min(w.is_eligible) as is_eligible, min(w.depth) as depth
    from role_way as w
    group by w.source_id, w.id, w.member_id
)

select
    r.object_type,
    r.source_id,
    r.row_id as account_row_id,
    r.guid as object_key,
    'AD group' as reason,
    r.holder_key,
    p.holder_name,
    p.rid as holder_rid,
    r.depth,
    case when r.member_depth = r.depth then 0 else 1 end as is_primary_group,
    0 as is_eligible,
    0 as is_refused,
    r.admincount
from ad_reason as r
inner join protected_group as p on p.guid = r.holder_key and p.source_id = r.holder_source_id
union all
select
    'entra_user',
    u.source_id,
    u.row_id,
    u.id,
    'directory role',
    r.id,
    d.displayname,
    null,
    r.depth,
    0,
    r.is_eligible,
    case
        when d.displayname in (
            'Directory Readers', 'Guest Inviter', 'Message Center Reader', 'Reports Reader',
            'Usage Summary Reports Reader'
        ) then 0
        else 1
    end,
    null
from role_reason as r
inner join entra_user as u on u.id = r.member_id and u.source_id = r.source_id
left join entra_role as d on d.id = r.id and d.source_id = r.source_id
union all
select
    'entra_user',
    u.source_id,
    u.row_id,
    u.id,
    'role-assignable group',
    g.id,
    g.displayname,
    null,
    c.depth,
    0,
    0,
    1,
    null
from entra_group as g
inner join entra_member_closure as c on c.id = g.id and c.source_id = g.source_id
inner join entra_user as u on u.id = c.member_id and u.source_id = c.source_id
where g.isassignabletorole = 1
union all
select
    'entra_user',
    u.source_id,
    u.row_id,
    u.id,
    'owner of role-assignable group',
    g.id,
    g.displayname,
    null,
    1,
    0,
    0,
    1,
    null
from entra_group as g
inner join entra_group_owner as o on o.id = g.id and o.source_id = g.source_id
inner join entra_user as u on u.id = o.owner_id and u.source_id = o.source_id
left join entra_member_closure as c on c.id = g.id and c.source_id = g.source_id and c.member_id = u.id
where g.isassignabletorole = 1 and c.id is null

-- title: AD groups, decoded
-- meaning: Groups of Active Directory with scope and kind from groupType. One row per AD group.
-- note: groupType is signed: the security bit is the sign, so it is tested with < 0 and never with & 2147483648.
select
    g.row_id,
    g.source_id,
    g.guid,
    g.sid,
    g.samaccountname,
    g.name,
    g.displayname,
    g.description,
    g.mail,
    g.grouptype,
    case
        when (g.grouptype & 2) = 2 then 'global'
        when (g.grouptype & 4) = 4 and (g.grouptype & 1) = 1 then 'builtin local'
        when (g.grouptype & 4) = 4 then 'domain local'
        when (g.grouptype & 8) = 8 then 'universal'
        when (g.grouptype & 16) = 16 then 'app basic'
        when (g.grouptype & 32) = 32 then 'app query'
    end as group_scope,
    case
        when g.grouptype is null then null
        when g.grouptype < 0 then 1
        else 0
    end as is_security,
    case
        when g.grouptype is null then null
        when (g.grouptype & 1) = 1 then 1
        else 0
    end as is_builtin,
    case g.samaccounttype
        when 268435456 then 'security group'
        when 268435457 then 'distribution group'
        when 536870912 then 'domain local security group'
        when 536870913 then 'domain local distribution group'
        when 805306368 then 'user'
        when 805306369 then 'computer'
        when 805306370 then 'trust'
        when 1073741824 then 'app basic group'
        when 1073741825 then 'app query group'
    end as account_type,
    g.member_count,
    g.managedby,
    g.admincount,
    g.iscriticalsystemobject,
    g.ou_path,
    g.distinguishedname,
    g.sam_key,
    g.mail_key,
    g.dn_key,
    g.managedby_key,
    g.whencreated,
    g.whenchanged,
    g.loaded_at
from ad_group as g

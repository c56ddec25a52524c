-- title: Which groups does this synchronization service use
-- meaning: The groups behind the five roles of a MIM, FIM or Entra Connect installation, named through ad_group,
--   ad_user and the well-known SIDs. One row per role.
select
    s.name as source_name,
    r.role,
    r.sid,
    coalesce(g.samaccountname, u.samaccountname, w.name, d.name) as group_name,
    case
        when g.row_id is not null then 'ad_group'
        when u.row_id is not null then 'ad_user'
        when w.sid is not null or d.sid is not null then 'well_known_sid'
    end as found_in,
    coalesce(g.distinguishedname, u.distinguishedname) as distinguishedname,
    g.member_count
from mim_role as r
inner join source as s on r.source_id = s.source_id
left join ad_group as g on r.sid = g.sid
left join ad_user as u on r.sid = u.sid
left join well_known_sid as w on r.sid = w.sid
left join well_known_sid as d on d.kind = 'domain' and r.rid = d.rid
order by s.name, r.role

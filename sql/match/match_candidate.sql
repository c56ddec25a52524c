-- title: Candidates of the match
-- meaning: Who could be who: each AD user and Entra user of linked sources that at least one rule joins, ranked by
--   the lowest rule, then by how many rules agree. Accepted is the sole best candidate of both sides; losers never
--   slide to another partner. One row per AD user and Entra user.
-- note: Rules: 1 source anchor (byte-exact), 2 SID, 3 employee id, 4 UPN, 5 mail. Guests take part by rules 1 and 2
--   only. A key of match_crowd makes no candidates by rules 3 to 5: a crowd is a finding, not a match. It is looked up
--   by the linked sources, so that the users of a crowd are passed over before they are joined. Most pairs have
--   the same anchor: what else they share is read off both rows, and only pairs without it are gathered rule by rule.
--   source_id + 0: every user is read, once and in order, not by an index of the source. An Entra user is matched
--   once over all linked domains, an AD user once per tenant.
with anchored as (
    select
        a.row_id as ad_row_id,
        e.row_id as entra_row_id,
        l.ad_source_id,
        l.entra_source_id,
        case when a.sid = e.sid then 1 else 0 end as has_sid,
        case
            when a.employeeid_key = e.employeeid_key and coalesce(e.is_guest, 0) <> 1 and not exists (
                select 1
                from match_crowd as c
                where
                    c.rule_number = 3
                    and c.key_value = e.employeeid_key
                    and c.source_id in (l.ad_source_id, l.entra_source_id)
            ) then 1
            else 0
        end as has_employeeid,
        case
            when a.upn_key = e.upn_key and coalesce(e.is_guest, 0) <> 1 and not exists (
                select 1
                from match_crowd as c
                where
                    c.rule_number = 4
                    and c.key_value = e.upn_key
                    and c.source_id in (l.ad_source_id, l.entra_source_id)
            ) then 1
            else 0
        end as has_upn,
        case
            when a.mail_key = e.mail_key and coalesce(e.is_guest, 0) <> 1 and not exists (
                select 1
                from match_crowd as c
                where
                    c.rule_number = 5
                    and c.key_value = e.mail_key
                    and c.source_id in (l.ad_source_id, l.entra_source_id)
            ) then 1
            else 0
        end as has_mail
    from source_link as l
    inner join entra_user as e on e.source_id + 0 = l.entra_source_id
    inner join ad_user as a on a.immutable_id = e.onpremisesimmutableid and a.source_id = l.ad_source_id
    where
        not exists (
            select 1
            from source_link as o
            where
                o.ad_source_id = l.ad_source_id
                and o.entra_source_id = l.entra_source_id
                and o.link_id < l.link_id
        )
),

joined as (
    select a.row_id as ad_row_id, e.row_id as entra_row_id, l.ad_source_id, l.entra_source_id, 2 as rule_number
    from source_link as l
    inner join entra_user as e on e.source_id + 0 = l.entra_source_id
    inner join ad_user as a on a.sid = e.sid and a.source_id = l.ad_source_id
    where
        (a.immutable_id is null or e.onpremisesimmutableid is null or a.immutable_id <> e.onpremisesimmutableid)
    union all
    select a.row_id, e.row_id, l.ad_source_id, l.entra_source_id, 3
    from source_link as l
    inner join entra_user as e on e.source_id + 0 = l.entra_source_id
    inner join ad_user as a on a.employeeid_key = e.employeeid_key and a.source_id = l.ad_source_id
    where
        (a.immutable_id is null or e.onpremisesimmutableid is null or a.immutable_id <> e.onpremisesimmutableid)
        and coalesce(e.is_guest, 0) <> 1
        and not exists (
            select 1
            from match_crowd as c
            where
                c.rule_number = 3
                and c.key_value = e.employeeid_key
                and c.source_id in (l.ad_source_id, l.entra_source_id)
        )
    union all
    select a.row_id, e.row_id, l.ad_source_id, l.entra_source_id, 4
    from source_link as l
    inner join entra_user as e on e.source_id + 0 = l.entra_source_id
    inner join ad_user as a on a.upn_key = e.upn_key and a.source_id = l.ad_source_id
    where
        (a.immutable_id is null or e.onpremisesimmutableid is null or a.immutable_id <> e.onpremisesimmutableid)
        and coalesce(e.is_guest, 0) <> 1
        and not exists (
            select 1
            from match_crowd as c
            where
                c.rule_number = 4
                and c.key_value = e.upn_key
                and c.source_id in (l.ad_source_id, l.entra_source_id)
        )
    union all
    select a.row_id, e.row_id, l.ad_source_id, l.entra_source_id, 5
    from source_link as l
    inner join entra_user as e on e.source_id + 0 = l.entra_source_id
    inner join ad_user as a on a.mail_key = e.mail_key and a.source_id = l.ad_source_id
    where
        (a.immutable_id is null or e.onpremisesimmutableid is null or a.immutable_id <> e.onpremisesimmutableid)
        and coalesce(e.is_guest, 0) <> 1
        and not exists (
            select 1
            from match_crowd as c
            where
                c.rule_number = 5
                and c.key_value = e.mail_key
                and c.source_id in (l.ad_source_id, l.entra_source_id)
        )
),

agreed as (
    select
        n.ad_row_id,
        n.entra_row_id,
        n.ad_source_id,
        n.entra_source_id,
        1 as has_anchor,
        n.has_sid,
        n.has_employeeid,
        n.has_upn,
        n.has_mail
    from anchored as n
    union all
    select
        j.ad_row_id,
        j.entra_row_id,
        min(j.ad_source_id),
        min(j.entra_source_id),
        0,
        max(case when j.rule_number = 2 then 1 else 0 end),
        max(case when j.rule_number = 3 then 1 else 0 end),
        max(case when j.rule_number = 4 then 1 else 0 end),
        max(case when j.rule_number = 5 then 1 else 0 end)
    from joined as j
    group by j.ad_row_id, j.entra_row_id
),

scored as (
    select
        g.ad_row_id,
        g.entra_row_id,
        g.ad_source_id,
        g.entra_source_id,
        case
            when g.has_anchor = 1 then 1
            when g.has_sid = 1 then 2
            when g.has_employeeid = 1 then 3
            when g.has_upn = 1 then 4
            else 5
        end as rule_number,
        g.has_anchor + g.has_sid + g.has_employeeid + g.has_upn + g.has_mail as rules_agreeing,
        g.has_anchor,
        g.has_sid,
        g.has_employeeid,
        g.has_upn,
        g.has_mail
    from agreed as g
),

ranked as (
    select
        s.ad_row_id,
        s.entra_row_id,
        s.ad_source_id,
        s.entra_source_id,
        s.rule_number,
        s.rules_agreeing,
        s.has_anchor,
        s.has_sid,
        s.has_employeeid,
        s.has_upn,
        s.has_mail,
        rank() over (
            partition by s.ad_row_id, s.entra_source_id
            order by s.rule_number, s.rules_agreeing desc
        ) as place_for_ad,
        count(*) over (
            partition by s.ad_row_id, s.entra_source_id
            order by s.rule_number, s.rules_agreeing desc
        ) as reach_for_ad,
        rank() over (
            partition by s.entra_row_id
            order by s.rule_number, s.rules_agreeing desc
        ) as place_for_entra,
        count(*) over (
            partition by s.entra_row_id
            order by s.rule_number, s.rules_agreeing desc
        ) as reach_for_entra
    from scored as s
),

placed as (
    select
        r.ad_row_id,
        r.entra_row_id,
        r.ad_source_id,
        r.entra_source_id,
        r.rule_number,
        r.rules_agreeing,
        r.has_anchor,
        r.has_sid,
        r.has_employeeid,
        r.has_upn,
        r.has_mail,
        r.place_for_ad,
        r.reach_for_ad - r.place_for_ad + 1 as ties_for_ad,
        r.place_for_entra,
        r.reach_for_entra - r.place_for_entra + 1 as ties_for_entra
    from ranked as r
)

select
    p.ad_row_id,
    p.entra_row_id,
    p.ad_source_id,
    p.entra_source_id,
    p.rule_number,
    p.rules_agreeing,
    p.has_anchor,
    p.has_sid,
    p.has_employeeid,
    p.has_upn,
    p.has_mail,
    p.place_for_ad,
    p.ties_for_ad,
    p.place_for_entra,
    p.ties_for_entra,
    case
        when p.place_for_ad = 1 and p.ties_for_ad = 1 and p.place_for_entra = 1 and p.ties_for_entra = 1 then 1
        else 0
    end as is_accepted,
    case
        when p.place_for_ad > 1 and p.place_for_entra > 1 then 'better_for_both'
        when p.place_for_ad > 1 then 'better_for_ad'
        when p.place_for_entra > 1 then 'better_for_entra'
        when p.ties_for_ad > 1 and p.ties_for_entra > 1 then 'tie_for_both'
        when p.ties_for_ad > 1 then 'tie_for_ad'
        when p.ties_for_entra > 1 then 'tie_for_entra'
        else 'accepted'
    end as reason
from placed as p

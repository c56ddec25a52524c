-- title: Candidates of the match
-- meaning: Who could be who: each AD user and Entra user of linked sources that at least one rule joins, ranked by
--   the lowest rule, then by how many rules agree. Accepted is the sole best candidate of both sides; losers never
--   slide to another partner. One row per AD user and Entra user.
-- note: Rules: 1 source anchor (byte-exact), 2 SID, 3 employee id, 4 UPN, 5 mail. Guests take part by rules 1 and 2
--   only. A key that more than 20 objects of one source hold makes no candidates by rules 3 to 5: a crowd is a
--   finding, not a match. source_id + 0: every user is read, once and in order, not by an index of the source. An
--   Entra user is matched once over all linked domains, an AD user once per tenant.
with linked as (
    select l.ad_source_id, l.entra_source_id
    from source_link as l
    where l.ad_source_id is not null and l.entra_source_id is not null
    group by l.ad_source_id, l.entra_source_id
),

ad_employeeid_crowd as (
    select a.source_id, a.employeeid_key
    from ad_user as a
    where a.employeeid_key is not null
    group by a.employeeid_key, a.source_id
    having count(*) > 20
),

ad_upn_crowd as (
    select a.source_id, a.upn_key
    from ad_user as a
    where a.upn_key is not null
    group by a.upn_key, a.source_id
    having count(*) > 20
),

ad_mail_crowd as (
    select a.source_id, a.mail_key
    from ad_user as a
    where a.mail_key is not null
    group by a.mail_key, a.source_id
    having count(*) > 20
),

entra_employeeid_crowd as (
    select e.source_id, e.employeeid_key
    from entra_user as e
    where e.employeeid_key is not null
    group by e.employeeid_key, e.source_id
    having count(*) > 20
),

entra_upn_crowd as (
    select e.source_id, e.upn_key
    from entra_user as e
    where e.upn_key is not null
    group by e.upn_key, e.source_id
    having count(*) > 20
),

entra_mail_crowd as (
    select e.source_id, e.mail_key
    from entra_user as e
    where e.mail_key is not null
    group by e.mail_key, e.source_id
    having count(*) > 20
),

entra_side as (
    select
        l.ad_source_id,
        e.source_id,
        e.row_id,
        coalesce(e.is_guest, 0) as is_guest,
        e.onpremisesimmutableid,
        e.sid,
        e.employeeid_key,
        e.upn_key,
        e.mail_key
    from linked as l
    inner join entra_user as e on e.source_id + 0 = l.entra_source_id
),

joined as (
    select
        e.ad_source_id,
        e.source_id as entra_source_id,
        a.row_id as ad_row_id,
        e.row_id as entra_row_id,
        1 as rule_number
    from entra_side as e
    inner join ad_user as a on a.immutable_id = e.onpremisesimmutableid and a.source_id = e.ad_source_id
    union all
    select e.ad_source_id, e.source_id, a.row_id, e.row_id, 2
    from entra_side as e
    inner join ad_user as a on a.sid = e.sid and a.source_id = e.ad_source_id
    union all
    select e.ad_source_id, e.source_id, a.row_id, e.row_id, 3
    from entra_side as e
    inner join ad_user as a on a.employeeid_key = e.employeeid_key and a.source_id = e.ad_source_id
    left join ad_employeeid_crowd as ac on ac.source_id = a.source_id and ac.employeeid_key = a.employeeid_key
    left join entra_employeeid_crowd as ec on ec.source_id = e.source_id and ec.employeeid_key = e.employeeid_key
    where e.is_guest <> 1 and ac.source_id is null and ec.source_id is null
    union all
    select e.ad_source_id, e.source_id, a.row_id, e.row_id, 4
    from entra_side as e
    inner join ad_user as a on a.upn_key = e.upn_key and a.source_id = e.ad_source_id
    left join ad_upn_crowd as ac on ac.source_id = a.source_id and ac.upn_key = a.upn_key
    left join entra_upn_crowd as ec on ec.source_id = e.source_id and ec.upn_key = e.upn_key
    where e.is_guest <> 1 and ac.source_id is null and ec.source_id is null
    union all
    select e.ad_source_id, e.source_id, a.row_id, e.row_id, 5
    from entra_side as e
    inner join ad_user as a on a.mail_key = e.mail_key and a.source_id = e.ad_source_id
    left join ad_mail_crowd as ac on ac.source_id = a.source_id and ac.mail_key = a.mail_key
    left join entra_mail_crowd as ec on ec.source_id = e.source_id and ec.mail_key = e.mail_key
    where e.is_guest <> 1 and ac.source_id is null and ec.source_id is null
),

scored as (
    select
        j.ad_row_id,
        j.entra_row_id,
        min(j.ad_source_id) as ad_source_id,
        min(j.entra_source_id) as entra_source_id,
        min(j.rule_number) as rule_number,
        count(*) as rules_agreeing,
        max(case when j.rule_number = 1 then 1 else 0 end) as has_anchor,
        max(case when j.rule_number = 2 then 1 else 0 end) as has_sid,
        max(case when j.rule_number = 3 then 1 else 0 end) as has_employeeid,
        max(case when j.rule_number = 4 then 1 else 0 end) as has_upn,
        max(case when j.rule_number = 5 then 1 else 0 end) as has_mail
    from joined as j
    group by j.ad_row_id, j.entra_row_id
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

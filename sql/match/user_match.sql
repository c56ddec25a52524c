-- title: Accepted matches
-- meaning: Who is who: the accepted candidates, each with its rule, how many rules agree, and the next best candidate
--   of either side. One row per accepted match.
with next_for_ad as (
    select
        m.ad_row_id,
        m.entra_source_id,
        m.entra_row_id,
        m.rule_number,
        row_number() over (
            partition by m.ad_row_id, m.entra_source_id
            order by m.place_for_ad, m.entra_row_id
        ) as place
    from match_candidate as m
    where m.is_accepted = 0
),

next_for_entra as (
    select
        m.entra_row_id,
        m.ad_row_id,
        m.rule_number,
        row_number() over (
            partition by m.entra_row_id
            order by m.place_for_entra, m.ad_row_id
        ) as place
    from match_candidate as m
    where m.is_accepted = 0
)

select
    m.ad_row_id,
    m.entra_row_id,
    m.ad_source_id,
    m.entra_source_id,
    m.rule_number,
    m.rules_agreeing,
    na.entra_row_id as runner_up_entra_row_id,
    ne.ad_row_id as runner_up_ad_row_id,
    case
        when na.rule_number is null then ne.rule_number
        when ne.rule_number is null then na.rule_number
        when na.rule_number <= ne.rule_number then na.rule_number
        else ne.rule_number
    end as runner_up_rule
from match_candidate as m
left join next_for_ad as na
    on na.ad_row_id = m.ad_row_id and na.entra_source_id = m.entra_source_id and na.place = 1
left join next_for_entra as ne on ne.entra_row_id = m.entra_row_id and ne.place = 1
where m.is_accepted = 1

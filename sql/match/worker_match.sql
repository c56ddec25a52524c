-- title: Workers and their accounts
-- meaning: The accounts of the linked directories that carry a worker's employee id. A row id stands only where the
--   count is 1; guests are counted apart. is_pair: both accounts are matched with each other. is_complete: every
--   linked directory has been loaded. One row per worker.
with together as (
    select one.worker_source_id as source_id, other.worker_source_id as other_id
    from source_link as one
    inner join source_link as other
        on other.worker_source_id = one.worker_source_id
        or other.ad_source_id = one.ad_source_id
        or other.entra_source_id = one.entra_source_id
    where one.worker_source_id is not null and other.worker_source_id is not null
    group by one.worker_source_id, other.worker_source_id
),

worker_side as (
    select t.source_id, w.employeeid_key, count(*) as holders
    from together as t
    inner join worker as w on w.source_id = t.other_id
    where w.employeeid_key is not null
    group by t.source_id, w.employeeid_key
),

ad_link as (
    select l.worker_source_id, l.ad_source_id
    from source_link as l
    where l.worker_source_id is not null and l.ad_source_id is not null
    group by l.worker_source_id, l.ad_source_id
),

ad_side as (
    select l.worker_source_id, a.employeeid_key, count(*) as holders, max(a.row_id) as row_id
    from ad_link as l
    inner join ad_user as a on a.source_id = l.ad_source_id
    where a.employeeid_key is not null
    group by l.worker_source_id, a.employeeid_key
),

entra_link as (
    select l.worker_source_id, l.entra_source_id
    from source_link as l
    where l.worker_source_id is not null and l.entra_source_id is not null
    group by l.worker_source_id, l.entra_source_id
),

entra_side as (
    select
        l.worker_source_id,
        e.employeeid_key,
        sum(case when e.is_guest = 1 then 0 else 1 end) as holders,
        sum(case when e.is_guest = 1 then 1 else 0 end) as guests,
        max(case when e.is_guest = 1 then null else e.row_id end) as row_id
    from entra_link as l
    inner join entra_user as e on e.source_id = l.entra_source_id
    where e.employeeid_key is not null
    group by l.worker_source_id, e.employeeid_key
),

pair_link as (
    select l.worker_source_id, l.ad_source_id, l.entra_source_id
    from source_link as l
    where l.worker_source_id is not null and l.ad_source_id is not null and l.entra_source_id is not null
    group by l.worker_source_id, l.ad_source_id, l.entra_source_id
),

pair_side as (
    select l.worker_source_id, p.ad_employeeid_key as employeeid_key, count(*) as pairs
    from pair_link as l
    inner join pair as p on p.ad_source_id = l.ad_source_id and p.entra_source_id = l.entra_source_id
    where p.ad_employeeid_key = p.entra_employeeid_key
    group by l.worker_source_id, p.ad_employeeid_key
),

directory as (
    select l.worker_source_id, l.ad_source_id as source_id
    from ad_link as l
    union all
    select l.worker_source_id, l.entra_source_id
    from entra_link as l
),

directory_load as (
    select d.worker_source_id, count(*) as directories, count(s.load_finished_at) as loaded
    from directory as d
    inner join source as s on s.source_id = d.source_id
    group by d.worker_source_id
)

select
    w.row_id as worker_row_id,
    w.source_id as worker_source_id,
    w.employeeid_key,
    coalesce(ws.holders, 0) as worker_count,
    coalesce(ads.holders, 0) as ad_count,
    case when ads.holders = 1 then ads.row_id end as ad_row_id,
    coalesce(es.holders, 0) as entra_count,
    coalesce(es.guests, 0) as entra_guest_count,
    case when es.holders = 1 then es.row_id end as entra_row_id,
    coalesce(ps.pairs, 0) as pair_count,
    case when m.ad_row_id is null then 0 else 1 end as is_pair,
    case when dl.directories = dl.loaded then 1 else 0 end as is_complete
from worker as w
left join worker_side as ws on ws.source_id = w.source_id and ws.employeeid_key = w.employeeid_key
left join ad_side as ads on ads.worker_source_id = w.source_id and ads.employeeid_key = w.employeeid_key
left join entra_side as es on es.worker_source_id = w.source_id and es.employeeid_key = w.employeeid_key
left join pair_side as ps on ps.worker_source_id = w.source_id and ps.employeeid_key = w.employeeid_key
left join directory_load as dl on dl.worker_source_id = w.source_id
left join user_match as m
    on m.ad_row_id = ads.row_id and m.entra_row_id = es.row_id and ads.holders = 1 and es.holders = 1

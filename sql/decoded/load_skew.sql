-- title: Pairs in skew
-- meaning: How many pairs the findings leave out because the two loads did not see the same moment. One row per AD
--   source and tenant.
select
    p.ad_source_id,
    p.entra_source_id,
    count(*) as pairs,
    sum(case when p.is_in_skew = 1 then 1 else 0 end) as pairs_in_skew
from pair as p
group by p.ad_source_id, p.entra_source_id

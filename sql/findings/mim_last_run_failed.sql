-- title: Last run of a management agent did not succeed
-- meaning: The newest complete run of a management agent with this profile ended with another result than success.
--   The object is the agent (ma_id), the attribute the run profile, so that one that fails each night stays one
--   finding. One row per management agent and run profile.
-- severity: medium
-- family: mim
-- default: on
-- fix: Look at the run in Synchronization Service Manager; objects behind it may be older than they look.
-- source: mms_run_history, columns run_result, is_run_complete
with newest as (
    select
        r.source_id,
        r.ma_id,
        r.run_profile_name,
        max(r.run_number) as run_number
    from mim_run as r
    where r.is_run_complete = 1
    group by r.source_id, r.ma_id, r.run_profile_name
)

select
    'mim_agent' as object_type,
    r.ma_id as object_key,
    r.run_profile_name as object_name,
    r.run_profile_name as attribute,
    null as hr_value,
    r.run_result as ad_value,
    null as entra_value
from newest as n
inner join mim_run as r
    on n.source_id = r.source_id
    and n.ma_id = r.ma_id
    and n.run_profile_name = r.run_profile_name
    and n.run_number = r.run_number
where coalesce(r.run_result, '') <> 'success'

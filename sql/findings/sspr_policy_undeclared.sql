-- title: Password reset policy not declared
-- meaning: Hires start within setting joiner_days, and the tenant's policy of self-service password reset is not
--   declared whole in [sspr] or table sspr_policy: whether they are ready is unknown. One row per key that is not
--   declared.
-- family: sspr
-- severity: low
-- fix: Look the policy up in the tenant and declare it in [sspr] of recon.toml.
-- source: https://learn.microsoft.com/entra/identity/authentication/howto-sspr-authenticationdata
with hire as (
    select count(*) as hires
    from worker as w
    cross join clock as c
    where
        w.hire_day >= c.as_of_day
        and w.hire_day <= c.joiner_until_day
        and (w.termination_day is null or w.termination_day <> w.hire_day)
),

missing as (
    select 'email_method' as name
    from sspr_policy as p
    where p.email_method is null
    union all
    select 'methods_required'
    from sspr_policy as p
    where p.methods_required is null
    union all
    select 'password_writeback'
    from sspr_policy as p
    where p.password_writeback is null
    union all
    select 'group'
    from sspr_policy as p
    where p.is_for_everybody is null and p.group_id is null
)

select
    'sspr_policy' as object_type,
    m.name as object_key,
    m.name as object_name,
    m.name as attribute,
    cast(h.hires as varchar(11)) as hr_value,
    null as ad_value,
    null as entra_value
from missing as m
cross join hire as h
where h.hires > 0

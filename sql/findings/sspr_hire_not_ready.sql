-- title: Hire cannot reset a password on day one
-- meaning: A hire that starts within setting joiner_days, and what stands in the way of a self-service reset through
--   otherMails: no account, no Entra user, several accounts, no address in otherMails (or the answer did not contain
--   them), or the policy declared in sspr_policy (e-mail method off, more than one method required, no password
--   writeback for a synced user, not a member of the group). What is not declared is not judged here (see
--   sspr_policy_undeclared). Left out: hires that end on the day they begin. The attribute is the first stage that is
--   missing, the HR value the hire date. Where several HR systems have the worker id, the object is the id with the
--   system's name. One row per worker.
-- family: sspr
-- default: on
-- severity: medium
-- fix: Clear the stage that is named; recon backfill fills otherMails.
-- source: https://learn.microsoft.com/entra/identity/authentication/howto-sspr-authenticationdata
with repeated as (
    select o.worker_id
    from worker as o
    group by o.worker_id
    having count(*) > 1
),

staged as (
    select
        case
            when r.worker_id is null then w.worker_id
            else replace(replace('[id] ([source])', '[id]', w.worker_id), '[source]', o.name)
        end as object_key,
        w.display_name as object_name,
        cast(w.hire_date as varchar(10)) as hr_value,
        coalesce(a.userprincipalname, a.samaccountname) as ad_value,
        e.userprincipalname as entra_value,
        case
            when m.ad_count = 0 and m.entra_count = 0 then 'no account'
            when m.ad_count > 1 or m.entra_count > 1 then 'several accounts'
            when m.entra_count = 0 then 'no Entra user'
            when e.othermails_count is null then 'otherMails unknown'
            when e.othermails_count = 0 then 'no otherMails'
            when p.email_method = 0 then 'e-mail method off'
            when p.methods_required > 1 then 'more methods required'
            when p.password_writeback = 0 and e.is_synced = 1 then 'no password writeback'
            when
                p.group_id is not null
                and not exists (
                    select 1
                    from entra_member_closure as x
                    where x.id = p.group_id and x.member_id = e.id and x.source_id = e.source_id
                )
                then 'not in the group'
        end as stage
    from worker as w
    inner join worker_match as m on m.worker_row_id = w.row_id
    inner join source as o on o.source_id = w.source_id
    cross join clock as c
    cross join sspr_policy as p
    left join repeated as r on r.worker_id = w.worker_id
    left join ad_user as a on a.row_id = m.ad_row_id
    left join entra_user as e on e.row_id = m.entra_row_id
    where
        -- as a case: PostgreSQL then expects few rows, and looks the rest up by index
        case when w.hire_day >= c.as_of_day and w.hire_day <= c.joiner_until_day then 1 else 0 end = 1
        and (w.termination_day is null or w.termination_day <> w.hire_day)
        and m.is_complete = 1
)

select
    'worker' as object_type,
    s.object_key,
    s.object_name,
    s.stage as attribute,
    s.hr_value,
    s.ad_value,
    s.entra_value
from staged as s
where s.stage is not null

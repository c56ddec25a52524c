-- title: Hires and their way to a password reset
-- meaning: Everyone whose hire date lies from the day of the last refresh to so many days after it, with what HR, AD
--   and Entra have, and the verdict on a reset through otherMails by the policy in sspr_policy: not ready, unknown
--   while anything is not declared, ready only when all of it is. One row per worker.
-- param: days int how many days ahead
select
    w.worker_id,
    w.display_name,
    w.hire_date,
    w.hire_day - c.as_of_day as days_left,
    case when w.personal_mail_key is null then 0 else 1 end as has_personal_mail,
    m.ad_count,
    m.entra_count,
    a.userprincipalname as ad_userprincipalname,
    e.userprincipalname as entra_userprincipalname,
    e.is_synced,
    e.othermails_count,
    case
        when m.entra_count > 1 or m.ad_count > 1 then 'not ready: several accounts'
        when m.entra_count = 0 then 'not ready: no Entra user'
        when e.othermails_count = 0 then 'not ready: no otherMails'
        when p.email_method = 0 then 'not ready: e-mail method off'
        when p.methods_required > 1 then 'not ready: more methods required'
        when p.password_writeback = 0 and e.is_synced = 1 then 'not ready: no password writeback'
        when
            p.group_id is not null
            and not exists (
                select 1
                from entra_member_closure as x
                where x.id = p.group_id and x.member_id = e.id and x.source_id = e.source_id
            )
            then 'not ready: not in the group'
        when
            e.othermails_count is null
            or p.email_method is null
            or p.methods_required is null
            or (p.password_writeback is null and coalesce(e.is_synced, 0) = 1)
            or (p.group_id is null and p.is_for_everybody is null)
            then 'unknown'
        else 'ready'
    end as verdict
from worker as w
inner join worker_match as m on m.worker_row_id = w.row_id
cross join clock as c
cross join sspr_policy as p
left join ad_user as a on a.row_id = m.ad_row_id
left join entra_user as e on e.row_id = m.entra_row_id
where
    w.hire_day >= c.as_of_day
    and w.hire_day <= c.as_of_day + :days
    and (w.termination_day is null or w.termination_day <> w.hire_day)
order by w.hire_day, w.worker_id

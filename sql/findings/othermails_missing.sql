-- title: otherMails missing
-- meaning: HR knows a valid personal address of a worker whose only Entra user is synced, enabled (or waits,
--   disabled, for a hire date in the future) and has no otherMails: self-service password reset has nothing to send
--   to. Left out: leavers, and users of whom the answer did not contain otherMails. One row per user and
--   address.
-- family: sspr
-- default: on
-- severity: medium
-- fix: recon backfill plan
-- source: https://learn.microsoft.com/entra/identity/authentication/howto-sspr-authenticationdata
-- personal: yes
with defect as (
    select d.source_id, d.worker_id
    from worker_value_defect as d
    where d.attribute = 'personal_mail'
    group by d.source_id, d.worker_id
)

select
    'entra_user' as object_type,
    e.id as object_key,
    coalesce(e.userprincipalname, e.displayname) as object_name,
    'otherMails' as attribute,
    w.personal_mail as hr_value,
    null as ad_value,
    null as entra_value
from worker as w
inner join worker_match as m on m.worker_row_id = w.row_id
inner join entra_user as e on e.row_id = m.entra_row_id
cross join clock as c
left join defect as d on d.source_id = w.source_id and d.worker_id = w.worker_id
where
    e.othermails_count = 0
    and e.is_synced = 1
    and w.personal_mail_key is not null
    and d.worker_id is null
    and (e.is_enabled = 1 or (e.is_enabled = 0 and w.hire_day > c.as_of_day))
    and (w.termination_day is null or w.termination_day >= c.as_of_day or w.termination_day < w.hire_day)
    and (w.is_active is null or w.is_active = 1 or w.termination_day is not null or w.hire_day > c.as_of_day)
group by e.row_id, e.id, e.userprincipalname, e.displayname, w.personal_mail

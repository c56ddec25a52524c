-- title: otherMails without HR's address
-- meaning: The worker's only Entra user has otherMails, and HR's personal address is not among them (compared without
--   case). The value shown is the first of them. Left out: leavers. One row per user and address of HR.
-- family: sspr
-- severity: low
-- fix: Ask the person which address is right; backfill never replaces what is there.
-- source: https://learn.microsoft.com/entra/identity/authentication/howto-sspr-authenticationdata
-- personal: yes
select
    'entra_user' as object_type,
    e.id as object_key,
    coalesce(e.userprincipalname, e.displayname) as object_name,
    'otherMails' as attribute,
    w.personal_mail as hr_value,
    null as ad_value,
    o.value as entra_value
from worker as w
inner join worker_match as m on m.worker_row_id = w.row_id
inner join entra_user as e on e.row_id = m.entra_row_id
cross join clock as c
left join entra_user_othermail as o on o.source_id = e.source_id and o.id = e.id and o.position = 0
where
    e.othermails_count > 0
    and w.personal_mail_key is not null
    and (w.termination_day is null or w.termination_day >= c.as_of_day or w.termination_day < w.hire_day)
    and (w.is_active is null or w.is_active = 1 or w.termination_day is not null or w.hire_day > c.as_of_day)
    and not exists (
        select 1
        from entra_user_othermail as x
        where x.source_id = e.source_id and x.id = e.id and x.value_key = w.personal_mail_key
    )
group by e.source_id, e.id, e.userprincipalname, e.displayname, w.personal_mail, o.value

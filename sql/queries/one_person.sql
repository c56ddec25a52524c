-- title: One person everywhere
-- meaning: Every record of a person: those that carry what is asked for, and those matched with them. One row per
--   record.
-- param: who key worker id, employee id, UPN, mail or account name, whole, in any case
with named_worker as (
    select w.row_id
    from worker as w
    where w.worker_key = :who or w.employeeid_key = :who or w.work_mail_key = :who or w.personal_mail_key = :who
),

named_ad as (
    select a.row_id
    from ad_user as a
    where a.employeeid_key = :who or a.upn_key = :who or a.mail_key = :who or a.sam_key = :who
),

named_entra as (
    select e.row_id
    from entra_user as e
    where e.employeeid_key = :who or e.upn_key = :who or e.mail_key = :who or e.sam_key = :who
),

known_ad as (
    select n.row_id
    from named_ad as n
    union
    select m.ad_row_id
    from user_match as m
    inner join named_entra as n on n.row_id = m.entra_row_id
    union
    select k.ad_row_id
    from worker_match as k
    inner join named_worker as n on n.row_id = k.worker_row_id
    where k.ad_row_id is not null
),

known_entra as (
    select n.row_id
    from named_entra as n
    union
    select m.entra_row_id
    from user_match as m
    inner join known_ad as n on n.row_id = m.ad_row_id
    union
    select k.entra_row_id
    from worker_match as k
    inner join named_worker as n on n.row_id = k.worker_row_id
    where k.entra_row_id is not null
),

known_worker as (
    select n.row_id
    from named_worker as n
    union
    select k.worker_row_id
    from worker_match as k
    inner join known_ad as n on n.row_id = k.ad_row_id
    union
    select k.worker_row_id
    from worker_match as k
    inner join known_entra as n on n.row_id = k.entra_row_id
)

select
    'worker' as record,
    w.worker_id as record_key,
    w.display_name,
    w.employee_id,
    w.work_mail as mail,
    null as userprincipalname,
    w.is_active as is_enabled,
    null as anchor
from worker as w
inner join known_worker as k on k.row_id = w.row_id
union all
select
    'ad_user' as record,
    a.guid,
    a.displayname,
    a.employeeid,
    a.mail,
    a.userprincipalname,
    a.is_enabled,
    a.immutable_id
from ad_user as a
inner join known_ad as k on k.row_id = a.row_id
union all
select
    'entra_user' as record,
    e.id,
    e.displayname,
    e.employeeid,
    e.mail,
    e.userprincipalname,
    e.is_enabled,
    e.onpremisesimmutableid
from entra_user as e
inner join known_entra as k on k.row_id = e.row_id

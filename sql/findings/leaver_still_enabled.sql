-- title: Leaver still enabled
-- meaning: HR says that the worker has left (the termination date lies further back than the grace, whatever the
--   status says, or the worker is inactive without such a date), and an account that carries the employee id, or is
--   matched with one that does, is enabled. Left out: workers hired again later, ids that another active worker
--   holds, and guests. Of several leavers with one id the last date. One row per account.
-- family: lifecycle
-- default: on
-- severity: critical
-- fix: Disable the account and revoke its sessions; ask HR when the date is wrong.
-- source: https://learn.microsoft.com/entra/identity/app-provisioning/plan-auto-user-provisioning
with ad_link as (
    select l.worker_source_id, l.ad_source_id
    from source_link as l
    where l.worker_source_id is not null and l.ad_source_id is not null
    group by l.worker_source_id, l.ad_source_id
),

entra_link as (
    select l.worker_source_id, l.entra_source_id
    from source_link as l
    where l.worker_source_id is not null and l.entra_source_id is not null
    group by l.worker_source_id, l.entra_source_id
),

ad_carrier as (
    select v.hr_value, a.row_id
    from leaver as v
    inner join ad_link as l on l.worker_source_id = v.source_id
    inner join ad_user as a on a.employeeid_key = v.employeeid_key and a.source_id = l.ad_source_id
),

entra_carrier as (
    select v.hr_value, e.row_id
    from leaver as v
    inner join entra_link as l on l.worker_source_id = v.source_id
    inner join entra_user as e on e.employeeid_key = v.employeeid_key and e.source_id = l.entra_source_id
    where (e.is_guest is null or e.is_guest = 0)
),

ad_either as (
    select c.hr_value, c.row_id
    from ad_carrier as c
    union all
    select c.hr_value, m.ad_row_id
    from entra_carrier as c
    inner join user_match as m on m.entra_row_id = c.row_id
),

ad_account as (
    select
        a.row_id as ad_row_id,
        a.guid,
        coalesce(a.userprincipalname, a.samaccountname, a.cn) as name,
        a.useraccountcontrol,
        a.is_enabled,
        max(t.hr_value) as hr_value
    from ad_either as t
    inner join ad_user as a on a.row_id = t.row_id
    group by a.row_id, a.guid, a.userprincipalname, a.samaccountname, a.cn, a.useraccountcontrol, a.is_enabled
),

either as (
    select c.hr_value, c.row_id as entra_row_id
    from entra_carrier as c
    union all
    select c.hr_value, m.entra_row_id
    from ad_carrier as c
    inner join user_match as m on m.ad_row_id = c.row_id
),

entra_account as (
    select t.entra_row_id, max(t.hr_value) as hr_value
    from either as t
    group by t.entra_row_id
)

select
    'ad_user' as object_type,
    aa.guid as object_key,
    aa.name as object_name,
    'userAccountControl' as attribute,
    aa.hr_value,
    cast(aa.useraccountcontrol as varchar(11)) as ad_value,
    null as entra_value
from ad_account as aa
where aa.is_enabled = 1
union all
select
    'entra_user' as object_type,
    e.id as object_key,
    coalesce(e.userprincipalname, e.displayname) as object_name,
    'accountEnabled' as attribute,
    ea.hr_value,
    null as ad_value,
    'true' as entra_value
from entra_account as ea
inner join entra_user as e on e.row_id = ea.entra_row_id
where e.is_enabled = 1 and (e.is_guest is null or e.is_guest = 0)

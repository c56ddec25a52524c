-- title: Leaver still in a privileged group
-- meaning: HR says that the worker has left (see leaver_still_enabled), and an AD account that carries the employee
--   id, enabled or not, is in a privileged group (table privileged_account): directly, through nested groups, or as
--   its primary group. The AD value is the group with its objectGUID. One row per account and group.
-- family: lifecycle
-- default: on
-- severity: critical
-- fix: Take the account out of the group at once.
-- source: https://learn.microsoft.com/windows-server/identity/ad-ds/plan/security-best-practices/appendix-c--protected-accounts-and-groups-in-active-directory
-- identity: ad_value
with ad_link as (
    select l.worker_source_id, l.ad_source_id
    from source_link as l
    where l.worker_source_id is not null and l.ad_source_id is not null
    group by l.worker_source_id, l.ad_source_id
),

ad_account as (
    select a.row_id, max(v.hr_value) as hr_value
    from leaver as v
    inner join ad_link as l on l.worker_source_id = v.source_id
    inner join ad_user as a on a.employeeid_key = v.employeeid_key and a.source_id = l.ad_source_id
    group by a.row_id
)

select
    'ad_user' as object_type,
    a.guid as object_key,
    coalesce(a.userprincipalname, a.samaccountname, a.cn) as object_name,
    'memberOf' as attribute,
    aa.hr_value as hr_value,
    coalesce(
        replace(replace('[name] ([id])', '[id]', p.holder_key), '[name]', p.holder_name), p.holder_key
    ) as ad_value,
    null as entra_value
from ad_account as aa
inner join ad_user as a on a.row_id = aa.row_id
inner join privileged_account as p on p.account_row_id = a.row_id and p.object_type = 'ad_user'

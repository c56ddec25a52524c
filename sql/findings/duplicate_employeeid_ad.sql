-- title: Employee id twice in AD
-- meaning: Several AD users of linked domains carry the same employee id, as the configured normaliser reads it. An
--   object that stands in two sources while it moves counts once. One row per AD user of such a group.
-- family: match
-- default: on
-- severity: high
-- fix: Keep the id on the person's own account; admin and service accounts get another attribute.
-- source: https://learn.microsoft.com/entra/identity/app-provisioning/inbound-provisioning-api-configure-app
with together as (
    select one.ad_source_id as source_id, other.ad_source_id as other_id
    from source_link as one
    inner join source_link as other
        on other.ad_source_id = one.ad_source_id
        or other.entra_source_id = one.entra_source_id
        or other.worker_source_id = one.worker_source_id
    where one.ad_source_id is not null and other.ad_source_id is not null
    union
    select s.source_id, s.source_id
    from source as s
    where s.kind = 'ad'
),

repeated as (
    select a.employeeid_key
    from ad_user as a
    where a.employeeid_key is not null
    group by a.employeeid_key
    -- as a case: PostgreSQL then expects few of them, and looks these up by index
    having case when count(*) > 1 then 1 else 0 end = 1
),

shared as (
    select t.source_id, a.employeeid_key
    from repeated as r
    inner join ad_user as a on a.employeeid_key = r.employeeid_key
    inner join together as t on t.other_id = a.source_id
    group by t.source_id, a.employeeid_key
    having count(distinct a.guid) > 1
)

select
    'ad_user' as object_type,
    a.guid as object_key,
    coalesce(a.userprincipalname, a.samaccountname, a.cn) as object_name,
    'employeeID' as attribute,
    null as hr_value,
    a.employeeid as ad_value,
    null as entra_value
from ad_user as a
inner join shared as s on s.source_id = a.source_id and s.employeeid_key = a.employeeid_key

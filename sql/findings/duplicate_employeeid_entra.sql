-- title: Employee id twice in Entra
-- meaning: Several members of one tenant, or of tenants that belong together, carry the same employee id, as the
--   configured normaliser reads it. Guests are left out: an employee may be a guest beside being a member. One row
--   per Entra user of such a group.
-- family: match
-- default: on
-- severity: high
-- fix: Keep the id on the person's own user; correct synced users in AD.
-- source: https://learn.microsoft.com/graph/api/resources/user
with together as (
    select one.entra_source_id as source_id, other.entra_source_id as other_id
    from source_link as one
    inner join source_link as other
        on other.entra_source_id = one.entra_source_id
        or other.ad_source_id = one.ad_source_id
        or other.worker_source_id = one.worker_source_id
    where one.entra_source_id is not null and other.entra_source_id is not null
    union
    select s.source_id, s.source_id
    from source as s
    where s.kind = 'entra'
),

repeated as (
    select e.employeeid_key
    from entra_user as e
    where e.employeeid_key is not null
    group by e.employeeid_key
    -- as a case: PostgreSQL then expects few of them, and looks these up by index
    having case when count(*) > 1 then 1 else 0 end = 1
),

shared as (
    select t.source_id, e.employeeid_key
    from repeated as r
    inner join entra_user as e on e.employeeid_key = r.employeeid_key
    inner join together as t on t.other_id = e.source_id
    where (e.is_guest is null or e.is_guest = 0)
    group by t.source_id, e.employeeid_key
    having count(distinct e.id) > 1
)

select
    'entra_user' as object_type,
    e.id as object_key,
    coalesce(e.userprincipalname, e.displayname) as object_name,
    'employeeId' as attribute,
    null as hr_value,
    null as ad_value,
    e.employeeid as entra_value
from entra_user as e
inner join shared as s on s.source_id = e.source_id and s.employeeid_key = e.employeeid_key
where (e.is_guest is null or e.is_guest = 0)

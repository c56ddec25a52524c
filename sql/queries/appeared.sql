-- title: Who appeared
-- meaning: One row per object that a load between the two showed for the first time, as far back as history is
--   kept: of the load where it begins nobody knows what was there before. Where the key is the name,
--   object_name is NULL.
-- param: before int number of the load to compare from (kept_loads lists them), itself not included
-- param: before_at time instead of before: UTC, for example 2026-03-01
-- param: after int number of the load to compare up to, itself included
-- param: after_at time instead of after: UTC
select
    s.name as source_name,
    'ad_user' as object_type,
    c.guid as object_key,
    c.displayname as object_name,
    r.run_id,
    r.finished_at
from ad_user as c
inner join load_run as r on r.run_id = c.run_id
inner join source as s on s.source_id = c.source_id
where
    (r.run_id > :before or r.finished_at > :before_at)
    and (r.run_id <= :after or r.finished_at <= :after_at)
    and r.run_id > coalesce(s.history_run, 0)
    and not exists (
        select 1
        from ad_user_history as o
        where o.source_id = c.source_id and o.guid = c.guid and o.to_run <= c.run_id
    )
union all
select
    s.name as source_name,
    'ad_user' as object_type,
    h.guid as object_key,
    h.displayname as object_name,
    r.run_id,
    r.finished_at
from ad_user_history as h
inner join load_run as r on r.run_id = h.from_run
inner join source as s on s.source_id = h.source_id
where
    (r.run_id > :before or r.finished_at > :before_at)
    and (r.run_id <= :after or r.finished_at <= :after_at)
    and r.run_id > coalesce(s.history_run, 0)
    and not exists (
        select 1
        from ad_user_history as o
        where o.source_id = h.source_id and o.guid = h.guid and o.to_run <= h.from_run
    )
union all
select
    s.name as source_name,
    'ad_group' as object_type,
    c.guid as object_key,
    c.name as object_name,
    r.run_id,
    r.finished_at
from ad_group as c
inner join load_run as r on r.run_id = c.run_id
inner join source as s on s.source_id = c.source_id
where
    (r.run_id > :before or r.finished_at > :before_at)
    and (r.run_id <= :after or r.finished_at <= :after_at)
    and r.run_id > coalesce(s.history_run, 0)
    and not exists (
        select 1
        from ad_group_history as o
        where o.source_id = c.source_id and o.guid = c.guid and o.to_run <= c.run_id
    )
union all
select
    s.name as source_name,
    'ad_group' as object_type,
    h.guid as object_key,
    h.name as object_name,
    r.run_id,
    r.finished_at
from ad_group_history as h
inner join load_run as r on r.run_id = h.from_run
inner join source as s on s.source_id = h.source_id
where
    (r.run_id > :before or r.finished_at > :before_at)
    and (r.run_id <= :after or r.finished_at <= :after_at)
    and r.run_id > coalesce(s.history_run, 0)
    and not exists (
        select 1
        from ad_group_history as o
        where o.source_id = h.source_id and o.guid = h.guid and o.to_run <= h.from_run
    )
union all
select
    s.name as source_name,
    'ad_computer' as object_type,
    c.guid as object_key,
    c.name as object_name,
    r.run_id,
    r.finished_at
from ad_computer as c
inner join load_run as r on r.run_id = c.run_id
inner join source as s on s.source_id = c.source_id
where
    (r.run_id > :before or r.finished_at > :before_at)
    and (r.run_id <= :after or r.finished_at <= :after_at)
    and r.run_id > coalesce(s.history_run, 0)
    and not exists (
        select 1
        from ad_computer_history as o
        where o.source_id = c.source_id and o.guid = c.guid and o.to_run <= c.run_id
    )
union all
select
    s.name as source_name,
    'ad_computer' as object_type,
    h.guid as object_key,
    h.name as object_name,
    r.run_id,
    r.finished_at
from ad_computer_history as h
inner join load_run as r on r.run_id = h.from_run
inner join source as s on s.source_id = h.source_id
where
    (r.run_id > :before or r.finished_at > :before_at)
    and (r.run_id <= :after or r.finished_at <= :after_at)
    and r.run_id > coalesce(s.history_run, 0)
    and not exists (
        select 1
        from ad_computer_history as o
        where o.source_id = h.source_id and o.guid = h.guid and o.to_run <= h.from_run
    )
union all
select
    s.name as source_name,
    'ad_contact' as object_type,
    c.guid as object_key,
    c.displayname as object_name,
    r.run_id,
    r.finished_at
from ad_contact as c
inner join load_run as r on r.run_id = c.run_id
inner join source as s on s.source_id = c.source_id
where
    (r.run_id > :before or r.finished_at > :before_at)
    and (r.run_id <= :after or r.finished_at <= :after_at)
    and r.run_id > coalesce(s.history_run, 0)
    and not exists (
        select 1
        from ad_contact_history as o
        where o.source_id = c.source_id and o.guid = c.guid and o.to_run <= c.run_id
    )
union all
select
    s.name as source_name,
    'ad_contact' as object_type,
    h.guid as object_key,
    h.displayname as object_name,
    r.run_id,
    r.finished_at
from ad_contact_history as h
inner join load_run as r on r.run_id = h.from_run
inner join source as s on s.source_id = h.source_id
where
    (r.run_id > :before or r.finished_at > :before_at)
    and (r.run_id <= :after or r.finished_at <= :after_at)
    and r.run_id > coalesce(s.history_run, 0)
    and not exists (
        select 1
        from ad_contact_history as o
        where o.source_id = h.source_id and o.guid = h.guid and o.to_run <= h.from_run
    )
union all
select
    s.name as source_name,
    'ad_deleted' as object_type,
    c.guid as object_key,
    c.last_name as object_name,
    r.run_id,
    r.finished_at
from ad_deleted as c
inner join load_run as r on r.run_id = c.run_id
inner join source as s on s.source_id = c.source_id
where
    (r.run_id > :before or r.finished_at > :before_at)
    and (r.run_id <= :after or r.finished_at <= :after_at)
    and r.run_id > coalesce(s.history_run, 0)
    and not exists (
        select 1
        from ad_deleted_history as o
        where o.source_id = c.source_id and o.guid = c.guid and o.to_run <= c.run_id
    )
union all
select
    s.name as source_name,
    'ad_deleted' as object_type,
    h.guid as object_key,
    h.last_name as object_name,
    r.run_id,
    r.finished_at
from ad_deleted_history as h
inner join load_run as r on r.run_id = h.from_run
inner join source as s on s.source_id = h.source_id
where
    (r.run_id > :before or r.finished_at > :before_at)
    and (r.run_id <= :after or r.finished_at <= :after_at)
    and r.run_id > coalesce(s.history_run, 0)
    and not exists (
        select 1
        from ad_deleted_history as o
        where o.source_id = h.source_id and o.guid = h.guid and o.to_run <= h.from_run
    )
union all
select
    s.name as source_name,
    'ad_domain' as object_type,
    c.guid as object_key,
    c.distinguishedname as object_name,
    r.run_id,
    r.finished_at
from ad_domain as c
inner join load_run as r on r.run_id = c.run_id
inner join source as s on s.source_id = c.source_id
where
    (r.run_id > :before or r.finished_at > :before_at)
    and (r.run_id <= :after or r.finished_at <= :after_at)
    and r.run_id > coalesce(s.history_run, 0)
    and not exists (
        select 1
        from ad_domain_history as o
        where o.source_id = c.source_id and o.guid = c.guid and o.to_run <= c.run_id
    )
union all
select
    s.name as source_name,
    'ad_domain' as object_type,
    h.guid as object_key,
    h.distinguishedname as object_name,
    r.run_id,
    r.finished_at
from ad_domain_history as h
inner join load_run as r on r.run_id = h.from_run
inner join source as s on s.source_id = h.source_id
where
    (r.run_id > :before or r.finished_at > :before_at)
    and (r.run_id <= :after or r.finished_at <= :after_at)
    and r.run_id > coalesce(s.history_run, 0)
    and not exists (
        select 1
        from ad_domain_history as o
        where o.source_id = h.source_id and o.guid = h.guid and o.to_run <= h.from_run
    )
union all
select
    s.name as source_name,
    'ad_password_policy' as object_type,
    c.guid as object_key,
    c.name as object_name,
    r.run_id,
    r.finished_at
from ad_password_policy as c
inner join load_run as r on r.run_id = c.run_id
inner join source as s on s.source_id = c.source_id
where
    (r.run_id > :before or r.finished_at > :before_at)
    and (r.run_id <= :after or r.finished_at <= :after_at)
    and r.run_id > coalesce(s.history_run, 0)
    and not exists (
        select 1
        from ad_password_policy_history as o
        where o.source_id = c.source_id and o.guid = c.guid and o.to_run <= c.run_id
    )
union all
select
    s.name as source_name,
    'ad_password_policy' as object_type,
    h.guid as object_key,
    h.name as object_name,
    r.run_id,
    r.finished_at
from ad_password_policy_history as h
inner join load_run as r on r.run_id = h.from_run
inner join source as s on s.source_id = h.source_id
where
    (r.run_id > :before or r.finished_at > :before_at)
    and (r.run_id <= :after or r.finished_at <= :after_at)
    and r.run_id > coalesce(s.history_run, 0)
    and not exists (
        select 1
        from ad_password_policy_history as o
        where o.source_id = h.source_id and o.guid = h.guid and o.to_run <= h.from_run
    )
union all
select
    s.name as source_name,
    'entra_user' as object_type,
    c.id as object_key,
    c.displayname as object_name,
    r.run_id,
    r.finished_at
from entra_user as c
inner join load_run as r on r.run_id = c.run_id
inner join source as s on s.source_id = c.source_id
where
    (r.run_id > :before or r.finished_at > :before_at)
    and (r.run_id <= :after or r.finished_at <= :after_at)
    and r.run_id > coalesce(s.history_run, 0)
    and not exists (
        select 1
        from entra_user_history as o
        where o.source_id = c.source_id and o.id = c.id and o.to_run <= c.run_id
    )
union all
select
    s.name as source_name,
    'entra_user' as object_type,
    h.id as object_key,
    h.displayname as object_name,
    r.run_id,
    r.finished_at
from entra_user_history as h
inner join load_run as r on r.run_id = h.from_run
inner join source as s on s.source_id = h.source_id
where
    (r.run_id > :before or r.finished_at > :before_at)
    and (r.run_id <= :after or r.finished_at <= :after_at)
    and r.run_id > coalesce(s.history_run, 0)
    and not exists (
        select 1
        from entra_user_history as o
        where o.source_id = h.source_id and o.id = h.id and o.to_run <= h.from_run
    )
union all
select
    s.name as source_name,
    'entra_group' as object_type,
    c.id as object_key,
    c.displayname as object_name,
    r.run_id,
    r.finished_at
from entra_group as c
inner join load_run as r on r.run_id = c.run_id
inner join source as s on s.source_id = c.source_id
where
    (r.run_id > :before or r.finished_at > :before_at)
    and (r.run_id <= :after or r.finished_at <= :after_at)
    and r.run_id > coalesce(s.history_run, 0)
    and not exists (
        select 1
        from entra_group_history as o
        where o.source_id = c.source_id and o.id = c.id and o.to_run <= c.run_id
    )
union all
select
    s.name as source_name,
    'entra_group' as object_type,
    h.id as object_key,
    h.displayname as object_name,
    r.run_id,
    r.finished_at
from entra_group_history as h
inner join load_run as r on r.run_id = h.from_run
inner join source as s on s.source_id = h.source_id
where
    (r.run_id > :before or r.finished_at > :before_at)
    and (r.run_id <= :after or r.finished_at <= :after_at)
    and r.run_id > coalesce(s.history_run, 0)
    and not exists (
        select 1
        from entra_group_history as o
        where o.source_id = h.source_id and o.id = h.id and o.to_run <= h.from_run
    )
union all
select
    s.name as source_name,
    'entra_deleted' as object_type,
    c.id as object_key,
    c.displayname as object_name,
    r.run_id,
    r.finished_at
from entra_deleted as c
inner join load_run as r on r.run_id = c.run_id
inner join source as s on s.source_id = c.source_id
where
    (r.run_id > :before or r.finished_at > :before_at)
    and (r.run_id <= :after or r.finished_at <= :after_at)
    and r.run_id > coalesce(s.history_run, 0)
    and not exists (
        select 1
        from entra_deleted_history as o
        where o.source_id = c.source_id and o.id = c.id and o.to_run <= c.run_id
    )
union all
select
    s.name as source_name,
    'entra_deleted' as object_type,
    h.id as object_key,
    h.displayname as object_name,
    r.run_id,
    r.finished_at
from entra_deleted_history as h
inner join load_run as r on r.run_id = h.from_run
inner join source as s on s.source_id = h.source_id
where
    (r.run_id > :before or r.finished_at > :before_at)
    and (r.run_id <= :after or r.finished_at <= :after_at)
    and r.run_id > coalesce(s.history_run, 0)
    and not exists (
        select 1
        from entra_deleted_history as o
        where o.source_id = h.source_id and o.id = h.id and o.to_run <= h.from_run
    )
union all
select
    s.name as source_name,
    'entra_role' as object_type,
    c.id as object_key,
    c.displayname as object_name,
    r.run_id,
    r.finished_at
from entra_role as c
inner join load_run as r on r.run_id = c.run_id
inner join source as s on s.source_id = c.source_id
where
    (r.run_id > :before or r.finished_at > :before_at)
    and (r.run_id <= :after or r.finished_at <= :after_at)
    and r.run_id > coalesce(s.history_run, 0)
    and not exists (
        select 1
        from entra_role_history as o
        where o.source_id = c.source_id and o.id = c.id and o.to_run <= c.run_id
    )
union all
select
    s.name as source_name,
    'entra_role' as object_type,
    h.id as object_key,
    h.displayname as object_name,
    r.run_id,
    r.finished_at
from entra_role_history as h
inner join load_run as r on r.run_id = h.from_run
inner join source as s on s.source_id = h.source_id
where
    (r.run_id > :before or r.finished_at > :before_at)
    and (r.run_id <= :after or r.finished_at <= :after_at)
    and r.run_id > coalesce(s.history_run, 0)
    and not exists (
        select 1
        from entra_role_history as o
        where o.source_id = h.source_id and o.id = h.id and o.to_run <= h.from_run
    )
union all
select
    s.name as source_name,
    'entra_registration' as object_type,
    c.id as object_key,
    c.userprincipalname as object_name,
    r.run_id,
    r.finished_at
from entra_registration as c
inner join load_run as r on r.run_id = c.run_id
inner join source as s on s.source_id = c.source_id
where
    (r.run_id > :before or r.finished_at > :before_at)
    and (r.run_id <= :after or r.finished_at <= :after_at)
    and r.run_id > coalesce(s.history_run, 0)
    and not exists (
        select 1
        from entra_registration_history as o
        where o.source_id = c.source_id and o.id = c.id and o.to_run <= c.run_id
    )
union all
select
    s.name as source_name,
    'entra_registration' as object_type,
    h.id as object_key,
    h.userprincipalname as object_name,
    r.run_id,
    r.finished_at
from entra_registration_history as h
inner join load_run as r on r.run_id = h.from_run
inner join source as s on s.source_id = h.source_id
where
    (r.run_id > :before or r.finished_at > :before_at)
    and (r.run_id <= :after or r.finished_at <= :after_at)
    and r.run_id > coalesce(s.history_run, 0)
    and not exists (
        select 1
        from entra_registration_history as o
        where o.source_id = h.source_id and o.id = h.id and o.to_run <= h.from_run
    )
union all
select
    s.name as source_name,
    'entra_signin' as object_type,
    c.id as object_key,
    null as object_name,
    r.run_id,
    r.finished_at
from entra_signin as c
inner join load_run as r on r.run_id = c.run_id
inner join source as s on s.source_id = c.source_id
where
    (r.run_id > :before or r.finished_at > :before_at)
    and (r.run_id <= :after or r.finished_at <= :after_at)
    and r.run_id > coalesce(s.history_run, 0)
    and not exists (
        select 1
        from entra_signin_history as o
        where o.source_id = c.source_id and o.id = c.id and o.to_run <= c.run_id
    )
union all
select
    s.name as source_name,
    'entra_signin' as object_type,
    h.id as object_key,
    null as object_name,
    r.run_id,
    r.finished_at
from entra_signin_history as h
inner join load_run as r on r.run_id = h.from_run
inner join source as s on s.source_id = h.source_id
where
    (r.run_id > :before or r.finished_at > :before_at)
    and (r.run_id <= :after or r.finished_at <= :after_at)
    and r.run_id > coalesce(s.history_run, 0)
    and not exists (
        select 1
        from entra_signin_history as o
        where o.source_id = h.source_id and o.id = h.id and o.to_run <= h.from_run
    )
union all
select
    s.name as source_name,
    'entra_domain' as object_type,
    c.id as object_key,
    null as object_name,
    r.run_id,
    r.finished_at
from entra_domain as c
inner join load_run as r on r.run_id = c.run_id
inner join source as s on s.source_id = c.source_id
where
    (r.run_id > :before or r.finished_at > :before_at)
    and (r.run_id <= :after or r.finished_at <= :after_at)
    and r.run_id > coalesce(s.history_run, 0)
    and not exists (
        select 1
        from entra_domain_history as o
        where o.source_id = c.source_id and o.id = c.id and o.to_run <= c.run_id
    )
union all
select
    s.name as source_name,
    'entra_domain' as object_type,
    h.id as object_key,
    null as object_name,
    r.run_id,
    r.finished_at
from entra_domain_history as h
inner join load_run as r on r.run_id = h.from_run
inner join source as s on s.source_id = h.source_id
where
    (r.run_id > :before or r.finished_at > :before_at)
    and (r.run_id <= :after or r.finished_at <= :after_at)
    and r.run_id > coalesce(s.history_run, 0)
    and not exists (
        select 1
        from entra_domain_history as o
        where o.source_id = h.source_id and o.id = h.id and o.to_run <= h.from_run
    )
union all
select
    s.name as source_name,
    'worker' as object_type,
    c.worker_id as object_key,
    c.display_name as object_name,
    r.run_id,
    r.finished_at
from worker as c
inner join load_run as r on r.run_id = c.run_id
inner join source as s on s.source_id = c.source_id
where
    (r.run_id > :before or r.finished_at > :before_at)
    and (r.run_id <= :after or r.finished_at <= :after_at)
    and r.run_id > coalesce(s.history_run, 0)
    and not exists (
        select 1
        from worker_history as o
        where o.source_id = c.source_id and o.worker_id = c.worker_id and o.to_run <= c.run_id
    )
union all
select
    s.name as source_name,
    'worker' as object_type,
    h.worker_id as object_key,
    h.display_name as object_name,
    r.run_id,
    r.finished_at
from worker_history as h
inner join load_run as r on r.run_id = h.from_run
inner join source as s on s.source_id = h.source_id
where
    (r.run_id > :before or r.finished_at > :before_at)
    and (r.run_id <= :after or r.finished_at <= :after_at)
    and r.run_id > coalesce(s.history_run, 0)
    and not exists (
        select 1
        from worker_history as o
        where o.source_id = h.source_id and o.worker_id = h.worker_id and o.to_run <= h.from_run
    )
union all
select
    s.name as source_name,
    'mim_role' as object_type,
    c.role as object_key,
    null as object_name,
    r.run_id,
    r.finished_at
from mim_role as c
inner join load_run as r on r.run_id = c.run_id
inner join source as s on s.source_id = c.source_id
where
    (r.run_id > :before or r.finished_at > :before_at)
    and (r.run_id <= :after or r.finished_at <= :after_at)
    and r.run_id > coalesce(s.history_run, 0)
    and not exists (
        select 1
        from mim_role_history as o
        where o.source_id = c.source_id and o.role = c.role and o.to_run <= c.run_id
    )
union all
select
    s.name as source_name,
    'mim_role' as object_type,
    h.role as object_key,
    null as object_name,
    r.run_id,
    r.finished_at
from mim_role_history as h
inner join load_run as r on r.run_id = h.from_run
inner join source as s on s.source_id = h.source_id
where
    (r.run_id > :before or r.finished_at > :before_at)
    and (r.run_id <= :after or r.finished_at <= :after_at)
    and r.run_id > coalesce(s.history_run, 0)
    and not exists (
        select 1
        from mim_role_history as o
        where o.source_id = h.source_id and o.role = h.role and o.to_run <= h.from_run
    )
union all
select
    s.name as source_name,
    'mim_run' as object_type,
    c.run_history_id as object_key,
    c.run_profile_name as object_name,
    r.run_id,
    r.finished_at
from mim_run as c
inner join load_run as r on r.run_id = c.run_id
inner join source as s on s.source_id = c.source_id
where
    (r.run_id > :before or r.finished_at > :before_at)
    and (r.run_id <= :after or r.finished_at <= :after_at)
    and r.run_id > coalesce(s.history_run, 0)
    and not exists (
        select 1
        from mim_run_history as o
        where o.source_id = c.source_id and o.run_history_id = c.run_history_id and o.to_run <= c.run_id
    )
union all
select
    s.name as source_name,
    'mim_run' as object_type,
    h.run_history_id as object_key,
    h.run_profile_name as object_name,
    r.run_id,
    r.finished_at
from mim_run_history as h
inner join load_run as r on r.run_id = h.from_run
inner join source as s on s.source_id = h.source_id
where
    (r.run_id > :before or r.finished_at > :before_at)
    and (r.run_id <= :after or r.finished_at <= :after_at)
    and r.run_id > coalesce(s.history_run, 0)
    and not exists (
        select 1
        from mim_run_history as o
        where o.source_id = h.source_id and o.run_history_id = h.run_history_id and o.to_run <= h.from_run
    )

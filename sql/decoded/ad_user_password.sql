-- title: AD users, password age and lockout
-- meaning: How old each user's password may become under the policy that holds for the user, whether it has expired by
--   the clock, and whether the account is locked. One row per AD user of a source whose domain is loaded ([ad] objects
--   = "domain"). policy_name is the fine-grained policy that holds ([ad] objects = "policies"): one that is applied to
--   the user, else to a global security group of the user, nested and primary ones included; of several the one with
--   the lowest precedence, then the smallest GUID. NULL: the domain's own.
-- note: is_computed 1: the domain controller said it at the load (msDS-User-Account-Control-Computed). Else policy and
--   the time since the change decide, to the second (max_password_days is rounded down), and a lockout that ends by
--   itself is NULL: unknown.
-- source: [MS-ADTS] 3.1.1.4.5.36 msDS-ResultantPSO, 3.1.1.4.5.33 msDS-UserPasswordExpiryTimeComputed
with applied as (
    select
        t.source_id, t.target_key, p.guid, coalesce(p.msdspasswordsettingsprecedence, 2147483647) as precedence
    from ad_password_policy_target as t
    inner join ad_password_policy as p on p.guid = t.guid and p.source_id = t.source_id
),

applied_group as (
    select a.source_id, a.guid, a.precedence, g.guid as group_guid, g.rid
    from applied as a
    inner join ad_group as g on g.dn_key = a.target_key and g.source_id = a.source_id
    where g.grouptype < 0 and (g.grouptype & 2) = 2
),

reached as (
    select u.row_id, a.guid, a.precedence, 0 as is_by_group
    from applied as a
    inner join ad_user as u on u.dn_key = a.target_key and u.source_id = a.source_id
    union all
    select u.row_id, a.guid, a.precedence, 1
    from applied_group as a
    inner join ad_member_closure as c on c.guid = a.group_guid and c.source_id = a.source_id
    inner join ad_user as u on u.dn_key = c.member_key and u.source_id = a.source_id
    union all
    select u.row_id, a.guid, a.precedence, 1
    from applied_group as a
    inner join ad_user as u on u.primarygroupid = a.rid and u.source_id = a.source_id
    union all
    select u.row_id, a.guid, a.precedence, 1
    from applied_group as a
    inner join ad_member_closure as c on c.guid = a.group_guid and c.source_id = a.source_id
    inner join ad_group as n on n.dn_key = c.member_key and n.source_id = a.source_id
    inner join ad_user as u on u.primarygroupid = n.rid and u.source_id = a.source_id
),

nearest as (
    select r.row_id, min(r.is_by_group) as is_by_group
    from reached as r
    group by r.row_id
),

lowest as (
    select r.row_id, r.is_by_group, min(r.precedence) as precedence
    from reached as r
    inner join nearest as n on n.row_id = r.row_id and n.is_by_group = r.is_by_group
    group by r.row_id, r.is_by_group
),

resultant as (
    select r.row_id, min(r.guid) as guid
    from reached as r
    inner join lowest as l on l.row_id = r.row_id and l.is_by_group = r.is_by_group and l.precedence = r.precedence
    group by r.row_id
),

policy as (
    select
        r.row_id, p.name, p.msdsmaximumpasswordage as max_age, p.max_password_days,
        p.msdsminimumpasswordlength as min_length, p.msdslockoutthreshold as lockout_threshold,
        p.msdslockoutduration as lockout_duration, p.lockout_minutes, 1 as is_own
    from resultant as r
    inner join ad_user as u on u.row_id = r.row_id
    inner join ad_password_policy as p on p.guid = r.guid and p.source_id = u.source_id
    where (u.useraccountcontrol & 512) = 512
),

effective as (
    select
        u.row_id,
        p.name as policy_name,
        case when p.is_own = 1 then p.max_age else d.maxpwdage end as max_age,
        case when p.is_own = 1 then p.max_password_days else d.max_password_days end as max_password_days,
        case when p.is_own = 1 then p.min_length else d.minpwdlength end as minpwdlength,
        case when p.is_own = 1 then p.lockout_threshold else d.lockoutthreshold end as lockoutthreshold,
        case when p.is_own = 1 then p.lockout_duration else d.lockoutduration end as lockout_duration,
        case when p.is_own = 1 then p.lockout_minutes else d.lockout_minutes end as lockout_minutes
    from ad_user as u
    inner join ad_domain as d on d.source_id = u.source_id
    left join policy as p on p.row_id = u.row_id
)

select
    u.row_id,
    u.source_id,
    u.guid,
    u.samaccountname,
    u.userprincipalname,
    u.is_enabled,
    e.policy_name,
    e.max_password_days,
    e.minpwdlength,
    e.lockoutthreshold,
    e.lockout_minutes,
    u.pwd_last_set_at,
    c.as_of_day - u.pwd_last_set_day as password_age_days,
    u.locked_out_at,
    case
        when u.msdsuseraccountcontrolcomputed is null then 0
        else 1
    end as is_computed,
    case
        when u.pwdlastset = 0 then 1
        else 0
    end as must_change_password,
    case
        when (u.msdsuseraccountcontrolcomputed & 8388608) = 8388608 then 1
        when u.msdsuseraccountcontrolcomputed is not null then 0
        when u.useraccountcontrol is null then null
        when (u.useraccountcontrol & 65536) = 65536 or (u.useraccountcontrol & 262144) = 262144 then 0
        when u.pwdlastset = 0 then 1
        when e.max_password_days is null and e.max_age is not null then 0
        when e.max_age is null or u.pwdlastset is null or u.pwdlastset < 0 or c.as_of_filetime is null then null
        when u.pwdlastset - c.as_of_filetime <= e.max_age then 1
        else 0
    end as is_password_expired,
    case
        when (u.msdsuseraccountcontrolcomputed & 16) = 16 then 1
        when u.msdsuseraccountcontrolcomputed is not null then 0
        when u.lockouttime is null or u.lockouttime = 0 then 0
        when e.lockout_minutes is null and e.lockout_duration is not null then 1
        else null
    end as is_locked
from ad_user as u
inner join effective as e on e.row_id = u.row_id
left join clock as c on c.clock_id = 1

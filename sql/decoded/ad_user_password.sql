-- title: AD users, password age and lockout
-- meaning: How old each user's password may become under the domain's policy, whether it has expired by the clock, and
--   whether the account is locked. One row per AD user of a source whose domain is loaded ([ad] objects = "domain").
-- note: is_computed 1: the domain controller said it at the load (msDS-User-Account-Control-Computed), fine-grained
--   policies included. Else the domain's policy alone is applied, and a lockout that ends by itself is NULL: unknown.
select
    u.row_id,
    u.source_id,
    u.guid,
    u.samaccountname,
    u.userprincipalname,
    u.is_enabled,
    d.max_password_days,
    d.minpwdlength,
    d.lockoutthreshold,
    d.lockout_minutes,
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
        when d.max_password_days is null then 0
        when u.pwdlastset is null then null
        when u.pwdlastset = 0 then 1
        when u.pwd_last_set_day + d.max_password_days < c.as_of_day then 1
        else 0
    end as is_password_expired,
    case
        when (u.msdsuseraccountcontrolcomputed & 16) = 16 then 1
        when u.msdsuseraccountcontrolcomputed is not null then 0
        when u.lockouttime is null or u.lockouttime = 0 then 0
        when d.lockout_minutes is null then 1
        else null
    end as is_locked
from ad_user as u
inner join ad_domain as d on d.source_id = u.source_id
left join clock as c on c.clock_id = 1

-- title: AD users, decoded
-- meaning: Users of Active Directory with names, keys and times, the flags of userAccountControl by name (1, 0, or
--   NULL where the attribute could not be read), the age of the password, and whether the account has expired, by the
--   clock. One row per AD user.
-- note: LOCKOUT, PASSWORD_EXPIRED and USE_AES_KEYS live in msDS-User-Account-Control-Computed alone; in the stored
--   value they prove nothing, so they appear as computed_ only. uac_passwd_cant_change proves nothing either: it is an
--   access control entry. lastLogonTimestamp is written only when it has become 9 to 14 days old (unless the domain's
--   interval was changed): the last logon may be up to 14 days later than last_logon_at, and days_since_logon up to 14
--   too many; NULL there: never logged on.
select
    u.row_id,
    u.source_id,
    u.guid,
    u.sid,
    u.immutable_id,
    u.samaccountname,
    u.userprincipalname,
    u.upn_suffix,
    u.displayname,
    u.givenname,
    u.sn,
    u.mail,
    u.smtp_primary,
    u.employeeid,
    u.employeenumber,
    u.employeetype,
    u.title,
    u.department,
    u.company,
    u.manager,
    u.ou_path,
    u.distinguishedname,
    u.useraccountcontrol,
    u.is_enabled,
    case
        when u.useraccountcontrol is null then null
        when (u.useraccountcontrol & 1) = 1 then 1
        else 0
    end as uac_script,
    case
        when u.useraccountcontrol is null then null
        when (u.useraccountcontrol & 2) = 2 then 1
        else 0
    end as uac_accountdisable,
    case
        when u.useraccountcontrol is null then null
        when (u.useraccountcontrol & 8) = 8 then 1
        else 0
    end as uac_homedir_required,
    case
        when u.useraccountcontrol is null then null
        when (u.useraccountcontrol & 32) = 32 then 1
        else 0
    end as uac_passwd_notreqd,
    case
        when u.useraccountcontrol is null then null
        when (u.useraccountcontrol & 64) = 64 then 1
        else 0
    end as uac_passwd_cant_change,
    case
        when u.useraccountcontrol is null then null
        when (u.useraccountcontrol & 128) = 128 then 1
        else 0
    end as uac_encrypted_text_pwd_allowed,
    case
        when u.useraccountcontrol is null then null
        when (u.useraccountcontrol & 256) = 256 then 1
        else 0
    end as uac_temp_duplicate_account,
    case
        when u.useraccountcontrol is null then null
        when (u.useraccountcontrol & 512) = 512 then 1
        else 0
    end as uac_normal_account,
    case
        when u.useraccountcontrol is null then null
        when (u.useraccountcontrol & 2048) = 2048 then 1
        else 0
    end as uac_interdomain_trust_account,
    case
        when u.useraccountcontrol is null then null
        when (u.useraccountcontrol & 4096) = 4096 then 1
        else 0
    end as uac_workstation_trust_account,
    case
        when u.useraccountcontrol is null then null
        when (u.useraccountcontrol & 8192) = 8192 then 1
        else 0
    end as uac_server_trust_account,
    case
        when u.useraccountcontrol is null then null
        when (u.useraccountcontrol & 65536) = 65536 then 1
        else 0
    end as uac_dont_expire_password,
    case
        when u.useraccountcontrol is null then null
        when (u.useraccountcontrol & 131072) = 131072 then 1
        else 0
    end as uac_mns_logon_account,
    case
        when u.useraccountcontrol is null then null
        when (u.useraccountcontrol & 262144) = 262144 then 1
        else 0
    end as uac_smartcard_required,
    case
        when u.useraccountcontrol is null then null
        when (u.useraccountcontrol & 524288) = 524288 then 1
        else 0
    end as uac_trusted_for_delegation,
    case
        when u.useraccountcontrol is null then null
        when (u.useraccountcontrol & 1048576) = 1048576 then 1
        else 0
    end as uac_not_delegated,
    case
        when u.useraccountcontrol is null then null
        when (u.useraccountcontrol & 2097152) = 2097152 then 1
        else 0
    end as uac_use_des_key_only,
    case
        when u.useraccountcontrol is null then null
        when (u.useraccountcontrol & 4194304) = 4194304 then 1
        else 0
    end as uac_dont_req_preauth,
    case
        when u.useraccountcontrol is null then null
        when (u.useraccountcontrol & 16777216) = 16777216 then 1
        else 0
    end as uac_trusted_to_auth_for_delegation,
    case
        when u.useraccountcontrol is null then null
        when (u.useraccountcontrol & 33554432) = 33554432 then 1
        else 0
    end as uac_no_auth_data_required,
    case
        when u.useraccountcontrol is null then null
        when (u.useraccountcontrol & 67108864) = 67108864 then 1
        else 0
    end as uac_partial_secrets_account,
    case
        when u.msdsuseraccountcontrolcomputed is null then null
        when (u.msdsuseraccountcontrolcomputed & 16) = 16 then 1
        else 0
    end as computed_lockout,
    case
        when u.msdsuseraccountcontrolcomputed is null then null
        when (u.msdsuseraccountcontrolcomputed & 8388608) = 8388608 then 1
        else 0
    end as computed_password_expired,
    case
        when u.msdsuseraccountcontrolcomputed is null then null
        when (u.msdsuseraccountcontrolcomputed & 67108864) = 67108864 then 1
        else 0
    end as computed_partial_secrets_account,
    case
        when u.msdsuseraccountcontrolcomputed is null then null
        when (u.msdsuseraccountcontrolcomputed & 134217728) = 134217728 then 1
        else 0
    end as computed_use_aes_keys,
    case u.samaccounttype
        when 268435456 then 'security group'
        when 268435457 then 'distribution group'
        when 536870912 then 'domain local security group'
        when 536870913 then 'domain local distribution group'
        when 805306368 then 'user'
        when 805306369 then 'computer'
        when 805306370 then 'trust'
        when 1073741824 then 'app basic group'
        when 1073741825 then 'app query group'
    end as account_type,
    u.primarygroupid,
    u.admincount,
    u.pwd_last_set_at,
    u.pwd_last_set_day,
    c.as_of_day - u.pwd_last_set_day as password_age_days,
    case
        when u.pwdlastset is null then null
        when u.pwdlastset = 0 then 1
        else 0
    end as must_change_password,
    u.last_logon_at,
    u.last_logon_day,
    c.as_of_day - u.last_logon_day as days_since_logon,
    u.account_expires_at,
    u.account_expires_day,
    case
        when u.accountexpires is null then null
        when u.accountexpires in (0, 9223372036854775807) then 1
        else 0
    end as never_expires,
    case
        when u.account_expires_day is null then 0
        when u.account_expires_at <= c.as_of then 1
        when c.as_of is null then null
        else 0
    end as is_expired,
    u.locked_out_at,
    u.upn_key,
    u.mail_key,
    u.smtp_primary_key,
    u.employeeid_key,
    u.sam_key,
    u.dn_key,
    u.manager_key,
    u.whencreated,
    u.whenchanged,
    u.loaded_at
from ad_user as u
left join clock as c on c.clock_id = 1

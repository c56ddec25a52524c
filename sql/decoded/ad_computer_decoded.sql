-- title: AD computers, decoded
-- meaning: Computers of Active Directory with names, keys and times, and the flags of userAccountControl by name. One
--   row per AD computer.
select
    u.row_id,
    u.source_id,
    u.guid,
    u.sid,
    u.samaccountname,
    u.dnshostname,
    u.displayname,
    u.operatingsystem,
    u.operatingsystemversion,
    u.ou_path,
    u.distinguishedname,
    u.useraccountcontrol,
    u.is_enabled,
    case
        when u.useraccountcontrol is null then null
        when (u.useraccountcontrol & 2) = 2 then 1
        else 0
    end as uac_accountdisable,
    case
        when u.useraccountcontrol is null then null
        when (u.useraccountcontrol & 32) = 32 then 1
        else 0
    end as uac_passwd_notreqd,
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
        when (u.useraccountcontrol & 67108864) = 67108864 then 1
        else 0
    end as uac_partial_secrets_account,
    u.primarygroupid,
    u.admincount,
    u.iscriticalsystemobject,
    u.pwd_last_set_at,
    u.pwd_last_set_day,
    u.last_logon_at,
    u.last_logon_day,
    u.sam_key,
    u.dn_key,
    u.managedby,
    u.whencreated,
    u.whenchanged,
    u.loaded_at
from ad_computer as u

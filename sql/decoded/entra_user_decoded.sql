-- title: Entra users, decoded
-- meaning: Users of Entra ID with names, keys and times, where they are mastered and what could be read. Mail
--   addresses in otherMails are in entra_user_othermail_masked. One row per Entra user.
select
    e.row_id,
    e.source_id,
    e.id,
    e.userprincipalname,
    e.upn_suffix,
    e.displayname,
    e.givenname,
    e.surname,
    e.mail,
    e.smtp_primary,
    e.usertype,
    case
        when e.is_guest = 1 then 'guest'
        when e.is_guest = 0 then 'member'
    end as user_kind,
    case
        when e.is_synced = 1 then 'synced'
        else 'cloud'
    end as mastered_in,
    case
        when e.is_enabled is null then 0
        else 1
    end as is_enabled_known,
    case
        when e.othermails_count is null then 0
        else 1
    end as othermails_known,
    e.is_enabled,
    e.is_guest,
    e.is_synced,
    e.employeeid,
    e.employeetype,
    e.employeehiredate,
    e.employeeleavedatetime,
    e.jobtitle,
    e.department,
    e.companyname,
    e.country,
    e.usagelocation,
    e.usagelocation_known,
    e.othermails_count,
    e.creationtype,
    e.externaluserstate,
    e.passwordpolicies,
    e.onpremisesimmutableid,
    e.sid,
    e.onpremisessamaccountname,
    e.onpremisesdistinguishedname,
    e.onpremisesdomainname,
    e.onpremisesuserprincipalname,
    e.onpremiseslastsyncdatetime,
    e.createddatetime,
    e.created_day,
    e.lastpasswordchangedatetime,
    e.upn_key,
    e.mail_key,
    e.smtp_primary_key,
    e.employeeid_key,
    e.sam_key,
    e.onpremises_dn_key,
    e.onpremises_upn_key,
    e.loaded_at
from entra_user as e

-- title: Pairs
-- meaning: The compared columns of both sides of each accepted match. is_in_skew: the two loads did not see the same
--   moment (Entra synchronised the user after the AD load began, or AD changed the user after the Entra load began
--   less the sync grace), so a difference proves nothing. One row per accepted match.
select
    m.ad_row_id,
    m.entra_row_id,
    m.ad_source_id,
    m.entra_source_id,
    m.rule_number,
    m.rules_agreeing,
    a.guid as ad_guid,
    a.displayname as ad_displayname,
    a.givenname as ad_givenname,
    a.sn as ad_sn,
    a.samaccountname as ad_samaccountname,
    a.userprincipalname as ad_userprincipalname,
    a.upn_key as ad_upn_key,
    a.mail as ad_mail,
    a.mail_key as ad_mail_key,
    a.employeeid as ad_employeeid,
    a.employeeid_key as ad_employeeid_key,
    a.sid as ad_sid,
    a.immutable_id as ad_immutable_id,
    a.useraccountcontrol as ad_useraccountcontrol,
    a.is_enabled as ad_is_enabled,
    a.account_expires_at as ad_account_expires_at,
    a.account_expires_day as ad_account_expires_day,
    a.distinguishedname as ad_distinguishedname,
    a.dn_key as ad_dn_key,
    a.whencreated as ad_whencreated,
    a.whenchanged as ad_whenchanged,
    e.id as entra_id,
    e.displayname as entra_displayname,
    e.givenname as entra_givenname,
    e.surname as entra_surname,
    e.userprincipalname as entra_userprincipalname,
    e.upn_key as entra_upn_key,
    e.mail as entra_mail,
    e.mail_key as entra_mail_key,
    e.employeeid as entra_employeeid,
    e.employeeid_key as entra_employeeid_key,
    e.sid as entra_sid,
    e.onpremisesimmutableid as entra_onpremisesimmutableid,
    e.is_enabled as entra_is_enabled,
    e.is_guest as entra_is_guest,
    e.is_synced as entra_is_synced,
    e.othermails_count as entra_othermails_count,
    e.usagelocation as entra_usagelocation,
    e.usagelocation_known as entra_usagelocation_known,
    e.onpremiseslastsyncdatetime as entra_onpremiseslastsyncdatetime,
    case
        when e.onpremiseslastsyncdatetime > sa.load_started_at then 1
        when a.whenchanged > se.change_cutoff_at then 1
        else 0
    end as is_in_skew
from user_match as m
inner join ad_user as a on a.row_id = m.ad_row_id
inner join entra_user as e on e.row_id = m.entra_row_id
inner join source as sa on sa.source_id = m.ad_source_id
inner join source as se on se.source_id = m.entra_source_id

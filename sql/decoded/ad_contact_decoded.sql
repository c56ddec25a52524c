-- title: AD contacts, decoded
-- meaning: Contacts of Active Directory with names, addresses, keys and times. One row per AD contact.
-- note: targetaddress_key is the bare address of an SMTP value, so that it meets mail_key.
select
    k.row_id,
    k.source_id,
    k.guid,
    k.cn,
    k.name,
    k.displayname,
    k.description,
    k.givenname,
    k.sn,
    k.mail,
    k.mailnickname,
    k.targetaddress,
    k.company,
    k.department,
    k.ou_path,
    k.distinguishedname,
    k.dn_key,
    k.mail_key,
    k.mailnickname_key,
    k.targetaddress_key,
    k.whencreated,
    k.whenchanged,
    k.loaded_at
from ad_contact as k

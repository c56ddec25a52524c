-- title: Cloud user that a soft match would take over
-- meaning: An Entra member that is not synchronized and has no source anchor has the UPN or the primary SMTP
--   address of an AD user of a linked domain that no synchronized user belongs to: as soon as the AD user comes
--   into synchronization's scope, it takes the cloud user over and overwrites its values, unless the tenant blocks
--   soft matches or the cloud user holds a directory role. The primary address is the SMTP: value of
--   proxyAddresses, else mail. The AD value is the AD user's name. One row per Entra user and AD user.
-- family: sync
-- severity: medium
-- fix: If it is one person, synchronize the AD user on purpose and look at the values that will be overwritten;
--   else change the UPN and the addresses of one of the two.
-- source: https://learn.microsoft.com/entra/identity/hybrid/connect/how-to-connect-install-existing-tenant
-- identity: ad_value
with linked as (
    select l.ad_source_id, l.entra_source_id
    from source_link as l
    where l.ad_source_id is not null and l.entra_source_id is not null
    group by l.ad_source_id, l.entra_source_id
),

cloud as (
    select l.ad_source_id, e.source_id, e.row_id, e.upn_key, e.mail_key, e.smtp_primary_key
    from linked as l
    inner join entra_user as e on e.source_id = l.entra_source_id
    where
        (e.is_synced is null or e.is_synced = 0)
        and (e.is_guest is null or e.is_guest = 0)
        and e.onpremisesimmutableid is null
),

joined as (
    select c.source_id, a.row_id as ad_row_id, c.row_id as entra_row_id
    from cloud as c
    inner join ad_user as a on a.source_id = c.ad_source_id and a.upn_key = c.upn_key
    union
    select c.source_id, a.row_id, c.row_id
    from cloud as c
    inner join ad_user as a on a.source_id = c.ad_source_id and a.smtp_primary_key = c.smtp_primary_key
    union
    select c.source_id, a.row_id, c.row_id
    from cloud as c
    inner join ad_user as a on a.source_id = c.ad_source_id and a.smtp_primary_key = c.mail_key
    where c.smtp_primary_key is null
    union
    select c.source_id, a.row_id, c.row_id
    from cloud as c
    inner join ad_user as a on a.source_id = c.ad_source_id and a.mail_key = c.smtp_primary_key
    where a.smtp_primary_key is null
    union
    select c.source_id, a.row_id, c.row_id
    from cloud as c
    inner join ad_user as a on a.source_id = c.ad_source_id and a.mail_key = c.mail_key
    where a.smtp_primary_key is null and c.smtp_primary_key is null
)

select
    'entra_user' as object_type,
    e.id as object_key,
    coalesce(e.userprincipalname, e.displayname) as object_name,
    'userPrincipalName' as attribute,
    null as hr_value,
    a.distinguishedname as ad_value,
    e.userprincipalname as entra_value
from joined as j
inner join ad_user as a on a.row_id = j.ad_row_id
inner join entra_user as e on e.row_id = j.entra_row_id
where
    not exists (
        select 1
        from match_candidate as m
        inner join entra_user as o on o.row_id = m.entra_row_id
        where
            m.ad_row_id = j.ad_row_id
            and m.entra_source_id = j.source_id
            and m.is_accepted = 1
            and o.is_synced = 1
    )

-- title: otherMails with a company address
-- meaning: An address in a member's otherMails lies in a domain that is the UPN suffix of a member of the same
--   tenant, or verified there (where [entra] objects names domains), or below such a one: who cannot sign in cannot
--   read it. Domains are compared as they are written, without case. One row per user and address.
-- family: sspr
-- severity: medium
-- fix: Replace it by a personal address, and ask why it was written there.
-- source: https://learn.microsoft.com/entra/identity/authentication/howto-sspr-authenticationdata
-- personal: yes
with held as (
    select o.source_id, o.id, o.value
    from company_domain as d
    inner join entra_user_othermail as o
        on o.source_id = d.source_id and o.value_key like d.address_pattern escape '!'
    group by o.source_id, o.id, o.position, o.value
)

select
    'entra_user' as object_type,
    e.id as object_key,
    coalesce(e.userprincipalname, e.displayname) as object_name,
    'otherMails' as attribute,
    null as hr_value,
    null as ad_value,
    h.value as entra_value
from held as h
inner join entra_user as e on e.id = h.id and e.source_id = h.source_id
where e.is_guest = 0

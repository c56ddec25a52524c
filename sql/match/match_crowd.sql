-- title: Crowds
-- meaning: Keys that more than 20 users of one source hold. By such a key nobody is told from anybody, so it makes no
--   candidates of the match. One row per rule, source and key.
-- note: Rules: 3 employee id, 4 UPN, 5 mail.
select 3 as rule_number, a.source_id, a.employeeid_key as key_value, count(*) as holders
from ad_user as a
where a.employeeid_key is not null
group by a.employeeid_key, a.source_id
having count(*) > 20
union all
select 4, a.source_id, a.upn_key, count(*)
from ad_user as a
where a.upn_key is not null
group by a.upn_key, a.source_id
having count(*) > 20
union all
select 5, a.source_id, a.mail_key, count(*)
from ad_user as a
where a.mail_key is not null
group by a.mail_key, a.source_id
having count(*) > 20
union all
select 3, e.source_id, e.employeeid_key, count(*)
from entra_user as e
where e.employeeid_key is not null
group by e.employeeid_key, e.source_id
having count(*) > 20
union all
select 4, e.source_id, e.upn_key, count(*)
from entra_user as e
where e.upn_key is not null
group by e.upn_key, e.source_id
having count(*) > 20
union all
select 5, e.source_id, e.mail_key, count(*)
from entra_user as e
where e.mail_key is not null
group by e.mail_key, e.source_id
having count(*) > 20

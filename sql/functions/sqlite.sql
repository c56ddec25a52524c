-- Expressions for SQLite 3.38 and later: what a directory stores as bytes, numbers and odd texts, readable in SQL.
-- SQLite has no functions in SQL, so each is a query that runs as it stands: put your own SELECT in place of its first
-- one, `given`, or take the expression out. For columns that recon did not load (MIM, an export): its own tables carry
-- the decoded columns.
--
--     sid_text, sid_hex                  objectSid as S-1-5-21-…, and the way back as hexadecimal digits
--     guid_text, guid_hex                objectGUID, and the way back
--     immutable_id, immutable_id_hex     the 16 bytes of a GUID as onPremisesImmutableId, and the way back
--     filetime_utc, generalized_time     times as UTC text of the form 2023-02-12 10:00:00.000000
--     uac_has                            whether userAccountControl has a flag, by its name
--
-- `materialized` keeps SQLite from working out the same step for each place where it is used.
-- What is malformed gives NULL, never an error and never a guess; so does a value of another type than its own.
--
--     sqlite3 -box < sqlite.sql          shows each with its example

-- ---- sid_text: objectSid as S-1-5-21-… ([MS-DTYP] 2.4.2) ----------
-- revision 1, 0 to 15 sub-authorities (little-endian), authority (big-endian) in decimal below 2^32, from there on as
-- 0x and 12 lower-case hexadecimal digits; a byte's place in a blob of all bytes is its value (and 1)
with given as (
    select x'010500000000000515000000d1d64379336f47eb77d1d6b32d760c00' as value
),

alphabet as (
    select x'000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff' as bytes
),

measured as materialized (
    select n.value, length(n.value) as size
    from given as n
)

select
    hex(g.value) as value,
    case
        when typeof(g.value) = 'blob' and g.size between 8 and 68 and g.size % 4 = 0
            and substr(g.value, 1, 1) = x'01' and instr(a.bytes, substr(g.value, 2, 1)) - 1 = g.size / 4 - 2
        then 'S-1-'
            || case
                when substr(g.value, 3, 2) = x'0000'
                then 16777216 * instr(a.bytes, substr(g.value, 5, 1)) + 65536 * instr(a.bytes, substr(g.value, 6, 1))
                    + 256 * instr(a.bytes, substr(g.value, 7, 1)) + instr(a.bytes, substr(g.value, 8, 1)) - 16843009
                else '0x' || lower(hex(substr(g.value, 3, 6)))
            end
            || case when g.size > 8 then '-' || (
                instr(a.bytes, substr(g.value, 9, 1)) + 256 * instr(a.bytes, substr(g.value, 10, 1))
                + 65536 * instr(a.bytes, substr(g.value, 11, 1)) + 16777216 * instr(a.bytes, substr(g.value, 12, 1))
                - 16843009
            ) else '' end
            || case when g.size > 12 then '-' || (
                instr(a.bytes, substr(g.value, 13, 1)) + 256 * instr(a.bytes, substr(g.value, 14, 1))
                + 65536 * instr(a.bytes, substr(g.value, 15, 1)) + 16777216 * instr(a.bytes, substr(g.value, 16, 1))
                - 16843009
            ) else '' end
            || case when g.size > 16 then '-' || (
                instr(a.bytes, substr(g.value, 17, 1)) + 256 * instr(a.bytes, substr(g.value, 18, 1))
                + 65536 * instr(a.bytes, substr(g.value, 19, 1)) + 16777216 * instr(a.bytes, substr(g.value, 20, 1))
                - 16843009
            ) else '' end
            || case when g.size > 20 then '-' || (
                instr(a.bytes, substr(g.value, 21, 1)) + 256 * instr(a.bytes, substr(g.value, 22, 1))
                + 65536 * instr(a.bytes, substr(g.value, 23, 1)) + 16777216 * instr(a.bytes, substr(g.value, 24, 1))
                - 16843009
            ) else '' end
            || case when g.size > 24 then '-' || (
                instr(a.bytes, substr(g.value, 25, 1)) + 256 * instr(a.bytes, substr(g.value, 26, 1))
                + 65536 * instr(a.bytes, substr(g.value, 27, 1)) + 16777216 * instr(a.bytes, substr(g.value, 28, 1))
                - 16843009
            ) else '' end
            || case when g.size > 28 then '-' || (
                instr(a.bytes, substr(g.value, 29, 1)) + 256 * instr(a.bytes, substr(g.value, 30, 1))
                + 65536 * instr(a.bytes, substr(g.value, 31, 1)) + 16777216 * instr(a.bytes, substr(g.value, 32, 1))
                - 16843009
            ) else '' end
            || case when g.size > 32 then '-' || (
                instr(a.bytes, substr(g.value, 33, 1)) + 256 * instr(a.bytes, substr(g.value, 34, 1))
                + 65536 * instr(a.bytes, substr(g.value, 35, 1)) + 16777216 * instr(a.bytes, substr(g.value, 36, 1))
                - 16843009
            ) else '' end
            || case when g.size > 36 then '-' || (
                instr(a.bytes, substr(g.value, 37, 1)) + 256 * instr(a.bytes, substr(g.value, 38, 1))
                + 65536 * instr(a.bytes, substr(g.value, 39, 1)) + 16777216 * instr(a.bytes, substr(g.value, 40, 1))
                - 16843009
            ) else '' end
            || case when g.size > 40 then '-' || (
                instr(a.bytes, substr(g.value, 41, 1)) + 256 * instr(a.bytes, substr(g.value, 42, 1))
                + 65536 * instr(a.bytes, substr(g.value, 43, 1)) + 16777216 * instr(a.bytes, substr(g.value, 44, 1))
                - 16843009
            ) else '' end
            || case when g.size > 44 then '-' || (
                instr(a.bytes, substr(g.value, 45, 1)) + 256 * instr(a.bytes, substr(g.value, 46, 1))
                + 65536 * instr(a.bytes, substr(g.value, 47, 1)) + 16777216 * instr(a.bytes, substr(g.value, 48, 1))
                - 16843009
            ) else '' end
            || case when g.size > 48 then '-' || (
                instr(a.bytes, substr(g.value, 49, 1)) + 256 * instr(a.bytes, substr(g.value, 50, 1))
                + 65536 * instr(a.bytes, substr(g.value, 51, 1)) + 16777216 * instr(a.bytes, substr(g.value, 52, 1))
                - 16843009
            ) else '' end
            || case when g.size > 52 then '-' || (
                instr(a.bytes, substr(g.value, 53, 1)) + 256 * instr(a.bytes, substr(g.value, 54, 1))
                + 65536 * instr(a.bytes, substr(g.value, 55, 1)) + 16777216 * instr(a.bytes, substr(g.value, 56, 1))
                - 16843009
            ) else '' end
            || case when g.size > 56 then '-' || (
                instr(a.bytes, substr(g.value, 57, 1)) + 256 * instr(a.bytes, substr(g.value, 58, 1))
                + 65536 * instr(a.bytes, substr(g.value, 59, 1)) + 16777216 * instr(a.bytes, substr(g.value, 60, 1))
                - 16843009
            ) else '' end
            || case when g.size > 60 then '-' || (
                instr(a.bytes, substr(g.value, 61, 1)) + 256 * instr(a.bytes, substr(g.value, 62, 1))
                + 65536 * instr(a.bytes, substr(g.value, 63, 1)) + 16777216 * instr(a.bytes, substr(g.value, 64, 1))
                - 16843009
            ) else '' end
            || case when g.size > 64 then '-' || (
                instr(a.bytes, substr(g.value, 65, 1)) + 256 * instr(a.bytes, substr(g.value, 66, 1))
                + 65536 * instr(a.bytes, substr(g.value, 67, 1)) + 16777216 * instr(a.bytes, substr(g.value, 68, 1))
                - 16843009
            ) else '' end
    end as sid_text
from measured as g
cross join alphabet as a
;

-- ---- sid_hex: S-1-5-21-… as the hexadecimal digits of its bytes, as hex(objectsid) writes them ----------
-- Compare it with hex(objectsid): a function that makes bytes of it, unhex(), exists from SQLite 3.41 on.
-- strict: no sign, no leading zero, every part below 2^32; an authority below 2^32 never in hexadecimal
with given as (
    select 'S-1-5-21-2034489041-3947327283-3017199991-816685' as value
),

split as materialized (
    select
        n.value,
        case
            when typeof(n.value) = 'text' and n.value glob '[Ss]-1-[0-9]*'
                and not n.value glob '*[^-0-9A-FSXa-fsx]*'
                and length(cast(n.value as blob)) = length(n.value)
            then '["' || replace(n.value, '-', '","') || '"]'
        end as parts
    from given as n
),

part as materialized (
    select
        s.value,
        json_array_length(s.parts) - 3 as subs,
        json_extract(s.parts, '$[2]') as authority,
        json_extract(s.parts, '$[3]') as s0,
        json_extract(s.parts, '$[4]') as s1,
        json_extract(s.parts, '$[5]') as s2,
        json_extract(s.parts, '$[6]') as s3,
        json_extract(s.parts, '$[7]') as s4,
        json_extract(s.parts, '$[8]') as s5,
        json_extract(s.parts, '$[9]') as s6,
        json_extract(s.parts, '$[10]') as s7,
        json_extract(s.parts, '$[11]') as s8,
        json_extract(s.parts, '$[12]') as s9,
        json_extract(s.parts, '$[13]') as s10,
        json_extract(s.parts, '$[14]') as s11,
        json_extract(s.parts, '$[15]') as s12,
        json_extract(s.parts, '$[16]') as s13,
        json_extract(s.parts, '$[17]') as s14
    from split as s
),

number as materialized (
    select
        p.*,
        cast(p.authority as integer) as number,
        cast(p.s0 as integer) as n0,
        cast(p.s1 as integer) as n1,
        cast(p.s2 as integer) as n2,
        cast(p.s3 as integer) as n3,
        cast(p.s4 as integer) as n4,
        cast(p.s5 as integer) as n5,
        cast(p.s6 as integer) as n6,
        cast(p.s7 as integer) as n7,
        cast(p.s8 as integer) as n8,
        cast(p.s9 as integer) as n9,
        cast(p.s10 as integer) as n10,
        cast(p.s11 as integer) as n11,
        cast(p.s12 as integer) as n12,
        cast(p.s13 as integer) as n13,
        cast(p.s14 as integer) as n14
    from part as p
)

select
    g.value,
    case
        when g.subs between 0 and 15
            and (
                (g.authority = cast(g.number as text) and g.number < 4294967296)
                or (
                    length(g.authority) = 14 and substr(g.authority, 1, 2) in ('0x', '0X')
                    and not substr(g.authority, 3) glob '*[^0-9A-Fa-f]*' and substr(g.authority, 3, 4) <> '0000'
                )
            )
            and (g.s0 is null or (g.s0 = cast(g.n0 as text) and g.n0 < 4294967296))
            and (g.s1 is null or (g.s1 = cast(g.n1 as text) and g.n1 < 4294967296))
            and (g.s2 is null or (g.s2 = cast(g.n2 as text) and g.n2 < 4294967296))
            and (g.s3 is null or (g.s3 = cast(g.n3 as text) and g.n3 < 4294967296))
            and (g.s4 is null or (g.s4 = cast(g.n4 as text) and g.n4 < 4294967296))
            and (g.s5 is null or (g.s5 = cast(g.n5 as text) and g.n5 < 4294967296))
            and (g.s6 is null or (g.s6 = cast(g.n6 as text) and g.n6 < 4294967296))
            and (g.s7 is null or (g.s7 = cast(g.n7 as text) and g.n7 < 4294967296))
            and (g.s8 is null or (g.s8 = cast(g.n8 as text) and g.n8 < 4294967296))
            and (g.s9 is null or (g.s9 = cast(g.n9 as text) and g.n9 < 4294967296))
            and (g.s10 is null or (g.s10 = cast(g.n10 as text) and g.n10 < 4294967296))
            and (g.s11 is null or (g.s11 = cast(g.n11 as text) and g.n11 < 4294967296))
            and (g.s12 is null or (g.s12 = cast(g.n12 as text) and g.n12 < 4294967296))
            and (g.s13 is null or (g.s13 = cast(g.n13 as text) and g.n13 < 4294967296))
            and (g.s14 is null or (g.s14 = cast(g.n14 as text) and g.n14 < 4294967296))
        then printf('01%02X', g.subs)
            || case
                when length(g.authority) = 14 then upper(substr(g.authority, 3))
                else printf('%012X', g.number)
            end
            || case when g.s0 is null then '' else printf(
                '%02X%02X%02X%02X', g.n0 & 255, g.n0 >> 8 & 255, g.n0 >> 16 & 255, g.n0 >> 24
            ) end
            || case when g.s1 is null then '' else printf(
                '%02X%02X%02X%02X', g.n1 & 255, g.n1 >> 8 & 255, g.n1 >> 16 & 255, g.n1 >> 24
            ) end
            || case when g.s2 is null then '' else printf(
                '%02X%02X%02X%02X', g.n2 & 255, g.n2 >> 8 & 255, g.n2 >> 16 & 255, g.n2 >> 24
            ) end
            || case when g.s3 is null then '' else printf(
                '%02X%02X%02X%02X', g.n3 & 255, g.n3 >> 8 & 255, g.n3 >> 16 & 255, g.n3 >> 24
            ) end
            || case when g.s4 is null then '' else printf(
                '%02X%02X%02X%02X', g.n4 & 255, g.n4 >> 8 & 255, g.n4 >> 16 & 255, g.n4 >> 24
            ) end
            || case when g.s5 is null then '' else printf(
                '%02X%02X%02X%02X', g.n5 & 255, g.n5 >> 8 & 255, g.n5 >> 16 & 255, g.n5 >> 24
            ) end
            || case when g.s6 is null then '' else printf(
                '%02X%02X%02X%02X', g.n6 & 255, g.n6 >> 8 & 255, g.n6 >> 16 & 255, g.n6 >> 24
            ) end
            || case when g.s7 is null then '' else printf(
                '%02X%02X%02X%02X', g.n7 & 255, g.n7 >> 8 & 255, g.n7 >> 16 & 255, g.n7 >> 24
            ) end
            || case when g.s8 is null then '' else printf(
                '%02X%02X%02X%02X', g.n8 & 255, g.n8 >> 8 & 255, g.n8 >> 16 & 255, g.n8 >> 24
            ) end
            || case when g.s9 is null then '' else printf(
                '%02X%02X%02X%02X', g.n9 & 255, g.n9 >> 8 & 255, g.n9 >> 16 & 255, g.n9 >> 24
            ) end
            || case when g.s10 is null then '' else printf(
                '%02X%02X%02X%02X', g.n10 & 255, g.n10 >> 8 & 255, g.n10 >> 16 & 255, g.n10 >> 24
            ) end
            || case when g.s11 is null then '' else printf(
                '%02X%02X%02X%02X', g.n11 & 255, g.n11 >> 8 & 255, g.n11 >> 16 & 255, g.n11 >> 24
            ) end
            || case when g.s12 is null then '' else printf(
                '%02X%02X%02X%02X', g.n12 & 255, g.n12 >> 8 & 255, g.n12 >> 16 & 255, g.n12 >> 24
            ) end
            || case when g.s13 is null then '' else printf(
                '%02X%02X%02X%02X', g.n13 & 255, g.n13 >> 8 & 255, g.n13 >> 16 & 255, g.n13 >> 24
            ) end
            || case when g.s14 is null then '' else printf(
                '%02X%02X%02X%02X', g.n14 & 255, g.n14 >> 8 & 255, g.n14 >> 16 & 255, g.n14 >> 24
            ) end
    end as sid_hex
from number as g
;

-- ---- guid_text: objectGUID as text; its first three fields are little-endian ([MS-DTYP] 2.3.4.2) ----------
with given as (
    select x'78563412bc9af0de1122334455667788' as value
),

spelt as materialized (
    select n.value, case when typeof(n.value) = 'blob' and length(n.value) = 16 then lower(hex(n.value)) end as digits
    from given as n
)

select
    hex(g.value) as value,
    substr(g.digits, 7, 2) || substr(g.digits, 5, 2) || substr(g.digits, 3, 2) || substr(g.digits, 1, 2)
    || '-' || substr(g.digits, 11, 2) || substr(g.digits, 9, 2)
    || '-' || substr(g.digits, 15, 2) || substr(g.digits, 13, 2)
    || '-' || substr(g.digits, 17, 4) || '-' || substr(g.digits, 21) as guid_text
from spelt as g
;

-- ---- guid_hex: the text of a GUID, in braces or not, as the hexadecimal digits of its bytes ----------
-- Compare it with hex(objectguid).
with given as (
    select '{12345678-9ABC-def0-1122-334455667788}' as value
),

bare as materialized (
    select
        n.value,
        case
            when typeof(n.value) <> 'text' or length(cast(n.value as blob)) <> length(n.value) then null
            when length(n.value) = 38 and n.value glob '{*}' then upper(substr(n.value, 2, 36))
            when length(n.value) = 36 then upper(n.value)
        end as text
    from given as n
),

spelt as materialized (
    select
        b.value,
        case
            when b.text like '________-____-____-____-____________' and length(replace(b.text, '-', '')) = 32
                and not b.text glob '*[^-0-9A-F]*'
            then replace(b.text, '-', '')
        end as digits
    from bare as b
)

select
    g.value,
    substr(g.digits, 7, 2) || substr(g.digits, 5, 2) || substr(g.digits, 3, 2) || substr(g.digits, 1, 2)
    || substr(g.digits, 11, 2) || substr(g.digits, 9, 2) || substr(g.digits, 15, 2) || substr(g.digits, 13, 2)
    || substr(g.digits, 17) as guid_hex
from spelt as g
;

-- ---- immutable_id: the 16 bytes of objectGUID or mS-DS-ConsistencyGuid as onPremisesImmutableId (base64) ----------
-- byte-exact: never compare it in another case
with given as (
    select x'78563412bc9af0de1122334455667788' as value
),

alphabet as (
    select
        'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/' as digits,
        x'000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff' as bytes
),

byte as materialized (
    select
        g.value,
        a.digits,
        instr(a.bytes, substr(g.value, 1, 1)) - 1 as b1,
        instr(a.bytes, substr(g.value, 2, 1)) - 1 as b2,
        instr(a.bytes, substr(g.value, 3, 1)) - 1 as b3,
        instr(a.bytes, substr(g.value, 4, 1)) - 1 as b4,
        instr(a.bytes, substr(g.value, 5, 1)) - 1 as b5,
        instr(a.bytes, substr(g.value, 6, 1)) - 1 as b6,
        instr(a.bytes, substr(g.value, 7, 1)) - 1 as b7,
        instr(a.bytes, substr(g.value, 8, 1)) - 1 as b8,
        instr(a.bytes, substr(g.value, 9, 1)) - 1 as b9,
        instr(a.bytes, substr(g.value, 10, 1)) - 1 as b10,
        instr(a.bytes, substr(g.value, 11, 1)) - 1 as b11,
        instr(a.bytes, substr(g.value, 12, 1)) - 1 as b12,
        instr(a.bytes, substr(g.value, 13, 1)) - 1 as b13,
        instr(a.bytes, substr(g.value, 14, 1)) - 1 as b14,
        instr(a.bytes, substr(g.value, 15, 1)) - 1 as b15,
        instr(a.bytes, substr(g.value, 16, 1)) - 1 as b16
    from given as g
    cross join alphabet as a
)

select
    hex(b.value) as value,
    case
        when typeof(b.value) = 'blob' and length(b.value) = 16
        then ''
            || substr(b.digits, (b.b1 >> 2) + 1, 1)
            || substr(b.digits, ((b.b1 & 3) << 4) + (b.b2 >> 4) + 1, 1)
            || substr(b.digits, ((b.b2 & 15) << 2) + (b.b3 >> 6) + 1, 1)
            || substr(b.digits, (b.b3 & 63) + 1, 1)
            || substr(b.digits, (b.b4 >> 2) + 1, 1)
            || substr(b.digits, ((b.b4 & 3) << 4) + (b.b5 >> 4) + 1, 1)
            || substr(b.digits, ((b.b5 & 15) << 2) + (b.b6 >> 6) + 1, 1)
            || substr(b.digits, (b.b6 & 63) + 1, 1)
            || substr(b.digits, (b.b7 >> 2) + 1, 1)
            || substr(b.digits, ((b.b7 & 3) << 4) + (b.b8 >> 4) + 1, 1)
            || substr(b.digits, ((b.b8 & 15) << 2) + (b.b9 >> 6) + 1, 1)
            || substr(b.digits, (b.b9 & 63) + 1, 1)
            || substr(b.digits, (b.b10 >> 2) + 1, 1)
            || substr(b.digits, ((b.b10 & 3) << 4) + (b.b11 >> 4) + 1, 1)
            || substr(b.digits, ((b.b11 & 15) << 2) + (b.b12 >> 6) + 1, 1)
            || substr(b.digits, (b.b12 & 63) + 1, 1)
            || substr(b.digits, (b.b13 >> 2) + 1, 1)
            || substr(b.digits, ((b.b13 & 3) << 4) + (b.b14 >> 4) + 1, 1)
            || substr(b.digits, ((b.b14 & 15) << 2) + (b.b15 >> 6) + 1, 1)
            || substr(b.digits, (b.b15 & 63) + 1, 1)
            || substr(b.digits, (b.b16 >> 2) + 1, 1)
            || substr(b.digits, ((b.b16 & 3) << 4) + 1, 1)
            || '=='
    end as immutable_id
from byte as b
;

-- ---- immutable_id_hex: onPremisesImmutableId as the hexadecimal digits of the GUID's bytes ----------
-- Compare it with hex(objectguid). Exact: 22 characters and ==, the last of them without bits that no encoder writes.
with given as (
    select 'eFY0Erya8N4RIjNEVWZ3iA==' as value
),

alphabet as (
    select 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/' as digits
),

sextet as materialized (
    select
        g.value,
        instr(a.digits, substr(g.value, 1, 1)) - 1 as s1,
        instr(a.digits, substr(g.value, 2, 1)) - 1 as s2,
        instr(a.digits, substr(g.value, 3, 1)) - 1 as s3,
        instr(a.digits, substr(g.value, 4, 1)) - 1 as s4,
        instr(a.digits, substr(g.value, 5, 1)) - 1 as s5,
        instr(a.digits, substr(g.value, 6, 1)) - 1 as s6,
        instr(a.digits, substr(g.value, 7, 1)) - 1 as s7,
        instr(a.digits, substr(g.value, 8, 1)) - 1 as s8,
        instr(a.digits, substr(g.value, 9, 1)) - 1 as s9,
        instr(a.digits, substr(g.value, 10, 1)) - 1 as s10,
        instr(a.digits, substr(g.value, 11, 1)) - 1 as s11,
        instr(a.digits, substr(g.value, 12, 1)) - 1 as s12,
        instr(a.digits, substr(g.value, 13, 1)) - 1 as s13,
        instr(a.digits, substr(g.value, 14, 1)) - 1 as s14,
        instr(a.digits, substr(g.value, 15, 1)) - 1 as s15,
        instr(a.digits, substr(g.value, 16, 1)) - 1 as s16,
        instr(a.digits, substr(g.value, 17, 1)) - 1 as s17,
        instr(a.digits, substr(g.value, 18, 1)) - 1 as s18,
        instr(a.digits, substr(g.value, 19, 1)) - 1 as s19,
        instr(a.digits, substr(g.value, 20, 1)) - 1 as s20,
        instr(a.digits, substr(g.value, 21, 1)) - 1 as s21,
        instr(a.digits, substr(g.value, 22, 1)) - 1 as s22
    from given as g
    cross join alphabet as a
)

select
    s.value,
    case
        when typeof(s.value) = 'text' and length(s.value) = 24 and length(cast(s.value as blob)) = 24
            and s.value glob '*[AQgw]==' and not substr(s.value, 1, 22) glob '*[^0-9A-Za-z+/]*'
        then ''
            || printf('%02X', (s.s1 << 2) + (s.s2 >> 4))
            || printf('%02X', ((s.s2 & 15) << 4) + (s.s3 >> 2))
            || printf('%02X', ((s.s3 & 3) << 6) + s.s4)
            || printf('%02X', (s.s5 << 2) + (s.s6 >> 4))
            || printf('%02X', ((s.s6 & 15) << 4) + (s.s7 >> 2))
            || printf('%02X', ((s.s7 & 3) << 6) + s.s8)
            || printf('%02X', (s.s9 << 2) + (s.s10 >> 4))
            || printf('%02X', ((s.s10 & 15) << 4) + (s.s11 >> 2))
            || printf('%02X', ((s.s11 & 3) << 6) + s.s12)
            || printf('%02X', (s.s13 << 2) + (s.s14 >> 4))
            || printf('%02X', ((s.s14 & 15) << 4) + (s.s15 >> 2))
            || printf('%02X', ((s.s15 & 3) << 6) + s.s16)
            || printf('%02X', (s.s17 << 2) + (s.s18 >> 4))
            || printf('%02X', ((s.s18 & 15) << 4) + (s.s19 >> 2))
            || printf('%02X', ((s.s19 & 3) << 6) + s.s20)
            || printf('%02X', (s.s21 << 2) + (s.s22 >> 4))
    end as immutable_id_hex
from sextet as s
;

-- ---- filetime_utc: pwdLastSet, accountExpires … as UTC, cut to microseconds ----------
-- 0 and 2^63-1 mean never: NULL; below 0 and beyond the year 9999 there is no such time
with given as (
    select 133206000000000000 as value
)

select
    g.value,
    case
        when typeof(g.value) = 'integer' and g.value > 0 and g.value < 2650467744000000000
        then strftime('%Y-%m-%d %H:%M:%S', g.value / 10000000 - 11644473600, 'unixepoch')
            || printf('.%06d', g.value % 10000000 / 10)
    end as filetime_utc
from given as g
;

-- ---- generalized_time: yyyyMMddHHmmss.fZ of whenCreated and of synchronized hire dates, as UTC ----------
-- one to seven digits of fraction, cut to microseconds; days and hours that do not exist give NULL
with given as (
    select '20230212100000.0Z' as value
),

spelt as materialized (
    select
        n.value,
        case
            when typeof(n.value) = 'text' and length(n.value) between 17 and 23
                and length(cast(n.value as blob)) = length(n.value)
                and n.value glob '*Z' and substr(n.value, 15, 1) = '.'
                and not substr(n.value, 1, 14) || substr(n.value, 16, length(n.value) - 16) glob '*[^0-9]*'
            then substr(n.value, 1, 4) || '-' || substr(n.value, 5, 2) || '-' || substr(n.value, 7, 2)
        end as day
    from given as n
)

select
    g.value,
    case
        when g.day > '0001' and date(g.day, '+0 days') = g.day
            and substr(g.value, 9, 2) <= '23' and substr(g.value, 11, 2) <= '59' and substr(g.value, 13, 2) <= '59'
        then g.day || ' ' || substr(g.value, 9, 2) || ':' || substr(g.value, 11, 2) || ':' || substr(g.value, 13, 2)
            || '.' || substr(substr(g.value, 16, length(g.value) - 16) || '00000', 1, 6)
    end as generalized_time
from spelt as g
;

-- ---- uac_has: 1 when userAccountControl has the flag of this name (in any case), else 0 ----------
-- NULL for a name that userAccountControl does not know and for values of more than 32 bits; LOCKOUT, PASSWORD_EXPIRED
-- and USE_AES_KEYS are set in msDS-User-Account-Control-Computed alone
with given as (
    select 514 as value, 'ACCOUNTDISABLE' as flag
)

select
    g.value,
    g.flag,
    case
        when typeof(g.value) = 'integer' and g.value between -2147483648 and 4294967295
        then (g.value & case upper(g.flag)
            when 'SCRIPT' then 1
            when 'ACCOUNTDISABLE' then 2
            when 'HOMEDIR_REQUIRED' then 8
            when 'LOCKOUT' then 16
            when 'PASSWD_NOTREQD' then 32
            when 'PASSWD_CANT_CHANGE' then 64
            when 'ENCRYPTED_TEXT_PWD_ALLOWED' then 128
            when 'TEMP_DUPLICATE_ACCOUNT' then 256
            when 'NORMAL_ACCOUNT' then 512
            when 'INTERDOMAIN_TRUST_ACCOUNT' then 2048
            when 'WORKSTATION_TRUST_ACCOUNT' then 4096
            when 'SERVER_TRUST_ACCOUNT' then 8192
            when 'DONT_EXPIRE_PASSWORD' then 65536
            when 'MNS_LOGON_ACCOUNT' then 131072
            when 'SMARTCARD_REQUIRED' then 262144
            when 'TRUSTED_FOR_DELEGATION' then 524288
            when 'NOT_DELEGATED' then 1048576
            when 'USE_DES_KEY_ONLY' then 2097152
            when 'DONT_REQ_PREAUTH' then 4194304
            when 'PASSWORD_EXPIRED' then 8388608
            when 'TRUSTED_TO_AUTH_FOR_DELEGATION' then 16777216
            when 'NO_AUTH_DATA_REQUIRED' then 33554432
            when 'PARTIAL_SECRETS_ACCOUNT' then 67108864
            when 'USE_AES_KEYS' then 134217728
        end) <> 0
    end as uac_has
from given as g
;

-- Functions for PostgreSQL 14 and later: what a directory stores as bytes, numbers and odd texts, readable in SQL.
-- For columns that recon did not load (MIM, a linked server, an export): its own tables carry the decoded columns.
--
--     sid_text(bytea) -> text              objectSid as S-1-5-21-…
--     sid_bytes(text) -> bytea             the way back
--     guid_text(bytea) -> text             objectGUID: its first three fields are little-endian
--     guid_bytes(text) -> bytea            the way back; with or without braces
--     immutable_id(bytea) -> text          the 16 bytes of objectGUID or mS-DS-ConsistencyGuid as onPremisesImmutableId
--     immutable_id_bytes(text) -> bytea    the way back
--     filetime_utc(bigint) -> timestamp    pwdLastSet, accountExpires …; 0 and 2^63-1 mean never: NULL
--     generalized_time(text) -> timestamp  yyyyMMddHHmmss.fZ of whenCreated and of synchronized hire dates
--     uac_has(bigint, text) -> smallint    1 when userAccountControl has the flag of this name, else 0
--
-- Times are UTC without zone, cut to microseconds. What is malformed gives NULL, never an error and never a guess.
-- Plain expressions, which the planner puts into the query; none is declared strict: that would keep it from doing so.
--
--     psql -v ON_ERROR_STOP=1 -f postgresql.sql      again and again; a schema of your own through search_path

-- [MS-DTYP] 2.4.2: revision 1, 0 to 15 sub-authorities (little-endian), authority (big-endian) in decimal below 2^32,
-- from there on as 0x and 12 lower-case hexadecimal digits
create or replace function sid_text(data bytea) returns text
language sql immutable parallel safe
as $$
    select case when length(data) >= 8 then case
        when get_byte(data, 0) = 1 and get_byte(data, 1) <= 15 and length(data) = 8 + 4 * get_byte(data, 1) then 'S-1-'
        || case when get_byte(data, 2) = 0 and get_byte(data, 3) = 0
            then (get_byte(data, 4)::bigint * 16777216 + get_byte(data, 5) * 65536 + get_byte(data, 6) * 256
            + get_byte(data, 7))::text
            else '0x' || encode(substring(data from 3 for 6), 'hex') end
        || case when get_byte(data, 1) > 0 then '-' || (get_byte(data, 8) + get_byte(data, 9) * 256
            + get_byte(data, 10) * 65536 + get_byte(data, 11)::bigint * 16777216)::text else '' end
        || case when get_byte(data, 1) > 1 then '-' || (get_byte(data, 12) + get_byte(data, 13) * 256
            + get_byte(data, 14) * 65536 + get_byte(data, 15)::bigint * 16777216)::text else '' end
        || case when get_byte(data, 1) > 2 then '-' || (get_byte(data, 16) + get_byte(data, 17) * 256
            + get_byte(data, 18) * 65536 + get_byte(data, 19)::bigint * 16777216)::text else '' end
        || case when get_byte(data, 1) > 3 then '-' || (get_byte(data, 20) + get_byte(data, 21) * 256
            + get_byte(data, 22) * 65536 + get_byte(data, 23)::bigint * 16777216)::text else '' end
        || case when get_byte(data, 1) > 4 then '-' || (get_byte(data, 24) + get_byte(data, 25) * 256
            + get_byte(data, 26) * 65536 + get_byte(data, 27)::bigint * 16777216)::text else '' end
        || case when get_byte(data, 1) > 5 then '-' || (get_byte(data, 28) + get_byte(data, 29) * 256
            + get_byte(data, 30) * 65536 + get_byte(data, 31)::bigint * 16777216)::text else '' end
        || case when get_byte(data, 1) > 6 then '-' || (get_byte(data, 32) + get_byte(data, 33) * 256
            + get_byte(data, 34) * 65536 + get_byte(data, 35)::bigint * 16777216)::text else '' end
        || case when get_byte(data, 1) > 7 then '-' || (get_byte(data, 36) + get_byte(data, 37) * 256
            + get_byte(data, 38) * 65536 + get_byte(data, 39)::bigint * 16777216)::text else '' end
        || case when get_byte(data, 1) > 8 then '-' || (get_byte(data, 40) + get_byte(data, 41) * 256
            + get_byte(data, 42) * 65536 + get_byte(data, 43)::bigint * 16777216)::text else '' end
        || case when get_byte(data, 1) > 9 then '-' || (get_byte(data, 44) + get_byte(data, 45) * 256
            + get_byte(data, 46) * 65536 + get_byte(data, 47)::bigint * 16777216)::text else '' end
        || case when get_byte(data, 1) > 10 then '-' || (get_byte(data, 48) + get_byte(data, 49) * 256
            + get_byte(data, 50) * 65536 + get_byte(data, 51)::bigint * 16777216)::text else '' end
        || case when get_byte(data, 1) > 11 then '-' || (get_byte(data, 52) + get_byte(data, 53) * 256
            + get_byte(data, 54) * 65536 + get_byte(data, 55)::bigint * 16777216)::text else '' end
        || case when get_byte(data, 1) > 12 then '-' || (get_byte(data, 56) + get_byte(data, 57) * 256
            + get_byte(data, 58) * 65536 + get_byte(data, 59)::bigint * 16777216)::text else '' end
        || case when get_byte(data, 1) > 13 then '-' || (get_byte(data, 60) + get_byte(data, 61) * 256
            + get_byte(data, 62) * 65536 + get_byte(data, 63)::bigint * 16777216)::text else '' end
        || case when get_byte(data, 1) > 14 then '-' || (get_byte(data, 64) + get_byte(data, 65) * 256
            + get_byte(data, 66) * 65536 + get_byte(data, 67)::bigint * 16777216)::text else '' end
    end end
$$;

-- strict: no sign, no leading zero, every part below 2^32; an authority below 2^32 never in hexadecimal;
-- translate() picks the digits of a number in the order of its bytes; more than five sub-authorities are rare, and only
-- numbers of ten digits from 4294000000 on have to be compared with 2^32
create or replace function sid_bytes(value text) returns bytea
language sql immutable parallel safe
as $$
    select case
        when value ~ '^[Ss]-1-(0|[1-9][0-9]*|0[xX][0-9A-Fa-f]+)(-(0|[1-9][0-9]*))*$'
            and split_part(value, '-', 19) = ''
            and case when value !~ '-([4-9][0-9]{9}|[0-9]{11})' then true when value ~ '-[0-9]{11}' then false else (0
                | coalesce(nullif(split_part(value, '-', 4), '')::bigint, 0)
                | coalesce(nullif(split_part(value, '-', 5), '')::bigint, 0)
                | coalesce(nullif(split_part(value, '-', 6), '')::bigint, 0)
                | coalesce(nullif(split_part(value, '-', 7), '')::bigint, 0)
                | coalesce(nullif(split_part(value, '-', 8), '')::bigint, 0)
                | case when split_part(value, '-', 9) = '' then 0 else 0
                    | coalesce(nullif(split_part(value, '-', 9), '')::bigint, 0)
                    | coalesce(nullif(split_part(value, '-', 10), '')::bigint, 0)
                    | coalesce(nullif(split_part(value, '-', 11), '')::bigint, 0)
                    | coalesce(nullif(split_part(value, '-', 12), '')::bigint, 0)
                    | coalesce(nullif(split_part(value, '-', 13), '')::bigint, 0)
                    | coalesce(nullif(split_part(value, '-', 14), '')::bigint, 0)
                    | coalesce(nullif(split_part(value, '-', 15), '')::bigint, 0)
                    | coalesce(nullif(split_part(value, '-', 16), '')::bigint, 0)
                    | coalesce(nullif(split_part(value, '-', 17), '')::bigint, 0)
                    | coalesce(nullif(split_part(value, '-', 18), '')::bigint, 0)
                end
            ) < 4294967296 end
            and case
                when substr(value, 6, 1) in ('x', 'X')
                then length(split_part(value, '-', 3)) = 14 and substr(value, 7, 4) <> '0000'
                else split_part(value, '-', 3)::bigint < 4294967296
            end
        then decode(
            '01' || lpad(to_hex(length(value) - length(replace(value, '-', '')) - 2), 2, '0')
            || case
                when substr(value, 6, 1) in ('x', 'X') then substr(value, 7, 12)
                else lpad(to_hex(split_part(value, '-', 3)::bigint), 12, '0')
            end
            || coalesce(translate(
                '78563412', '012345678', to_hex(nullif(split_part(value, '-', 4), '')::bigint + 4294967296)
            ), '')
            || coalesce(translate(
                '78563412', '012345678', to_hex(nullif(split_part(value, '-', 5), '')::bigint + 4294967296)
            ), '')
            || coalesce(translate(
                '78563412', '012345678', to_hex(nullif(split_part(value, '-', 6), '')::bigint + 4294967296)
            ), '')
            || coalesce(translate(
                '78563412', '012345678', to_hex(nullif(split_part(value, '-', 7), '')::bigint + 4294967296)
            ), '')
            || coalesce(translate(
                '78563412', '012345678', to_hex(nullif(split_part(value, '-', 8), '')::bigint + 4294967296)
            ), '')
            || case when split_part(value, '-', 9) = '' then '' else ''
                || coalesce(translate(
                    '78563412', '012345678', to_hex(nullif(split_part(value, '-', 9), '')::bigint + 4294967296)
                ), '')
                || coalesce(translate(
                    '78563412', '012345678', to_hex(nullif(split_part(value, '-', 10), '')::bigint + 4294967296)
                ), '')
                || coalesce(translate(
                    '78563412', '012345678', to_hex(nullif(split_part(value, '-', 11), '')::bigint + 4294967296)
                ), '')
                || coalesce(translate(
                    '78563412', '012345678', to_hex(nullif(split_part(value, '-', 12), '')::bigint + 4294967296)
                ), '')
                || coalesce(translate(
                    '78563412', '012345678', to_hex(nullif(split_part(value, '-', 13), '')::bigint + 4294967296)
                ), '')
                || coalesce(translate(
                    '78563412', '012345678', to_hex(nullif(split_part(value, '-', 14), '')::bigint + 4294967296)
                ), '')
                || coalesce(translate(
                    '78563412', '012345678', to_hex(nullif(split_part(value, '-', 15), '')::bigint + 4294967296)
                ), '')
                || coalesce(translate(
                    '78563412', '012345678', to_hex(nullif(split_part(value, '-', 16), '')::bigint + 4294967296)
                ), '')
                || coalesce(translate(
                    '78563412', '012345678', to_hex(nullif(split_part(value, '-', 17), '')::bigint + 4294967296)
                ), '')
                || coalesce(translate(
                    '78563412', '012345678', to_hex(nullif(split_part(value, '-', 18), '')::bigint + 4294967296)
                ), '')
            end,
            'hex'
        )
    end
$$;

create or replace function guid_text(data bytea) returns text
language sql immutable parallel safe
as $$
    select case when length(data) = 16 then
        translate('ghefcdab-klij-opmn-', 'abcdefghijklmnop', encode(substring(data from 1 for 8), 'hex'))
        || encode(substring(data from 9 for 2), 'hex') || '-' || encode(substring(data from 11), 'hex')
    end
$$;

create or replace function guid_bytes(value text) returns bytea
language sql immutable parallel safe
as $$
    select case
        when length(value) = 36 and value ~ '^[0-9A-Fa-f-]+$' and value like '________-____-____-____-____________'
            and length(replace(value, '-', '')) = 32
        then decode(
            translate('ghefcdabklijopmn', 'abcdefgh-ijkl-mnop', substr(value, 1, 18))
            || replace(substr(value, 20), '-', ''),
            'hex'
        )
        when length(value) = 38 and value ~ '^\{[0-9A-Fa-f-]+\}$'
            and value like '_________-____-____-____-_____________' and length(replace(value, '-', '')) = 34
        then decode(
            translate('ghefcdabklijopmn', 'abcdefgh-ijkl-mnop', substr(value, 2, 18))
            || replace(substr(value, 21, 17), '-', ''),
            'hex'
        )
    end
$$;

create or replace function immutable_id(data bytea) returns text
language sql immutable parallel safe
as $$
    select case when length(data) = 16 then encode(data, 'base64') end
$$;

-- exact: 22 characters and ==, the last of them without bits that no encoder writes
create or replace function immutable_id_bytes(value text) returns bytea
language sql immutable parallel safe
as $$
    select case
        when length(value) = 24 and value ~ '^[0-9A-Za-z+/]+[AQgw]==$' then decode(value, 'base64')
    end
$$;

-- 100 ns since 1601-01-01; below 0 and beyond the year 9999 there is no such time
create or replace function filetime_utc(value bigint) returns timestamp
language sql immutable parallel safe
as $$
    select case when value > 0 and value < 2650467744000000000 then
        timestamp '1601-01-01'
        + cast(value / 864000000000 as integer) * interval '1 day'
        + value % 864000000000 / 10 * interval '1 microsecond'
    end
$$;

create or replace function generalized_time(value text) returns timestamp
language sql immutable parallel safe
as $$
    select case
        when value ~ '^[0-9]+\.[0-9]+Z$' and length(value) between 17 and 23 and substr(value, 15, 1) = '.' then case
            when substr(value, 1, 4)::integer > 0
                and substr(value, 5, 2)::integer between 1 and 12
                and substr(value, 7, 2)::integer between 1 and case
                    when substr(value, 5, 2) in ('04', '06', '09', '11') then 30
                    when substr(value, 5, 2) <> '02' then 31
                    when substr(value, 1, 4)::integer % 4 = 0
                        and (substr(value, 1, 4)::integer % 100 <> 0 or substr(value, 1, 4)::integer % 400 = 0)
                    then 29
                    else 28
                end
                and substr(value, 9, 2)::integer <= 23
                and substr(value, 11, 2)::integer <= 59
                and substr(value, 13, 2)::integer <= 59
            then make_timestamp(
                substr(value, 1, 4)::integer, substr(value, 5, 2)::integer, substr(value, 7, 2)::integer,
                substr(value, 9, 2)::integer, substr(value, 11, 2)::integer, substr(value, 13, 2)::integer
            ) + rpad(substr(replace(value, 'Z', ''), 16, 6), 6, '0')::integer * interval '1 microsecond'
        end
    end
$$;

-- NULL for a name that userAccountControl does not know (in any case) and for values of more than 32 bits;
-- LOCKOUT, PASSWORD_EXPIRED and USE_AES_KEYS are set in msDS-User-Account-Control-Computed alone
create or replace function uac_has(value bigint, flag text) returns smallint
language sql immutable parallel safe
as $$
    select case when value between -2147483648 and 4294967295 then cast(sign(value & case upper(flag collate "C")
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
    end) as smallint) end
$$;

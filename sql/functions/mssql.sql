-- Functions for SQL Server 2016 and later (compatibility level 130): what a directory stores as bytes, numbers and odd
-- texts, readable in SQL. For columns that recon did not load (MIM, a linked server): its own tables carry the decoded
-- columns. Each comes twice: an inline table function, which the optimizer puts into the query, and a scalar form for
-- single values (one call a row, slow over large tables before compatibility level 150):
--
--     select u.cn, s.value as sid from dbo.some_user as u cross apply sid_text_inline(u.objectsid) as s
--     select dbo.sid_text(0x010500000000000515000000D1D64379336F47EB77D1D6B32D760C00)
--
--     sid_text(varbinary) -> nvarchar              objectSid as S-1-5-21-…
--     sid_bytes(nvarchar) -> varbinary             the way back
--     guid_text(varbinary) -> nvarchar             objectGUID in lower case
--     guid_bytes(nvarchar) -> varbinary            the way back; with or without braces
--     immutable_id(varbinary) -> nvarchar          the 16 bytes of objectGUID or mS-DS-ConsistencyGuid as
--                                                  onPremisesImmutableId
--     immutable_id_bytes(nvarchar) -> varbinary    the way back
--     filetime_utc(bigint) -> datetime2(6)         pwdLastSet, accountExpires …; 0 and 2^63-1 mean never: NULL
--     generalized_time(nvarchar) -> datetime2(6)   yyyyMMddHHmmss.fZ of whenCreated and of synchronized hire dates
--     uac_has(bigint, nvarchar) -> smallint        1 when userAccountControl has the flag of this name, else 0
--
-- Times are UTC without zone, cut to microseconds. What is malformed gives NULL, never an error and never a guess.
-- Text of the inline forms carries the binary collation of recon's keys and anchors.
--
--     sqlcmd -b -I -i mssql.sql      again and again, in the default schema of whoever runs it

set quoted_identifier on
set ansi_nulls on
go
-- [MS-DTYP] 2.4.2: revision 1, 0 to 15 sub-authorities (little-endian), authority (big-endian) in decimal below 2^32,
-- from there on as 0x and 12 lower-case hexadecimal digits
drop function if exists sid_text
go
drop function if exists sid_text_inline
go
create function sid_text_inline(@data varbinary(85))
returns table
as return (
    select case
        when datalength(@data) between 8 and 68 and cast(substring(@data, 1, 1) as int) = 1
            and datalength(@data) = 8 + 4 * cast(substring(@data, 2, 1) as int)
        then N'S-1-'
            + case
                when cast(substring(@data, 3, 1) as int) = 0 and cast(substring(@data, 4, 1) as int) = 0
                then cast(
                    cast(substring(@data, 5, 1) as bigint) * 16777216 + cast(substring(@data, 6, 1) as int) * 65536
                    + cast(substring(@data, 7, 1) as int) * 256 + cast(substring(@data, 8, 1) as int)
                as nvarchar(10))
                else N'0x'
                    + substring(N'0123456789abcdef', cast(substring(@data, 3, 1) as int) / 16 + 1, 1)
                    + substring(N'0123456789abcdef', cast(substring(@data, 3, 1) as int) % 16 + 1, 1)
                    + substring(N'0123456789abcdef', cast(substring(@data, 4, 1) as int) / 16 + 1, 1)
                    + substring(N'0123456789abcdef', cast(substring(@data, 4, 1) as int) % 16 + 1, 1)
                    + substring(N'0123456789abcdef', cast(substring(@data, 5, 1) as int) / 16 + 1, 1)
                    + substring(N'0123456789abcdef', cast(substring(@data, 5, 1) as int) % 16 + 1, 1)
                    + substring(N'0123456789abcdef', cast(substring(@data, 6, 1) as int) / 16 + 1, 1)
                    + substring(N'0123456789abcdef', cast(substring(@data, 6, 1) as int) % 16 + 1, 1)
                    + substring(N'0123456789abcdef', cast(substring(@data, 7, 1) as int) / 16 + 1, 1)
                    + substring(N'0123456789abcdef', cast(substring(@data, 7, 1) as int) % 16 + 1, 1)
                    + substring(N'0123456789abcdef', cast(substring(@data, 8, 1) as int) / 16 + 1, 1)
                    + substring(N'0123456789abcdef', cast(substring(@data, 8, 1) as int) % 16 + 1, 1)
            end
            + case when datalength(@data) > 8 then N'-' + cast(
                cast(substring(@data, 9, 1) as int) + cast(substring(@data, 10, 1) as int) * 256
                + cast(substring(@data, 11, 1) as int) * 65536 + cast(substring(@data, 12, 1) as bigint) * 16777216
            as nvarchar(10)) else N'' end
            + case when datalength(@data) > 12 then N'-' + cast(
                cast(substring(@data, 13, 1) as int) + cast(substring(@data, 14, 1) as int) * 256
                + cast(substring(@data, 15, 1) as int) * 65536 + cast(substring(@data, 16, 1) as bigint) * 16777216
            as nvarchar(10)) else N'' end
            + case when datalength(@data) > 16 then N'-' + cast(
                cast(substring(@data, 17, 1) as int) + cast(substring(@data, 18, 1) as int) * 256
                + cast(substring(@data, 19, 1) as int) * 65536 + cast(substring(@data, 20, 1) as bigint) * 16777216
            as nvarchar(10)) else N'' end
            + case when datalength(@data) > 20 then N'-' + cast(
                cast(substring(@data, 21, 1) as int) + cast(substring(@data, 22, 1) as int) * 256
                + cast(substring(@data, 23, 1) as int) * 65536 + cast(substring(@data, 24, 1) as bigint) * 16777216
            as nvarchar(10)) else N'' end
            + case when datalength(@data) > 24 then N'-' + cast(
                cast(substring(@data, 25, 1) as int) + cast(substring(@data, 26, 1) as int) * 256
                + cast(substring(@data, 27, 1) as int) * 65536 + cast(substring(@data, 28, 1) as bigint) * 16777216
            as nvarchar(10)) else N'' end
            + case when datalength(@data) > 28 then N'-' + cast(
                cast(substring(@data, 29, 1) as int) + cast(substring(@data, 30, 1) as int) * 256
                + cast(substring(@data, 31, 1) as int) * 65536 + cast(substring(@data, 32, 1) as bigint) * 16777216
            as nvarchar(10)) else N'' end
            + case when datalength(@data) > 32 then N'-' + cast(
                cast(substring(@data, 33, 1) as int) + cast(substring(@data, 34, 1) as int) * 256
                + cast(substring(@data, 35, 1) as int) * 65536 + cast(substring(@data, 36, 1) as bigint) * 16777216
            as nvarchar(10)) else N'' end
            + case when datalength(@data) > 36 then N'-' + cast(
                cast(substring(@data, 37, 1) as int) + cast(substring(@data, 38, 1) as int) * 256
                + cast(substring(@data, 39, 1) as int) * 65536 + cast(substring(@data, 40, 1) as bigint) * 16777216
            as nvarchar(10)) else N'' end
            + case when datalength(@data) > 40 then N'-' + cast(
                cast(substring(@data, 41, 1) as int) + cast(substring(@data, 42, 1) as int) * 256
                + cast(substring(@data, 43, 1) as int) * 65536 + cast(substring(@data, 44, 1) as bigint) * 16777216
            as nvarchar(10)) else N'' end
            + case when datalength(@data) > 44 then N'-' + cast(
                cast(substring(@data, 45, 1) as int) + cast(substring(@data, 46, 1) as int) * 256
                + cast(substring(@data, 47, 1) as int) * 65536 + cast(substring(@data, 48, 1) as bigint) * 16777216
            as nvarchar(10)) else N'' end
            + case when datalength(@data) > 48 then N'-' + cast(
                cast(substring(@data, 49, 1) as int) + cast(substring(@data, 50, 1) as int) * 256
                + cast(substring(@data, 51, 1) as int) * 65536 + cast(substring(@data, 52, 1) as bigint) * 16777216
            as nvarchar(10)) else N'' end
            + case when datalength(@data) > 52 then N'-' + cast(
                cast(substring(@data, 53, 1) as int) + cast(substring(@data, 54, 1) as int) * 256
                + cast(substring(@data, 55, 1) as int) * 65536 + cast(substring(@data, 56, 1) as bigint) * 16777216
            as nvarchar(10)) else N'' end
            + case when datalength(@data) > 56 then N'-' + cast(
                cast(substring(@data, 57, 1) as int) + cast(substring(@data, 58, 1) as int) * 256
                + cast(substring(@data, 59, 1) as int) * 65536 + cast(substring(@data, 60, 1) as bigint) * 16777216
            as nvarchar(10)) else N'' end
            + case when datalength(@data) > 60 then N'-' + cast(
                cast(substring(@data, 61, 1) as int) + cast(substring(@data, 62, 1) as int) * 256
                + cast(substring(@data, 63, 1) as int) * 65536 + cast(substring(@data, 64, 1) as bigint) * 16777216
            as nvarchar(10)) else N'' end
            + case when datalength(@data) > 64 then N'-' + cast(
                cast(substring(@data, 65, 1) as int) + cast(substring(@data, 66, 1) as int) * 256
                + cast(substring(@data, 67, 1) as int) * 65536 + cast(substring(@data, 68, 1) as bigint) * 16777216
            as nvarchar(10)) else N'' end
    end collate Latin1_General_100_BIN2 as value
)
go
create function sid_text(@data varbinary(85))
returns nvarchar(184)
as
begin
    return (select f.value from sid_text_inline(@data) as f)
end
go

-- strict: no sign, no leading zero, every part below 2^32; an authority below 2^32 never in hexadecimal
drop function if exists sid_bytes
go
drop function if exists sid_bytes_inline
go
create function sid_bytes_inline(@value nvarchar(200))
returns table
as return (
    select case
        when w.subs between 0 and 15 and w.defects = 0 then try_convert(
            varbinary(68),
            N'010' + substring(N'0123456789ABCDEF', w.subs + 1, 1) + w.authority
            + w.s0
            + w.s1
            + w.s2
            + w.s3
            + w.s4
            + w.s5
            + w.s6
            + w.s7
            + w.s8
            + w.s9
            + w.s10
            + w.s11
            + w.s12
            + w.s13
            + w.s14,
            2
        )
    end as value
    from (
        select
            count(*) - 3 as subs,
            coalesce(sum(case when p.place < 2 or p.digits <> N'' then 0 else 1 end), 1) as defects,
            max(case when p.place = 2 then p.digits else N'' end) as authority,
            max(case when p.place = 3 then p.digits else N'' end) as s0,
            max(case when p.place = 4 then p.digits else N'' end) as s1,
            max(case when p.place = 5 then p.digits else N'' end) as s2,
            max(case when p.place = 6 then p.digits else N'' end) as s3,
            max(case when p.place = 7 then p.digits else N'' end) as s4,
            max(case when p.place = 8 then p.digits else N'' end) as s5,
            max(case when p.place = 9 then p.digits else N'' end) as s6,
            max(case when p.place = 10 then p.digits else N'' end) as s7,
            max(case when p.place = 11 then p.digits else N'' end) as s8,
            max(case when p.place = 12 then p.digits else N'' end) as s9,
            max(case when p.place = 13 then p.digits else N'' end) as s10,
            max(case when p.place = 14 then p.digits else N'' end) as s11,
            max(case when p.place = 15 then p.digits else N'' end) as s12,
            max(case when p.place = 16 then p.digits else N'' end) as s13,
            max(case when p.place = 17 then p.digits else N'' end) as s14
        from (
            select
                n.place,
                case
                    when n.place = 2 and datalength(n.part) = 28
                        and substring(n.part, 1, 2) collate Latin1_General_100_BIN2 in (N'0x', N'0X')
                        and substring(n.part, 3, 12) collate Latin1_General_100_BIN2 not like N'%[^0-9A-Fa-f]%'
                        and substring(n.part, 3, 4) <> N'0000'
                    then substring(n.part, 3, 12)
                    when n.number is null or n.number not between 0 and 4294967295
                        or cast(n.number as nvarchar(20)) <> n.part
                    then N''
                    when n.place = 2
                    then N'0000'
                        + substring(N'0123456789ABCDEF', n.number / 268435456 % 16 + 1, 1)
                        + substring(N'0123456789ABCDEF', n.number / 16777216 % 16 + 1, 1)
                        + substring(N'0123456789ABCDEF', n.number / 1048576 % 16 + 1, 1)
                        + substring(N'0123456789ABCDEF', n.number / 65536 % 16 + 1, 1)
                        + substring(N'0123456789ABCDEF', n.number / 4096 % 16 + 1, 1)
                        + substring(N'0123456789ABCDEF', n.number / 256 % 16 + 1, 1)
                        + substring(N'0123456789ABCDEF', n.number / 16 % 16 + 1, 1)
                        + substring(N'0123456789ABCDEF', n.number % 16 + 1, 1)
                    else N''
                        + substring(N'0123456789ABCDEF', n.number / 16 % 16 + 1, 1)
                        + substring(N'0123456789ABCDEF', n.number % 16 + 1, 1)
                        + substring(N'0123456789ABCDEF', n.number / 4096 % 16 + 1, 1)
                        + substring(N'0123456789ABCDEF', n.number / 256 % 16 + 1, 1)
                        + substring(N'0123456789ABCDEF', n.number / 1048576 % 16 + 1, 1)
                        + substring(N'0123456789ABCDEF', n.number / 65536 % 16 + 1, 1)
                        + substring(N'0123456789ABCDEF', n.number / 268435456 % 16 + 1, 1)
                        + substring(N'0123456789ABCDEF', n.number / 16777216 % 16 + 1, 1)
                end as digits
            from (
                select cast(j.[key] as int) as place, j.value as part, try_cast(j.value as bigint) as number
                from openjson(case
                    when substring(@value, 1, 4) collate Latin1_General_100_BIN2 in (N'S-1-', N's-1-')
                        and replace(@value collate Latin1_General_100_BIN2, N'-', N'') not like N'%[^0-9A-FSXa-fsx]%'
                    then N'["' + replace(@value collate Latin1_General_100_BIN2, N'-', N'","') + N'"]'
                end) as j
            ) as n
        ) as p
    ) as w
)
go
create function sid_bytes(@value nvarchar(200))
returns varbinary(68)
as
begin
    return (select f.value from sid_bytes_inline(@value) as f)
end
go

drop function if exists guid_text
go
drop function if exists guid_text_inline
go
create function guid_text_inline(@data varbinary(17))
returns table
as return (
    select case
        when datalength(@data) = 16 then lower(cast(cast(@data as uniqueidentifier) as nvarchar(36)))
    end collate Latin1_General_100_BIN2 as value
)
go
create function guid_text(@data varbinary(17))
returns nvarchar(36)
as
begin
    return (select f.value from guid_text_inline(@data) as f)
end
go

drop function if exists guid_bytes
go
drop function if exists guid_bytes_inline
go
create function guid_bytes_inline(@value nvarchar(40))
returns table
as return (
    select case
        when b.bare collate Latin1_General_100_BIN2 like N'________-____-____-____-____________'
            and datalength(replace(b.bare collate Latin1_General_100_BIN2, N'-', N'')) = 64
            and replace(b.bare collate Latin1_General_100_BIN2, N'-', N'') not like N'%[^0-9A-Fa-f]%'
        then cast(try_cast(b.bare as uniqueidentifier) as varbinary(16))
    end as value
    from (
        select case
            when datalength(@value) = 76 and @value collate Latin1_General_100_BIN2 like N'{%}'
            then substring(@value, 2, 36)
            else @value
        end as bare
    ) as b
)
go
create function guid_bytes(@value nvarchar(40))
returns varbinary(16)
as
begin
    return (select f.value from guid_bytes_inline(@value) as f)
end
go

-- base64 of a GUID's bytes; byte-exact: compare it under a binary collation only, AbC= and abC= are two people
drop function if exists immutable_id
go
drop function if exists immutable_id_inline
go
create function immutable_id_inline(@data varbinary(17))
returns table
as return (
    select case
        when datalength(@data) = 16 then N''
            + substring(b.digits, b.b1 / 4 + 1, 1)
            + substring(b.digits, b.b1 % 4 * 16 + b.b2 / 16 + 1, 1)
            + substring(b.digits, b.b2 % 16 * 4 + b.b3 / 64 + 1, 1)
            + substring(b.digits, b.b3 % 64 + 1, 1)
            + substring(b.digits, b.b4 / 4 + 1, 1)
            + substring(b.digits, b.b4 % 4 * 16 + b.b5 / 16 + 1, 1)
            + substring(b.digits, b.b5 % 16 * 4 + b.b6 / 64 + 1, 1)
            + substring(b.digits, b.b6 % 64 + 1, 1)
            + substring(b.digits, b.b7 / 4 + 1, 1)
            + substring(b.digits, b.b7 % 4 * 16 + b.b8 / 16 + 1, 1)
            + substring(b.digits, b.b8 % 16 * 4 + b.b9 / 64 + 1, 1)
            + substring(b.digits, b.b9 % 64 + 1, 1)
            + substring(b.digits, b.b10 / 4 + 1, 1)
            + substring(b.digits, b.b10 % 4 * 16 + b.b11 / 16 + 1, 1)
            + substring(b.digits, b.b11 % 16 * 4 + b.b12 / 64 + 1, 1)
            + substring(b.digits, b.b12 % 64 + 1, 1)
            + substring(b.digits, b.b13 / 4 + 1, 1)
            + substring(b.digits, b.b13 % 4 * 16 + b.b14 / 16 + 1, 1)
            + substring(b.digits, b.b14 % 16 * 4 + b.b15 / 64 + 1, 1)
            + substring(b.digits, b.b15 % 64 + 1, 1)
            + substring(b.digits, b.b16 / 4 + 1, 1)
            + substring(b.digits, b.b16 % 4 * 16 + 1, 1)
            + N'=='
    end collate Latin1_General_100_BIN2 as value
    from (
        select
            N'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/' as digits,
            cast(substring(@data, 1, 1) as int) as b1,
            cast(substring(@data, 2, 1) as int) as b2,
            cast(substring(@data, 3, 1) as int) as b3,
            cast(substring(@data, 4, 1) as int) as b4,
            cast(substring(@data, 5, 1) as int) as b5,
            cast(substring(@data, 6, 1) as int) as b6,
            cast(substring(@data, 7, 1) as int) as b7,
            cast(substring(@data, 8, 1) as int) as b8,
            cast(substring(@data, 9, 1) as int) as b9,
            cast(substring(@data, 10, 1) as int) as b10,
            cast(substring(@data, 11, 1) as int) as b11,
            cast(substring(@data, 12, 1) as int) as b12,
            cast(substring(@data, 13, 1) as int) as b13,
            cast(substring(@data, 14, 1) as int) as b14,
            cast(substring(@data, 15, 1) as int) as b15,
            cast(substring(@data, 16, 1) as int) as b16
    ) as b
)
go
create function immutable_id(@data varbinary(17))
returns nvarchar(24)
as
begin
    return (select f.value from immutable_id_inline(@data) as f)
end
go

-- exact: 22 characters and ==, the last of them without bits that no encoder writes
drop function if exists immutable_id_bytes
go
drop function if exists immutable_id_bytes_inline
go
create function immutable_id_bytes_inline(@value nvarchar(30))
returns table
as return (
    select case
        when datalength(@value) = 48 and @value collate Latin1_General_100_BIN2 like N'%[AQgw]=='
            and substring(@value, 1, 22) collate Latin1_General_100_BIN2 not like N'%[^0-9A-Za-z+/]%'
        then try_convert(varbinary(16), N''
            + substring(N'0123456789ABCDEF', s.s1 / 4 + 1, 1)
            + substring(N'0123456789ABCDEF', s.s1 % 4 * 4 + s.s2 / 16 + 1, 1)
            + substring(N'0123456789ABCDEF', s.s2 % 16 + 1, 1)
            + substring(N'0123456789ABCDEF', s.s3 / 4 + 1, 1)
            + substring(N'0123456789ABCDEF', s.s3 % 4 * 4 + s.s4 / 16 + 1, 1)
            + substring(N'0123456789ABCDEF', s.s4 % 16 + 1, 1)
            + substring(N'0123456789ABCDEF', s.s5 / 4 + 1, 1)
            + substring(N'0123456789ABCDEF', s.s5 % 4 * 4 + s.s6 / 16 + 1, 1)
            + substring(N'0123456789ABCDEF', s.s6 % 16 + 1, 1)
            + substring(N'0123456789ABCDEF', s.s7 / 4 + 1, 1)
            + substring(N'0123456789ABCDEF', s.s7 % 4 * 4 + s.s8 / 16 + 1, 1)
            + substring(N'0123456789ABCDEF', s.s8 % 16 + 1, 1)
            + substring(N'0123456789ABCDEF', s.s9 / 4 + 1, 1)
            + substring(N'0123456789ABCDEF', s.s9 % 4 * 4 + s.s10 / 16 + 1, 1)
            + substring(N'0123456789ABCDEF', s.s10 % 16 + 1, 1)
            + substring(N'0123456789ABCDEF', s.s11 / 4 + 1, 1)
            + substring(N'0123456789ABCDEF', s.s11 % 4 * 4 + s.s12 / 16 + 1, 1)
            + substring(N'0123456789ABCDEF', s.s12 % 16 + 1, 1)
            + substring(N'0123456789ABCDEF', s.s13 / 4 + 1, 1)
            + substring(N'0123456789ABCDEF', s.s13 % 4 * 4 + s.s14 / 16 + 1, 1)
            + substring(N'0123456789ABCDEF', s.s14 % 16 + 1, 1)
            + substring(N'0123456789ABCDEF', s.s15 / 4 + 1, 1)
            + substring(N'0123456789ABCDEF', s.s15 % 4 * 4 + s.s16 / 16 + 1, 1)
            + substring(N'0123456789ABCDEF', s.s16 % 16 + 1, 1)
            + substring(N'0123456789ABCDEF', s.s17 / 4 + 1, 1)
            + substring(N'0123456789ABCDEF', s.s17 % 4 * 4 + s.s18 / 16 + 1, 1)
            + substring(N'0123456789ABCDEF', s.s18 % 16 + 1, 1)
            + substring(N'0123456789ABCDEF', s.s19 / 4 + 1, 1)
            + substring(N'0123456789ABCDEF', s.s19 % 4 * 4 + s.s20 / 16 + 1, 1)
            + substring(N'0123456789ABCDEF', s.s20 % 16 + 1, 1)
            + substring(N'0123456789ABCDEF', s.s21 / 4 + 1, 1)
            + substring(N'0123456789ABCDEF', s.s21 % 4 * 4 + s.s22 / 16 + 1, 1),
        2)
    end as value
    from (
        select
            charindex(substring(@value, 1, 1) collate Latin1_General_100_BIN2, c.digits) - 1 as s1,
            charindex(substring(@value, 2, 1) collate Latin1_General_100_BIN2, c.digits) - 1 as s2,
            charindex(substring(@value, 3, 1) collate Latin1_General_100_BIN2, c.digits) - 1 as s3,
            charindex(substring(@value, 4, 1) collate Latin1_General_100_BIN2, c.digits) - 1 as s4,
            charindex(substring(@value, 5, 1) collate Latin1_General_100_BIN2, c.digits) - 1 as s5,
            charindex(substring(@value, 6, 1) collate Latin1_General_100_BIN2, c.digits) - 1 as s6,
            charindex(substring(@value, 7, 1) collate Latin1_General_100_BIN2, c.digits) - 1 as s7,
            charindex(substring(@value, 8, 1) collate Latin1_General_100_BIN2, c.digits) - 1 as s8,
            charindex(substring(@value, 9, 1) collate Latin1_General_100_BIN2, c.digits) - 1 as s9,
            charindex(substring(@value, 10, 1) collate Latin1_General_100_BIN2, c.digits) - 1 as s10,
            charindex(substring(@value, 11, 1) collate Latin1_General_100_BIN2, c.digits) - 1 as s11,
            charindex(substring(@value, 12, 1) collate Latin1_General_100_BIN2, c.digits) - 1 as s12,
            charindex(substring(@value, 13, 1) collate Latin1_General_100_BIN2, c.digits) - 1 as s13,
            charindex(substring(@value, 14, 1) collate Latin1_General_100_BIN2, c.digits) - 1 as s14,
            charindex(substring(@value, 15, 1) collate Latin1_General_100_BIN2, c.digits) - 1 as s15,
            charindex(substring(@value, 16, 1) collate Latin1_General_100_BIN2, c.digits) - 1 as s16,
            charindex(substring(@value, 17, 1) collate Latin1_General_100_BIN2, c.digits) - 1 as s17,
            charindex(substring(@value, 18, 1) collate Latin1_General_100_BIN2, c.digits) - 1 as s18,
            charindex(substring(@value, 19, 1) collate Latin1_General_100_BIN2, c.digits) - 1 as s19,
            charindex(substring(@value, 20, 1) collate Latin1_General_100_BIN2, c.digits) - 1 as s20,
            charindex(substring(@value, 21, 1) collate Latin1_General_100_BIN2, c.digits) - 1 as s21,
            charindex(substring(@value, 22, 1) collate Latin1_General_100_BIN2, c.digits) - 1 as s22
        from (
            select N'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
                collate Latin1_General_100_BIN2 as digits
        ) as c
    ) as s
)
go
create function immutable_id_bytes(@value nvarchar(30))
returns varbinary(16)
as
begin
    return (select f.value from immutable_id_bytes_inline(@value) as f)
end
go

-- 100 ns since 1601-01-01; 0 and 2^63-1 mean never; below 0 and beyond the year 9999 there is no such time.
-- A number beyond 32 bits is a decimal literal here, and dividing by one is no integer division: hence the casts.
drop function if exists filetime_utc
go
drop function if exists filetime_utc_inline
go
create function filetime_utc_inline(@value bigint)
returns table
as return (
    select case
        when @value > 0 and @value < cast(2650467744000000000 as bigint) then dateadd(
            microsecond, cast(@value % 10000000 / 10 as int), dateadd(
                second, cast(@value / 10000000 % 86400 as int), dateadd(
                    day, cast(@value / 10000000 / 86400 as int), cast('1601-01-01' as datetime2(6))
                )
            )
        )
    end as value
)
go
create function filetime_utc(@value bigint)
returns datetime2(6)
as
begin
    return (select f.value from filetime_utc_inline(@value) as f)
end
go

-- one to seven digits of fraction, cut to microseconds; days and hours that do not exist give NULL
drop function if exists generalized_time
go
drop function if exists generalized_time_inline
go
create function generalized_time_inline(@value nvarchar(30))
returns table
as return (
    select case
        when datalength(@value) between 34 and 46
            and @value collate Latin1_General_100_BIN2 like N'______________.%Z'
            and substring(@value, 1, 14) + t.fraction not like N'%[^0-9]%'
            and datalength(t.fraction) = datalength(@value) - 32
        then try_cast(
            substring(@value, 1, 4) + N'-' + substring(@value, 5, 2) + N'-' + substring(@value, 7, 2) + N'T'
            + substring(@value, 9, 2) + N':' + substring(@value, 11, 2) + N':' + substring(@value, 13, 2) + N'.'
            + substring(t.fraction + N'00000', 1, 6)
        as datetime2(6))
    end as value
    from (select replace(substring(@value, 16, 8) collate Latin1_General_100_BIN2, N'Z', N'') as fraction) as t
)
go
create function generalized_time(@value nvarchar(30))
returns datetime2(6)
as
begin
    return (select f.value from generalized_time_inline(@value) as f)
end
go

-- NULL for a name that userAccountControl does not know (in any case) and for values of more than 32 bits;
-- LOCKOUT, PASSWORD_EXPIRED and USE_AES_KEYS are set in msDS-User-Account-Control-Computed alone
drop function if exists uac_has
go
drop function if exists uac_has_inline
go
create function uac_has_inline(@value bigint, @flag nvarchar(64))
returns table
as return (
    select case
        when @value not between -2147483648 and 4294967295 or @flag like N'% ' then null
        when (@value & m.mask) <> 0 then cast(1 as smallint)
        when (@value & m.mask) = 0 then cast(0 as smallint)
    end as value
    from (
        select case upper(@flag collate Latin1_General_100_BIN2)
            when N'SCRIPT' then 1
            when N'ACCOUNTDISABLE' then 2
            when N'HOMEDIR_REQUIRED' then 8
            when N'LOCKOUT' then 16
            when N'PASSWD_NOTREQD' then 32
            when N'PASSWD_CANT_CHANGE' then 64
            when N'ENCRYPTED_TEXT_PWD_ALLOWED' then 128
            when N'TEMP_DUPLICATE_ACCOUNT' then 256
            when N'NORMAL_ACCOUNT' then 512
            when N'INTERDOMAIN_TRUST_ACCOUNT' then 2048
            when N'WORKSTATION_TRUST_ACCOUNT' then 4096
            when N'SERVER_TRUST_ACCOUNT' then 8192
            when N'DONT_EXPIRE_PASSWORD' then 65536
            when N'MNS_LOGON_ACCOUNT' then 131072
            when N'SMARTCARD_REQUIRED' then 262144
            when N'TRUSTED_FOR_DELEGATION' then 524288
            when N'NOT_DELEGATED' then 1048576
            when N'USE_DES_KEY_ONLY' then 2097152
            when N'DONT_REQ_PREAUTH' then 4194304
            when N'PASSWORD_EXPIRED' then 8388608
            when N'TRUSTED_TO_AUTH_FOR_DELEGATION' then 16777216
            when N'NO_AUTH_DATA_REQUIRED' then 33554432
            when N'PARTIAL_SECRETS_ACCOUNT' then 67108864
            when N'USE_AES_KEYS' then 134217728
        end as mask
    ) as m
)
go
create function uac_has(@value bigint, @flag nvarchar(64))
returns smallint
as
begin
    return (select f.value from uac_has_inline(@value, @flag) as f)
end
go

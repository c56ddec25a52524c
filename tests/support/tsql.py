"""The T-SQL of sql/functions run on PostgreSQL: proves its arithmetic and its patterns, not SQL Server's grammar.

The text is used as it stands, but for spelling: types, N'…', @parameters, brackets, LIKE patterns. What T-SQL knows and
PostgreSQL does not (text + text, bytes cast to a number, openjson, try_cast, dateadd) is defined here, in a schema of
its own.
"""

import re

from recon.catalog import data_folder

SHIMS = r"""
create function joined(a text, b text) returns text language sql immutable as 'select a || b';
create operator + (leftarg = text, rightarg = text, function = joined);
create function byte_number(data bytea) returns integer language sql immutable as $$
    select case length(data) when 1 then get_byte(data, 0) end
$$;
create cast (bytea as integer) with function byte_number(bytea);
create function byte_big(data bytea) returns bigint language sql immutable as 'select byte_number(data)::bigint';
create cast (bytea as bigint) with function byte_big(bytea);
create function "substring"(t text, n bigint, size integer) returns text language sql immutable as $$
    select case when n > 0 then substr(t, n::integer, size) else '' end
$$;
create function datalength(data bytea) returns integer language sql immutable as 'select length(data)';
create function datalength(t text) returns integer language sql immutable as 'select 2 * length(t)';
create function charindex(part text, whole text) returns integer language sql immutable as $$
    select case when part = '' then 0 else strpos(whole, part) end
$$;
create function openjson(document text) returns table(key text, value text) language sql immutable as $$
    select (place - 1)::text, part
    from jsonb_array_elements_text(document::jsonb) with ordinality as e(part, place)
$$;
create function try_bigint(t text) returns bigint language sql immutable as $$
    select case when t = '' then 0 when t ~ '^[+-]?[0-9]{1,18}$' then t::bigint end
$$;
create function try_bytes(digits text, style integer) returns bytea language plpgsql immutable as $$
begin
    return decode(digits, 'hex');
exception when others then return null;
end $$;
create function guid_of(data bytea) returns text language sql immutable as $$
    select upper(encode(substring(data from 4 for 1) || substring(data from 3 for 1) || substring(data from 2 for 1)
        || substring(data from 1 for 1), 'hex') || '-' || encode(substring(data from 6 for 1)
        || substring(data from 5 for 1), 'hex') || '-' || encode(substring(data from 8 for 1)
        || substring(data from 7 for 1), 'hex') || '-' || encode(substring(data from 9 for 2), 'hex') || '-'
        || encode(substring(data from 11), 'hex'))
$$;
create function guid_data(t text) returns bytea language sql immutable as $$
    select substring(d.b from 4 for 1) || substring(d.b from 3 for 1) || substring(d.b from 2 for 1)
        || substring(d.b from 1 for 1) || substring(d.b from 6 for 1) || substring(d.b from 5 for 1)
        || substring(d.b from 8 for 1) || substring(d.b from 7 for 1) || substring(d.b from 9)
    from (select decode(replace(t, '-', ''), 'hex') as b) as d
$$;
create function try_time(t text) returns timestamp language plpgsql immutable as $$
begin
    if t !~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-5][0-9]:[0-5][0-9][.][0-9]{1,7}$' then return null; end if;
    return t::timestamp;
exception when others then return null;
end $$;
create function moved(part text, number integer, t timestamp) returns timestamp language sql immutable as $$
    select t + number * case part when 'day' then interval '1 day' when 'second' then interval '1 second'
        else interval '1 microsecond' end
$$;
"""
_TYPES = {
    r"varbinary\(\w+\)": "bytea", r"nvarchar\(\w+\)": "text", r"datetime2\(6\)": "timestamp", r"\bint\b": "integer",
}  # fmt: skip
_FUNCTION = re.compile(r"create function (\w+)_inline\((.*?)\)\nreturns table\nas return \(\n(.*?)\n\)\ngo", re.DOTALL)


def _pattern(match: re.Match[str]) -> str:
    """A LIKE pattern as a regular expression: % anything, _ one character, [..] a set."""
    parts = re.findall(r"\[[^\]]*\]|.", match.group(2))
    known = {"%": "(?:.|\n)*", "_": "."}
    text = "".join(known.get(part, part if len(part) > 1 else re.escape(part)) for part in parts)
    return f" {'!~' if match.group(1) else '~'} '^{text}$'"


def _spelt(body: str) -> str:
    body = re.sub(r" (not )?like N'([^']*)'", _pattern, body)
    body = re.sub(r"\bN'", "'", body)
    body = re.sub(r"\s+collate Latin1_General_100_BIN2", ' collate "C"', body)
    body = body.replace("cast(cast(@data as uniqueidentifier) as nvarchar(36))", "guid_of(@data)")
    body = body.replace("cast(try_cast(b.bare as uniqueidentifier) as varbinary(16))", "guid_data(b.bare)")
    body = body.replace("try_cast(j.value as bigint)", "try_bigint(j.value)").replace("j.[key]", "j.key")
    body = re.sub(r"try_convert\(\s*varbinary\(\d+\),", "try_bytes(", body)
    body = re.sub(r"try_cast\((.*?)\s+as datetime2\(6\)\)", r"try_time(\1)", body, flags=re.DOTALL)
    body = re.sub(r"dateadd\(\s*(\w+),", r"moved('\1',", body)
    for pattern, name in _TYPES.items():
        body = re.sub(pattern, name, body)
    return body


def _argument(place: int, kind: str) -> str:
    """The parameter, cut as T-SQL cuts what is longer than its type, silently."""
    size = re.search(r"\d+", kind)
    if size is None or not ("char" in kind or "binary" in kind):
        return f"${place}"
    return f"left(${place}, {size.group()})" if "char" in kind else f"substring(${place} from 1 for {size.group()})"


def functions() -> list[str]:
    """CREATE FUNCTION statements for PostgreSQL, one for each inline table function of sql/functions/mssql.sql."""
    text = (data_folder("sql") / "functions" / "mssql.sql").read_text(encoding="utf-8")
    results = dict(re.findall(r"create function (\w+)\(.*?\)\nreturns (\w+.*)\nas\nbegin", text))
    made = []
    for name, parameters, body in _FUNCTION.findall(text):
        kinds = dict(one.removeprefix("@").split(" ", 1) for one in parameters.split(", "))
        arguments = {each: _argument(place, kind) for place, (each, kind) in enumerate(kinds.items(), start=1)}
        inside = re.sub(r"@(\w+)", lambda match, known=arguments: known[match.group(1)], _spelt(body))
        types = ", ".join(_spelt(kind) for kind in kinds.values())
        result = _spelt(results.pop(name))
        made.append(f"create function {name}({types}) returns {result} language sql immutable as $f$\n{inside}\n$f$")
    assert not results, f"scalar forms without an inline one: {results}"
    return made

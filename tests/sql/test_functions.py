"""sql/functions of every engine against recon.decode: thousands of random values, whole and damaged, and vectors.

SQL Server's text is run on PostgreSQL (tests.support.tsql), with its own grammar read by sqlglot.
"""

import random
import re
import sqlite3
import string
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import psycopg
import pytest
import sqlglot

from recon.catalog import data_folder
from recon.decode import guid, sid, times, uac
from recon.errors import DecodeError
from tests.servers.stores import fresh_database
from tests.support import tsql

FOLDER = data_folder("sql") / "functions"
NAMES = (
    "sid_text", "sid_bytes", "guid_text", "guid_bytes", "immutable_id", "immutable_id_bytes", "filetime_utc",
    "generalized_time", "uac_has",
)  # fmt: skip
HOSTILE = string.hexdigits + "xXsS-.{}= \n\t\\'\"%_+/Zzé²١１"


class Case(NamedTuple):
    """One function: PostgreSQL types of its parameters, what it must give, and values to try."""

    types: tuple[str, ...]
    expected: Callable[..., Any]
    values: Callable[[random.Random], Iterator[tuple[Any, ...]]]


# ---- values -------------------------------------------------------------------------------------------


def a_sid(chance: random.Random) -> bytes:
    subs = [chance.choice((0, 1, 2**31, 2**32 - 1, chance.getrandbits(32))) for _ in range(chance.randint(0, 15))]
    authority = chance.choice((0, 5, 2**32 - 1, 2**32, 2**48 - 1, chance.getrandbits(48)))
    return bytes((1, len(subs))) + authority.to_bytes(6, "big") + b"".join(sub.to_bytes(4, "little") for sub in subs)


def damaged_bytes(chance: random.Random, data: bytes) -> bytes:
    kind = chance.randrange(4)
    if kind == 0:
        return data[: chance.randint(0, len(data))]
    if kind == 1:
        return data + chance.randbytes(chance.randint(1, 60))
    place = chance.randrange(min(2, len(data)))
    return (
        data[:place] + chance.randbytes(1) + data[place + 1 :] if kind == 2 else chance.randbytes(chance.randrange(80))
    )


def damaged_text(chance: random.Random, text: str) -> str:
    for _ in range(chance.choice((1, 1, 2, 5))):
        place, part = chance.randint(0, len(text)), chance.choice(HOSTILE)
        text = chance.choice(
            (text[:place] + part + text[place:], text[:place] + part + text[place + 1 :], text[:place])
        )
    return text


def texts(whole: Callable[[random.Random], str]) -> Callable[[random.Random], Iterator[tuple[Any, ...]]]:
    def made(chance: random.Random) -> Iterator[tuple[Any, ...]]:
        yield from ((None,), ("",), (" ",), ("-" * 300,), ("0" * 300,))
        for _ in range(1500):
            text = whole(chance)
            yield (text,)
            yield (damaged_text(chance, text),)
            yield (chance.choice((text + " ", " " + text, text + "\n", text * 2, text.upper(), text.lower())),)

    return made


def blobs(whole: Callable[[random.Random], bytes]) -> Callable[[random.Random], Iterator[tuple[Any, ...]]]:
    def made(chance: random.Random) -> Iterator[tuple[Any, ...]]:
        yield from ((None,), (b"",), (b"\x01",), (b"\x01\xff" + bytes(6 + 4 * 255),), (b"\x01\x10" + bytes(70),))
        for _ in range(2000):
            data = whole(chance)
            yield (data,)
            yield (damaged_bytes(chance, data),)

    return made


def a_sid_text(chance: random.Random) -> str:
    if chance.randrange(3):
        return sid.sid_text(a_sid(chance))
    parts = [
        str(chance.choice((0, 4294967295, 4294967296, 9999999999, 10000000000, 42)))
        for _ in range(chance.randint(0, 17))
    ]
    head = chance.choice(("5", "05", "4294967295", "4294967296", "0x000000000005", "0X00010000ABcd", "0x0001000000000"))
    return "-".join((chance.choice("Ss"), chance.choice(("1", "1", "1", "2")), head, *parts))


def a_guid_text(chance: random.Random) -> str:
    text = guid.guid_text(chance.randbytes(16))
    return chance.choice((text, text.upper(), f"{{{text}}}", f"{{{text}", f"{text}}}", text.replace("-", "")))


def an_immutable_id(chance: random.Random) -> str:
    return guid.immutable_id(chance.randbytes(chance.choice((15, 16, 16, 16, 16, 17, 18))))


def filetimes(chance: random.Random) -> Iterator[tuple[Any, ...]]:
    end = 2650467744000000000
    for value in (None, 0, 1, 9, 10, -1, 2**63 - 1, 2**63 - 2, -(2**63), end - 1, end, end + 1, 116444736000000000):
        yield (value,)
    for _ in range(4000):
        yield (
            chance.choice((chance.randrange(end), chance.randrange(-end, 2**63), chance.randrange(10**18, 2 * 10**18))),
        )


def a_generalized_time(chance: random.Random) -> str:
    year = chance.choice(("0000", "0001", "1900", "2000", "2023", "2024", "9999"))
    if chance.randrange(3):
        moment = datetime(1, 1, 1) + timedelta(days=chance.randrange(3652058), seconds=chance.randrange(86400))
        return f"{moment.year:04}{moment:%m%d%H%M%S}.{chance.randrange(10**7):07}Z"
    month, day = (
        chance.choice(("00", "01", "02", "02", "04", "12", "13")),
        chance.choice(("00", "01", "28", "29", "30", "31", "32")),
    )
    clock = chance.choice(("000000", "235959", "240000", "236000", "235960", "101112"))
    fraction = "".join(chance.choice(string.digits) for _ in range(chance.choice((0, 1, 1, 3, 6, 7, 8))))
    return f"{year}{month}{day}{clock}.{fraction}Z"


def flags(chance: random.Random) -> Iterator[tuple[Any, ...]]:
    names = [flag.name for flag in uac.FLAGS]
    wrong = [None, "", "NO_SUCH_FLAG", "SCRIPT ", " SCRIPT", "scrıpt", "SCRİPT", "ſcript", "ＳＣＲＩＰＴ"]
    for value in (None, 0, 512, 514, -1, -(2**31), -(2**31) - 1, 2**31, 2**32 - 1, 2**32, 2**63 - 1, -(2**63)):
        yield from ((value, name) for name in names + wrong)
    for _ in range(3000):
        yield (
            chance.choice((chance.getrandbits(28), chance.getrandbits(32), -chance.getrandbits(31))),
            chance.choice(names).title(),
        )


# ---- what they must give ------------------------------------------------------------------------------


def or_none(decode: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def decoded(value: Any) -> Any:
        try:
            return None if value is None else decode(value)
        except DecodeError:
            return None

    return decoded


def of_a_guid(decode: Callable[[Any], Any], size: int) -> Callable[[Any], Any]:
    """The functions read the 16 bytes of a GUID alone; recon.decode reads anchors of any length."""
    return or_none(lambda value: decode(value) if len(value) == size else None)


def has_flag(value: int | None, name: str | None) -> int | None:
    known = {flag.name: flag.value for flag in uac.FLAGS}
    mask = known.get(name.upper()) if name is not None and name.isascii() else None
    if value is None or mask is None:
        return None
    try:
        return int(name.upper() in uac.flags(value))
    except DecodeError:
        return None


CASES = {
    "sid_text": Case(("bytea",), or_none(sid.sid_text), blobs(a_sid)),
    "sid_bytes": Case(("text",), or_none(sid.sid_bytes), texts(a_sid_text)),
    "guid_text": Case(("bytea",), or_none(guid.guid_text), blobs(lambda chance: chance.randbytes(16))),
    "guid_bytes": Case(("text",), or_none(guid.guid_bytes), texts(a_guid_text)),
    "immutable_id": Case(("bytea",), of_a_guid(guid.immutable_id, 16), blobs(lambda chance: chance.randbytes(16))),
    "immutable_id_bytes": Case(
        ("text",),
        lambda value: data if (data := or_none(guid.immutable_id_bytes)(value)) and len(data) == 16 else None,
        texts(an_immutable_id),
    ),
    "filetime_utc": Case(("bigint",), or_none(times.filetime_text), filetimes),
    "generalized_time": Case(("text",), or_none(times.generalized_time_text), texts(a_generalized_time)),
    "uac_has": Case(("bigint", "text"), has_flag, flags),
}  # fmt: skip


# ---- the engines --------------------------------------------------------------------------------------

Decoded = Callable[[str, Sequence[tuple[Any, ...]]], list[Any]]


def _plain(value: Any) -> Any:
    return value.strftime("%Y-%m-%d %H:%M:%S.%f").rjust(26, "0") if isinstance(value, datetime) else value


def sqlite_query(name: str) -> str:
    """The query of that name as it stands in the file, its example replaced by table `tried`."""
    text = (FOLDER / "sqlite.sql").read_text(encoding="utf-8")
    found = re.search(rf"^-- ---- {name}: .*?^(with given as .*?);\n", text, re.DOTALL | re.MULTILINE)
    assert found is not None, name
    query, replaced = re.subn(
        r"^with given as \(\n.*?\n\)", "with given as (select * from tried)", found.group(1), flags=re.DOTALL
    )
    assert replaced == 1
    return query


SQLITE_NAMES = {"sid_bytes": "sid_hex", "guid_bytes": "guid_hex", "immutable_id_bytes": "immutable_id_hex"}


def on_sqlite(name: str, values: Sequence[tuple[Any, ...]]) -> list[Any]:
    """Rows of one table come back in the order in which they were inserted; hexadecimal text stands for bytes."""
    its = SQLITE_NAMES.get(name, name)
    with sqlite3.connect(":memory:") as connection:
        connection.execute(f"create table tried (value{', flag' if name == 'uac_has' else ''})")
        connection.executemany(f"insert into tried values ({', '.join('?' * len(values[0]))})", values)
        found = [row[-1] for row in connection.execute(sqlite_query(its))]
    connection.close()
    return [value if value is None or its == name else bytes.fromhex(value) for value in found]


def on_postgresql(connection: psycopg.Connection[Any], name: str, values: Sequence[tuple[Any, ...]]) -> list[Any]:
    types = CASES[name].types
    columns = ", ".join(f"v{place} {kind}" for place, kind in enumerate(types))
    connection.execute("drop table if exists tried")
    connection.execute(f"create temporary table tried (place integer, {columns})")
    with connection.cursor().copy("copy tried from stdin") as copy:
        copy.set_types(["integer", *types])
        for place, row in enumerate(values):
            copy.write_row((place, *row))
    arguments = ", ".join(f"v{place}" for place in range(len(types)))
    return [_plain(row[0]) for row in connection.execute(f"select {name}({arguments}) from tried order by place")]


def _installed(postgresql_url: str, *scripts: str) -> Iterator[psycopg.Connection[Any]]:
    with (
        fresh_database(postgresql_url) as url,
        psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection,
    ):
        for script in scripts:
            connection.execute(script)
        yield connection


@pytest.fixture(scope="module")
def postgresql_functions(postgresql_url: str) -> Iterator[psycopg.Connection[Any]]:
    """A database with sql/functions/postgresql.sql, run twice."""
    script = (FOLDER / "postgresql.sql").read_text(encoding="utf-8")
    yield from _installed(postgresql_url, script, script)


@pytest.fixture(scope="module")
def tsql_functions(postgresql_url: str) -> Iterator[psycopg.Connection[Any]]:
    """A database with SQL Server's functions."""
    yield from _installed(postgresql_url, tsql.SHIMS, *tsql.functions())


@pytest.fixture(
    params=["sqlite", *(pytest.param(name, marks=pytest.mark.postgresql) for name in ("postgresql", "tsql"))]
)
def decoded(request: pytest.FixtureRequest) -> Decoded:
    """Calls a function of one engine with many values."""
    if request.param == "sqlite":
        return on_sqlite
    connection = request.getfixturevalue(f"{request.param}_functions")
    return lambda name, values: on_postgresql(connection, name, values)


@pytest.mark.parametrize("name", NAMES)
def test_it_agrees_with_decode_on_thousands_of_values(decoded, name):
    case = CASES[name]
    values = list(case.values(random.Random(20260214)))
    expected = [case.expected(*row) for row in values]
    assert sum(value is not None for value in expected) > 500
    assert sum(value is None for value in expected) > 100
    found = decoded(name, values)
    differing = [(row, want, got) for row, want, got in zip(values, expected, found, strict=True) if want != got]
    assert differing[:5] == []


PERSON = bytes.fromhex("010500000000000515000000D1D64379336F47EB77D1D6B32D760C00")
GUID = bytes.fromhex("78563412bc9af0de1122334455667788")


@pytest.mark.parametrize(
    ("name", "row", "expected"),
    [
        ("sid_text", (PERSON,), "S-1-5-21-2034489041-3947327283-3017199991-816685"),
        ("sid_text", (bytes.fromhex("01020000000000052000000020020000"),), "S-1-5-32-544"),
        ("sid_text", (bytes.fromhex("010100010000000007000000"),), "S-1-0x000100000000-7"),
        ("sid_text", (bytes.fromhex("0101abcdef01234507000000"),), "S-1-0xabcdef012345-7"),
        ("sid_text", (PERSON[:-1],), None),
        ("sid_text", (PERSON[:24],), None),
        ("sid_bytes", ("S-1-5-21-2034489041-3947327283-3017199991-816685",), PERSON),
        ("sid_bytes", ("S-1-5" + 15 * "-0",), b"\x01\x0f" + bytes(5) + b"\x05" + bytes(60)),
        ("sid_bytes", ("S-1-5" + 16 * "-0",), None),
        ("guid_text", (GUID,), "12345678-9abc-def0-1122-334455667788"),
        ("guid_bytes", ("{12345678-9ABC-DEF0-1122-334455667788}",), GUID),
        ("immutable_id", (GUID,), "eFY0Erya8N4RIjNEVWZ3iA=="),
        ("immutable_id_bytes", ("eFY0Erya8N4RIjNEVWZ3iA==",), GUID),
        ("immutable_id_bytes", ("eFY0Erya8N4RIjNEVWZ3iB==",), None),
        ("filetime_utc", (0,), None),
        ("filetime_utc", (2**63 - 1,), None),
        ("filetime_utc", (116444736000000019,), "1970-01-01 00:00:00.000001"),
        ("generalized_time", ("20230212100000.0Z",), "2023-02-12 10:00:00.000000"),
        ("generalized_time", ("20230230100000.0Z",), None),
        ("generalized_time", ("20230212100000Z",), None),
        ("generalized_time", ("20230212",), None),
        ("uac_has", (514, "ACCOUNTDISABLE"), 1),
        ("uac_has", (544, "accountdisable"), 0),
        ("uac_has", (514, "ACCOUNT_DISABLE"), None),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_vectors(decoded, name, row, expected):
    assert decoded(name, [row]) == [expected]


# ---- each engine's own --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value", ["\x00", "S-1-5-18\x00", "20230212100000.0Z\x00", "eFY0Erya8N4RIjNEVWZ3iA==\x00x", b"S-1-5-18", 5]
)
def test_sqlite_gives_null_for_nul_characters_and_other_types(value):
    for name in ("sid_bytes", "guid_bytes", "immutable_id_bytes", "generalized_time"):
        assert on_sqlite(name, [(value,)]) == [None]
    for name in ("sid_text", "guid_text", "immutable_id"):
        assert on_sqlite(name, [("S-1-5-18 is text",)]) == [None]
    assert on_sqlite("filetime_utc", [("133206000000000000",)]) == [None]


@pytest.mark.postgresql
@pytest.mark.parametrize(
    "call",
    [
        "sid_text('\\x')", "sid_text('\\x01')", "sid_text(null)", "sid_bytes('')", "sid_bytes('S-1-x')",
        "guid_text('\\x')", "generalized_time('')", "generalized_time('20230230100000.0Z')", "immutable_id_bytes('=')",
        "guid_bytes('{}')",
    ],
)  # fmt: skip
def test_literals_are_folded_without_an_error(postgresql_functions, call):
    assert postgresql_functions.execute(f"select {call}").fetchone() == (None,)


@pytest.mark.postgresql
@pytest.mark.parametrize("name", NAMES)
def test_the_planner_puts_the_expression_into_the_query(postgresql_functions, name):
    arguments = ", ".join(f"t.v{place}" for place in range(len(CASES[name].types)))
    columns = ", ".join(f"v{place} {kind}" for place, kind in enumerate(CASES[name].types))
    postgresql_functions.execute("drop table if exists tried")
    postgresql_functions.execute(f"create temporary table tried ({columns})")
    plan = postgresql_functions.execute(f"explain verbose select {name}({arguments}) from tried as t").fetchall()
    assert not re.search(rf"\b{name}\(", " ".join(line for (line,) in plan))


def test_the_examples_of_sqlite_run_as_they_stand():
    text = (FOLDER / "sqlite.sql").read_text(encoding="utf-8")
    headings = re.findall(r"^-- ---- (\w+): ", text, re.MULTILINE)
    statements = [part for part in text.split(";\n") if "select" in part]
    assert headings == [SQLITE_NAMES.get(name, name) for name in NAMES]
    connection = sqlite3.connect(":memory:")
    for name, statement in zip(headings, statements, strict=True):
        cursor = connection.execute(statement)
        assert cursor.description[-1][0] == name
        assert cursor.fetchone()[-1] is not None
    connection.close()


MSSQL = (FOLDER / "mssql.sql").read_text(encoding="utf-8")
BATCHES = [re.sub(r"(?m)^--.*\n", "", batch).strip() for batch in re.split(r"(?m)^go$\n?", MSSQL)]


def test_sql_server_has_both_forms_of_each_and_nothing_it_lacked_in_2016():
    made = [found.group(1) for batch in BATCHES if (found := re.match(r"create function (\w+)", batch))]
    dropped = [found.group(1) for batch in BATCHES if (found := re.fullmatch(r"drop function if exists (\w+)", batch))]
    assert made == [form for name in NAMES for form in (f"{name}_inline", name)]
    assert sorted(dropped) == sorted(made)
    code = " ".join(BATCHES)
    assert not re.search(r"create or alter|string_split|trim\(|concat_ws|string_agg|<<|>>|\bgreatest\b|;", code)
    assert max(len(line) for line in MSSQL.splitlines()) <= 120


def test_sql_servers_grammar_reads_every_function():
    for batch in BATCHES:
        if body := re.search(r"returns table\nas return \(\n(.*)\n\)$", batch, re.DOTALL):
            sqlglot.parse_one(body.group(1), dialect="tsql")

"""The catalogue: headers read, rules held, a broken file refused with file, line and reason while the others stand."""

import pytest

from recon.catalog import (
    ENGINES,
    FAMILIES,
    FINDING_COLUMNS,
    _check_header,
    _header,
    _Refused,
    data_folder,
    escape_colons,
    last_select,
    read_catalog,
)
from recon.errors import CatalogError, ConfigError, UsageError

HEADER = """-- title: Title
-- meaning: What it means,
--   on two lines. One row per thing.
-- severity: low
-- fix: Do this.
-- source: https://docs.example
"""
COLUMNS = ", ".join(f"null as {name}" for name in FINDING_COLUMNS)
SEMICOLON = "no semicolon: a file is one statement, and others put text around it"
UNDECLARED = "parameter :who is not declared (-- param: who text …)"
GOOD = f"{HEADER}select {COLUMNS}\nfrom ad_user\n"


def read_one(tmp_path, text, name="own_finding.sql"):
    (tmp_path / name).write_text(text, encoding="utf-8")
    return read_catalog([tmp_path])


def refusal(tmp_path, text, name="own_finding.sql"):
    catalog = read_one(tmp_path, text, name)
    assert "own_finding" not in {each.name for each in catalog.statements}
    assert catalog.layer("findings") == read_catalog().layer("findings")
    (error,) = catalog.broken
    return str(error).removeprefix(f"{tmp_path}/{name}, ")


def test_the_shipped_catalogue_is_whole():
    catalog = read_catalog(is_judged=True)
    assert catalog.broken == ()
    assert catalog == read_catalog()
    for layer in ("decoded", "match", "findings", "queries", "plan"):
        files = {path.stem for path in (data_folder("sql") / layer).glob("*.sql")}
        assert files
        assert {each.name for each in catalog.layer(layer)} == files


def test_a_header_is_read(tmp_path):
    finding = read_one(tmp_path, GOOD.replace("-- source", "-- personal: yes\n-- source")).statement("own_finding")
    assert (finding.title, finding.meaning, finding.severity) == (
        "Title", "What it means, on two lines. One row per thing.", "low",
    )  # fmt: skip
    assert (finding.fix, finding.source) == ("Do this.", "https://docs.example")
    assert (finding.is_personal, finding.is_own, finding.parameters) == (True, True, ())
    assert finding.sql("mssql") == f"select {COLUMNS}\nfrom ad_user"


@pytest.mark.parametrize(
    ("change", "with_", "expected"),
    [
        ("-- fix: Do this.\n", "", "line 1: the header has no `-- fix:`"),
        ("severity: low", "severity: urgent", "line 4: severity is one of critical, high, medium, low, info"),
        ("One row per thing", "Rows", "line 2: the meaning does not say its grain (One row per …)"),
        (
            "-- fix: Do",
            "-- family: grups\n-- fix: Do",
            f"line 5: `-- family:` is one of {', '.join(FAMILIES)}, site",
        ),
        ("-- fix: Do", "-- default: off\n-- fix: Do", "line 5: `-- default: on` stands there or not at all"),
        ("-- fix: Do", "-- fixit: Do", "line 5: unknown header key fixit"),
        ("-- fix: Do", "-- title: Do", "line 5: header key title stands twice"),
        ("-- fix: Do", "-- Do", "line 5: a header line is `-- key: value`, or `--   ` and more of the value above"),
        ("-- title: Title\n", "--   Title\n", "line 1: the header begins with a line that belongs to no key"),
        ("-- fix: Do", "-- param: who key x\n-- fix: Do", "line 5: only queries take parameters"),
        (
            "from ad_user",
            "from ad_user;",
            "line 8: no semicolon: a file is one statement, and others put text around it",
        ),
        ("from ad_user", "from (ad_user", "line 8: a bracket is not closed"),
        ("from ad_user", "from ad_user)", "line 8: a bracket closes that was not opened"),
        ("from ad_user", "from ad_user where cn = 'x", "line 8: a quotation or comment that does not end"),
        ("from ad_user", "/* from ad_user", "line 8: a quotation or comment that does not end"),
        ("from ad_user", "into x from ad_user", "line 8: a file only reads: into is not allowed"),
        ("select null", "update null", "line 7: a file is one SELECT; this begins with update"),
        (
            "from ad_user",
            "from ad_user where cn = :who",
            "line 8: parameter :who is not declared (-- param: who text …)",
        ),
        ("null as hr_value, ", "", "line 7: a finding returns a column hr_value"),
        ("from ad_user", "\n\nfrom (ad_user", "line 10: a bracket is not closed"),
        ("select null", "\n\nselect; null", f"line 9: {SEMICOLON}"),
        ("from ad_user", "from ad_user where cn = 'x\0'", "line 8: a control character (U+0000)"),
        ("Do this", "\x1b[31m", "line 5: a control character (U+001B)"),
    ],
)
def test_a_broken_file_is_refused(tmp_path, change, with_, expected):
    assert change in GOOD
    assert refusal(tmp_path, GOOD.replace(change, with_, 1)) == expected


def test_words_in_strings_and_comments_do_no_harm(tmp_path):
    text = GOOD.replace("from ad_user", "-- drop; it\nfrom ad_user where cn <> 'delete; :me (' /* insert ) */")
    assert read_one(tmp_path, text).broken == ()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_files_as_windows_writes_them(tmp_path, encoding, newline):
    text = GOOD.replace("Title", "Zoë 🦊\u2028").replace("\n", newline)
    (tmp_path / "own_finding.sql").write_bytes(text.encode(encoding))
    catalog = read_catalog([tmp_path])
    assert catalog.broken == ()
    assert catalog.statement("own_finding").sql("sqlite") == f"select {COLUMNS}\nfrom ad_user"


@pytest.mark.parametrize(
    ("reason", "line"),
    [
        ("no such table: nowhere", 10), ('relation "nowhere" does not exist', 10), ("no such column: a.x", 9),
        ("column a.x does not exist", 9), ("function nofunc(unknown) does not exist", 11),
        ('near "where": syntax error', 11), ("no such column: ad_user.cn", 9), ("division by zero", 9), ("", 9),
    ],
)  # fmt: skip
def test_what_a_database_says_gets_its_line(tmp_path, reason, line):
    text = HEADER + f"\n\nselect {COLUMNS}, a.x\nfrom nowhere\nwhere nofunc('') = 1\n"
    error = read_one(tmp_path, text).statement("own_finding").refused(reason)
    assert str(error) == f"{tmp_path}/own_finding.sql, line {line}: the database refuses it: {reason}"


def test_an_empty_statement(tmp_path):
    assert refusal(tmp_path, HEADER) == "line 8: there is no statement below the header"


def test_a_file_that_is_not_utf8(tmp_path):
    (tmp_path / "own_finding.sql").write_bytes(b"-- title: \xff\n")
    (error,) = read_catalog([tmp_path]).broken
    assert "own_finding.sql, line 1: cannot be read: " in str(error)


@pytest.mark.parametrize("name", ["Own.sql", "ab.sql", "own-finding.sql", "row.sql", "count.sql"])
def test_a_bad_name(tmp_path, name):
    assert refusal(tmp_path, GOOD, name).startswith("line 1: a file name is lower-case letters")


def test_an_unknown_engine(tmp_path):
    assert refusal(tmp_path, GOOD, "own_finding.oracle.sql") == "line 1: unknown engine oracle in the file name"


def test_a_name_taken_twice(tmp_path):
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "own_finding.sql").write_text(GOOD)
    (tmp_path / "one" / "upn_differs.sql").write_text(GOOD)
    catalog = read_catalog([tmp_path / "one", tmp_path / "two"])
    shipped = data_folder("sql") / "findings" / "upn_differs.sql"
    assert sorted(str(error) for error in catalog.broken) == [
        f"{tmp_path}/one/upn_differs.sql, line 1: the name upn_differs is taken by {shipped}",
        f"{tmp_path}/two/own_finding.sql, line 1: the name own_finding is taken by {tmp_path}/one/own_finding.sql",
    ]
    assert catalog.statement("upn_differs").path == shipped


def test_a_folder_that_is_not_there(tmp_path):
    (error,) = read_catalog([tmp_path / "none"]).broken
    assert str(error) == f"{tmp_path}/none: no such folder"


def test_variants_are_joined_and_missing_ones_refused(tmp_path):
    variant = GOOD.replace("-- fix", "-- variant: the engines count otherwise\n-- fix")
    for engine in ENGINES:
        (tmp_path / f"own_finding.{engine}.sql").write_text(
            variant.replace("from ad_user", f"from ad_user as {engine}")
        )
    catalog = read_catalog([tmp_path])
    assert catalog.broken == ()
    assert catalog.statement("own_finding").sql("mssql").endswith("from ad_user as mssql")
    (tmp_path / "own_finding.mssql.sql").unlink()
    (error,) = read_catalog([tmp_path]).broken
    assert str(error).endswith("line 1: no variant for mssql")


def test_a_variant_says_why(tmp_path):
    assert (
        refusal(tmp_path, GOOD, "own_finding.sqlite.sql") == "line 1: a file for one engine says why in `-- variant:`"
    )


def test_an_unknown_name_brings_the_nearest():
    with pytest.raises(UsageError, match=r"no finding is called upn_differ$") as caught:
        read_catalog().statement("upn_differ", "findings")
    assert caught.value.hint is not None
    assert caught.value.hint.startswith("did you mean upn_differs")
    with pytest.raises(UsageError) as far:
        read_catalog().statement("xyzzy")
    assert far.value.hint == "recon sql list lists them"


def test_no_data_folder():
    with pytest.raises(CatalogError, match="the folder nowhere did not come"):
        data_folder("nowhere")


@pytest.mark.parametrize(
    ("sql", "rest"),
    [
        ("select 1", "select 1"),
        ("with a as (select 1), b as (select 2) select 3", "select 3"),
        (
            "with a as (select ')' as x) -- select\nselect 'select' union all select 4",
            "select 'select' union all select 4",
        ),
    ],
)
def test_the_last_select_is_found(sql, rest):
    assert sql[last_select(sql) :] == rest


def test_colons_are_escaped_but_for_parameters():
    from recon.catalog import Parameter

    sql = "select ':a', 'b: c', x::text from t where y = :who and z = :other -- :who"
    assert escape_colons(sql, [Parameter("who", "key", "")]) == (
        r"select '\:a', 'b\: c', x\:\:text from t where y = :who and z = \:other -- \:who"
    )


# ---- which findings run ----------------------------------------------------------------------------------


def test_about_25_findings_are_on_by_default_and_each_has_a_family():
    catalog = read_catalog()
    assert {each.family for each in catalog.findings} <= set(FAMILIES)
    chosen = catalog.chosen()
    assert chosen == {each.name for each in catalog.findings if each.is_default}
    assert 20 <= len(chosen) <= 30


def test_a_file_of_ours_without_a_family_is_refused():
    with pytest.raises(_Refused, match="`-- family:` is one of lifecycle"):
        _check_header("findings", _header(HEADER.splitlines())[0], "", is_own=False)


def test_families_codes_and_off_choose(tmp_path):
    catalog = read_one(tmp_path, GOOD)
    own = {"own_finding"}
    assert catalog.statement("own_finding").family == "site"
    of = {family: {each.name for each in catalog.findings if each.family == family} for family in FAMILIES}
    assert catalog.chosen(default=False) == own
    assert catalog.chosen(["idfix"], default=False) == own | of["idfix"]
    assert catalog.chosen(["idfix"], ["mail_differs"], ["sync_blanks"], default=False) == (
        own | of["idfix"] | {"mail_differs"}
    ) - {"sync_blanks"}
    assert catalog.chosen(["all"], off=["idfix", "own_finding"]) == (
        {each.name for each in catalog.findings} - of["idfix"] - own
    )
    assert catalog.chosen(["site"], off=["site"], default=False) == set()


@pytest.mark.parametrize(
    ("choice", "message", "hint"),
    [
        ({"families": ["idfx"]}, "[findings] families: nothing is called idfx", "did you mean idfix?"),
        ({"codes": ["upn_difers"]}, "[findings] codes: nothing is called upn_difers", "did you mean upn_differs?"),
        ({"off": ["zzz"]}, "[findings] off: nothing is called zzz", "docs/findings.md lists families and codes"),
        ({"codes": ["idfix"]}, "[findings] codes: nothing is called idfix", None),
    ],
)
def test_a_name_that_is_not_there_is_refused(choice, message, hint):
    with pytest.raises(ConfigError) as caught:
        read_catalog().chosen(**choice)
    assert str(caught.value) == message
    assert hint is None or caught.value.hint == hint


def test_a_broken_own_finding_may_be_named(tmp_path):
    catalog = read_one(tmp_path, GOOD.replace("select", "delete", 1))
    assert len(catalog.broken) == 1
    assert "upn_differs" in catalog.chosen(codes=["own_finding"])

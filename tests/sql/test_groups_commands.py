"""recon groups: what lies in the recycle bin, and the list of critical groups; what is refused, how they exit."""

import csv
import io

import pytest
from sqlalchemy import insert

from recon.catalog import read_catalog
from recon.cli.main import run
from recon.queries import query
from recon.store import Store
from recon.store.site_tables import critical_group
from recon.store.tables import HISTORY, load_run, load_run_table
from tests.support.estate import BEFORE, LATE, TODAY, Estate, guid

TEAM, LIST, GONE, BINNED, PURGED, SYNCED, NEW, LATEST = (guid(900 + place) for place in range(8))
COLUMNS = ("name", "kind", "state", "days_left", "is_restorable", "is_critical", "name_taken_by")


def binned(estate: Estate, key: str, name: str, ago: int, **values) -> None:
    """A group in the bin since so many days before 2 March 2026."""
    row = {"id": key, "object_type": "group", "displayname": name, "name_key": name.casefold(), "is_unified": 1}
    estate.insert("entra_deleted", "entra", row | {"deleted_day": TODAY - ago, "deleteddatetime": BEFORE, **values})


def fill(estate: Estate) -> None:
    """Groups that live, lie in the bin, were purged, or went at once with the last load."""
    source_id = estate.sources["entra"]
    with estate.store.write() as connection:
        for number in (1, 2):
            common = {"started_at": BEFORE, "tool_version": "x", "schema_version": 3, "status": "published"}
            connection.execute(insert(load_run).values(run_id=number, source_id=source_id, **common))
            connection.execute(insert(load_run_table).values(run_id=number, table_name="entra_deleted"))
        common = {"row_id": 1, "source_id": source_id, "row_hash": b"0" * 16, "loaded_at": BEFORE, "from_run": 1}
        row = {
            "id": PURGED,
            "object_type": "group",
            "displayname": "Purged",
            "is_unified": 0,
            "deleteddatetime": BEFORE,
        }
        connection.execute(insert(HISTORY["entra_deleted"]).values(**row, **common, to_run=2))
        row = {"id": GONE, "displayname": "All staff", "is_unified": 0, "mailenabled": 1, "securityenabled": 0}
        connection.execute(insert(HISTORY["entra_group"]).values(**row, **common, to_run=2))
        connection.execute(insert(HISTORY["entra_group"]).values(**(row | {"id": TEAM}), **common, to_run=2))
    estate.cloud_group(id=TEAM, displayname="Team")
    estate.cloud_group(id=LIST, displayname="List", mailenabled=1, securityenabled=0)
    estate.cloud_group(id=SYNCED, displayname="Synced", is_synced=1)
    estate.cloud_group(id=NEW, displayname="ÄRZTE", createddatetime=LATE)
    for key, name in ((guid(960), "Twin"), (guid(961), "TWIN")):
        estate.cloud_group(id=key, displayname=name)
    binned(estate, BINNED, "Ärzte", 25)
    binned(estate, LATEST, "Latest", 1, is_unified=0)
    binned(estate, guid(950), "Old", 31, is_unified=None)
    binned(estate, guid(951), "Person", 1, object_type="user")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a configuration and a loaded database, made the current one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RECON_CONFIG", raising=False)
    monkeypatch.delenv("RECON_DATABASE_URL", raising=False)
    (tmp_path / "recon.toml").write_text('[database]\nurl = "sqlite:///recon.db"\n')
    with Store.open(f"sqlite:///{tmp_path}/recon.db") as store:
        fill(Estate(store))
    return tmp_path


def recon(capsys, *arguments):
    """(exit code, rows of CSV on stdout, stderr) of one command."""
    with pytest.raises(SystemExit) as ended:
        run(list(arguments))
    said = capsys.readouterr()
    return ended.value.code or 0, list(csv.DictReader(io.StringIO(said.out))), said.err


def test_deleted_groups(estate):
    fill(estate)
    with estate.store.write() as connection:
        connection.execute(insert(critical_group), [{"id": LATEST, "owner": "Ada"}, {"id": TEAM, "owner": None}])
    estate.refresh()
    answer = query(estate.store, read_catalog().statement("deleted_groups"), {})
    found = [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]
    assert [tuple(row[name] for name in COLUMNS) for row in found] == [
        ("Latest", "security group", "in the bin", 29, 1, 1, None),
        ("Ärzte", "Microsoft 365 group", "in the bin", 5, 1, 0, NEW),
        ("All staff", "distribution group", "gone", None, 0, 0, None),
        ("Purged", "security group", "purged", None, 0, 0, None),
        ("Old", None, "past its days", None, 0, 0, None),
    ]
    assert found[0]["owner"] == "Ada"


def test_critical_group_check(estate):
    fill(estate)
    people = {"owner": "Ada", "contact": "ada@example.com"}
    with estate.store.write() as connection:
        for key in (TEAM, LIST, BINNED, SYNCED, PURGED):
            connection.execute(insert(critical_group).values(id=key, **people))
        connection.execute(insert(critical_group).values(id=NEW, owner=""))
        connection.execute(insert(critical_group).values(id=guid(951), **people))  # a deleted user is no group
    estate.refresh()
    answer = query(estate.store, read_catalog().statement("critical_group_check"), {})
    assert [(row[0], row[1], row[2], row[3], row[6]) for row in answer.rows] == [
        ("critical", "deleted", BINNED, "Ärzte", "5"),
        ("high", "not_kept_mail_enabled", LIST, "List", None),
        ("high", "not_kept_synced", SYNCED, "Synced", None),
        ("high", "unknown", PURGED, None, None),
        ("high", "unknown", guid(951), None, None),
        ("low", "contact_missing", NEW, "ÄRZTE", None),
        ("low", "owner_missing", NEW, "ÄRZTE", None),
    ]


def test_from_the_list_to_the_check(folder, capsys):
    assert recon(capsys, "refresh")[0] == 0
    code, rows, err = recon(capsys, "groups", "lint", "--format", "csv")
    assert (code, rows) == (0, [])
    assert "no group is listed as critical" in err
    assert recon(capsys, "groups", "critical", "add", " team ", "--owner", "Ada", "--contact", " a@b.example ")[0] == 0
    _, rows, _ = recon(capsys, "groups", "critical", "list", "--format", "csv")
    assert rows == [{"id": TEAM, "owner": "Ada", "contact": "a@b.example", "note": ""}]
    assert recon(capsys, "groups", "lint")[0] == 0
    assert recon(capsys, "groups", "critical", "add", TEAM.upper(), "--owner", "Bob")[0] == 0
    code, rows, err = recon(capsys, "groups", "lint", "--format", "csv")
    assert (code, [(row["problem"], row["id"]) for row in rows]) == (3, [("contact_missing", TEAM)])
    assert "1 critical group, 1 with 1 problem" in err
    assert recon(capsys, "groups", "lint", "--fail-on", "high")[0] == 0
    code, rows, err = recon(capsys, "groups", "deleted", "--format", "csv")
    assert (code, [row["id"] for row in rows][:2]) == (0, [BINNED, LATEST])
    assert "5 deleted groups: 2 can be restored, 0 critical" in err
    assert recon(capsys, "groups", "critical", "remove", "TEAM")[0] == 0
    assert recon(capsys, "groups", "critical", "list", "--format", "csv")[1] == []


def test_import_puts_all_or_none(folder, capsys):
    (folder / "list.csv").write_text(f"\ufeffID,Owner\n{{{TEAM.upper()}}},Ada\n{LIST},\n", encoding="utf-8")
    code, _, err = recon(capsys, "groups", "critical", "import", "list.csv")
    assert (code, "2 groups listed as critical" in err) == (0, True)
    for text, message in (
        (f"id\n{SYNCED}\nnone\n", "bad.csv:3: 'none' is no object id"),
        (f"id\n{SYNCED}\n{SYNCED.upper()}\n", f"bad.csv:3: {SYNCED} stands in line 2 already"),
        (f"id,owner\n{SYNCED}\n", "bad.csv:2: not as many values as the header has names"),
        (f"id,note\n{SYNCED},{'x' * 257}\n", "bad.csv:2: note has more than 256 characters"),
        (f"id,colour\n{SYNCED},red\n", "bad.csv:1: the header is id, owner, contact, note"),
        ("", "bad.csv:1: the header is id, owner, contact, note"),
        (f'id\n"{SYNCED}', "bad.csv: cannot be read: not a CSV file in UTF-8"),
    ):
        (folder / "bad.csv").write_text(text)
        code, _, err = recon(capsys, "groups", "critical", "import", "bad.csv")
        assert (code, err.count("\n"), message in err) == (2, 1, True), err
    _, rows, _ = recon(capsys, "groups", "critical", "list", "--format", "csv")
    assert [(row["id"], row["owner"]) for row in rows] == [(TEAM, "Ada"), (LIST, "")]


def test_what_is_refused(folder, capsys):
    for arguments, message in (
        (("critical", "add", "Nobody"), "recon: no loaded group is called 'Nobody'. Give its object id"),
        (("critical", "add", "twin"), f"recon: 2 groups are called 'twin'. Give one id: {guid(960)}, {guid(961)}"),
        (("critical", "remove", TEAM), f"recon: {TEAM} is no critical group. recon groups critical list"),
        (("critical", "import", "no.csv"), "recon: no.csv: cannot be read: No such file"),
        (("deleted",), "recon: no refresh yet: days are counted from the last one. recon refresh"),
        (("lint",), "recon: no refresh yet"),
    ):
        code, rows, err = recon(capsys, "groups", *arguments)
        assert (code, rows, err.startswith(message), err.count("\n")) == (2, [], True, 1), err


def test_nothing_loaded(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "recon.toml").write_text('[database]\nurl = "sqlite:///recon.db"\n')
    Store.open("sqlite:///recon.db").close()
    code, _, err = recon(capsys, "groups", "deleted")
    assert (code, err.startswith("recon: no groups of a tenant are loaded. ")) == (2, True)

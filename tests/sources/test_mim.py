"""MIM, FIM, Connect: five columns by name and nothing else; SIDs decoded; runs; a broken database gets one line."""

import sqlite3

import pytest

from recon.config import MimSource
from recon.decode.sid import sid_bytes
from recon.errors import SourceError
from recon.sources.mim import MimReading, role_row
from recon.store import Store
from tests.support.estate import Estate
from tests.support.site import invoke

DOMAIN = "S-1-5-21-2034489041-3947327283-3017199991"
SECRETS = ("keyset_id", "instance_id", "entropy")


def database(path, *, sids=None, rows=1):
    connection = sqlite3.connect(path)
    connection.execute(
        "create table mms_server_configuration (administrators_sid blob, operators_sid blob, account_joiners_sid blob, "
        "browse_sid blob, passwordset_sid blob, keyset_id integer, instance_id text, entropy text)"
    )
    connection.execute(
        "create table mms_run_history (run_history_id text, ma_id text, run_profile_id text, run_number integer, "
        "user_name text, is_run_complete integer, run_result text, current_step_number integer, total_steps integer, "
        "start_date text, end_date text, run_profile_name text, mms_timestamp blob, operation_bitmask integer)"
    )
    sids = sids or [
        sid_bytes(f"{DOMAIN}-816685"), sid_bytes("S-1-5-32-544"), sid_bytes(f"{DOMAIN}-513"), None, b"\x01\x05\x00",
    ]  # fmt: skip
    for _ in range(rows):
        connection.execute(
            "insert into mms_server_configuration values (?, ?, ?, ?, ?, 7, 'instance', 'entropy')", sids
        )
    runs = [
        ("{R1}", "{MA1}", 1, 1, "success", "2026-03-01 01:00:00.123", "2026-03-01 01:05:00", "Full Import"),
        ("{R2}", "{MA1}", 2, 1, "stopped-server", "2026-03-02 01:00:00", None, "Full Import"),
        ("{R3}", "{MA1}", 3, 0, "in-progress", "2026-03-02 02:00:00", None, "Full Import"),
        ("{R4}", "{MA2}", 1, 1, "success", "2026-03-02 03:00:00", None, "Export"),
    ]
    connection.executemany(
        "insert into mms_run_history values (?, ?, 'p', ?, 'CONTOSO\\svc', ?, ?, 1, 1, ?, ?, ?, null, 0)", runs
    )
    connection.commit()
    connection.close()
    return MimSource(url=f"sqlite:///{path}")


def test_the_roles_are_decoded_and_a_bad_sid_is_told(tmp_path):
    reading = MimReading(database(tmp_path / "mim.db"))
    rows = [row for row in reading.rows() if row.table != "mim_run"]
    assert [(row.table, row.values[0], row.values[2:]) for row in rows] == [
        ("mim_role", "administrators", (f"{DOMAIN}-816685", 816685)),
        ("mim_role", "operators", ("S-1-5-32-544", None)),
        ("mim_role", "joiners", (f"{DOMAIN}-513", 513)),
        ("load_reject", "mim_role", rows[3].values[2:]),
    ]
    assert rows[3].values[1:4] == ("passwordset", None, "bad_sid")


@pytest.mark.parametrize(
    ("sid", "rid"),
    [
        ("S-1-5-21-1-2-3-512", 512),
        ("S-1-5-21-1-2-3-2147483647", 2147483647),
        ("S-1-5-21-1-2-3-4294967295", None),  # more than a column holds, and than any domain gives
        ("S-1-5-21-1-512", None),
        ("S-1-5-21-1-2-3-4-512", None),
        ("S-1-5-80-1-2-3-512", None),
    ],
)
def test_only_an_account_of_a_domain_has_a_rid(sid, rid):
    assert role_row("browse", sid_bytes(sid)).values == ("browse", sid_bytes(sid), sid, rid)


def test_no_column_beside_the_five_is_ever_read(tmp_path, monkeypatch):
    """SQLite itself is told to refuse every other column of that table."""
    source = database(tmp_path / "mim.db")
    real = sqlite3.connect
    read = set()

    def guarded(*arguments, **options):
        connection = real(*arguments, **options)

        def judge(action, table, column, *_):
            if action == sqlite3.SQLITE_READ:
                read.add((table, column))
                if table == "mms_server_configuration" and column in SECRETS:
                    return sqlite3.SQLITE_DENY
            return sqlite3.SQLITE_OK

        connection.set_authorizer(judge)
        return connection

    monkeypatch.setattr("sqlite3.dbapi2.connect", guarded)
    monkeypatch.setattr("sqlite3.connect", guarded)
    list(MimReading(source).rows())
    assert {column for table, column in read if table == "mms_server_configuration"} == {
        "administrators_sid", "operators_sid", "account_joiners_sid", "browse_sid", "passwordset_sid",
    }  # fmt: skip


def test_runs_newest_first_and_bounded(tmp_path):
    source = database(tmp_path / "mim.db")
    rows = [row.values for row in MimReading(source).rows() if row.table == "mim_run"]
    assert [row[0] for row in rows] == ["{r4}", "{r3}", "{r2}", "{r1}"]
    assert rows[3][2:] == (
        1, "Full Import", "CONTOSO\\svc", 1, "success", 1, 1, "2026-03-01 01:00:00.123000", 20513,
        "2026-03-01 01:05:00.000000",
    )  # fmt: skip
    few = source.model_copy(update={"runs": 1})
    assert [row.values[0] for row in MimReading(few).rows() if row.table == "mim_run"] == ["{r4}"]


@pytest.mark.parametrize("rows", [0, 2])
def test_another_database_is_not_guessed_at(tmp_path, rows):
    with pytest.raises(SourceError, match=f"mms_server_configuration has {rows} rows, not one"):
        list(MimReading(database(tmp_path / "mim.db", rows=rows)).rows())


def test_a_database_without_the_table(tmp_path):
    sqlite3.connect(tmp_path / "other.db").close()
    with pytest.raises(SourceError, match=r"\[mim\] mim: the database cannot be read: no such table"):
        list(MimReading(MimSource(url=f"sqlite:///{tmp_path}/other.db")).rows())


def test_one_command_and_one_query(tmp_path):
    database(tmp_path / "mim.db")
    (tmp_path / "recon.toml").write_text(
        '[database]\nurl = "sqlite:///recon.db"\n[mim]\nurl = "sqlite:///mim.db"\n[findings]\nfamilies = ["mim"]\n'
    )
    with Store.open(f"sqlite:///{tmp_path}/recon.db") as store:
        Estate(store).entry(
            "admins", kind="group", sAMAccountName="FIMSyncAdmins", objectSid=sid_bytes(f"{DOMAIN}-816685")
        )
    loaded = invoke("--config", tmp_path / "recon.toml", "load", "mim")
    assert (loaded.code, loaded.err.splitlines()[-1]) == (0, "the groups: recon sql run mim_groups")
    shown = invoke("--config", tmp_path / "recon.toml", "sql", "run", "mim_groups", "--format", "csv")
    assert [line.split(",")[1:5] for line in shown.out.splitlines()[1:]] == [
        ["administrators", f"{DOMAIN}-816685", "FIMSyncAdmins", "ad_group"],
        ["joiners", f"{DOMAIN}-513", "Domain Users", "well_known_sid"],
        ["operators", "S-1-5-32-544", "Administrators", "well_known_sid"],
    ]
    for code, keys in (
        ("mim_role_of_everybody", ["joiners"]),
        ("mim_group_unknown", []),
        ("mim_last_run_failed", ["{ma1}"]),
    ):
        found = invoke("--config", tmp_path / "recon.toml", "findings", code, "--format", "csv")
        assert [line.split(",")[1] for line in found.out.splitlines()[1:]] == keys, code

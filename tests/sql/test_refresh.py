"""Refresh: the clock from settings, counts then and now, own findings, masks, and nothing half done."""

import pytest
from sqlalchemy import delete, event, func, insert, inspect, select, text, update

from recon import findings
from recon.catalog import read_catalog
from recon.config import Settings
from recon.errors import ConfigError, StoreError, UsageError
from recon.findings import counts, refresh, rows, worst
from recon.queries import prepare, query
from recon.store import Store
from recon.store.match_tables import FILLED, clock, finding_row
from recon.store.tables import LOADED, setting, source
from tests.servers.stores import fresh_database
from tests.support.estate import BEFORE, TODAY, Estate, guid


def test_nothing_loaded(store):
    with pytest.raises(StoreError, match="nothing has been loaded yet"):
        refresh(store, Settings())


def clock_row(estate):
    with estate.store.read() as connection:
        return connection.execute(select(clock)).one()


def test_the_clock_stands_at_the_newest_load(estate):
    estate.refresh()
    row = clock_row(estate)
    assert row.as_of == "2026-03-02 05:20:00.000000"
    assert (row.as_of_day, row.stale_before_day, row.leaver_before_day) == (TODAY, TODAY - 90, TODAY - 1)
    assert (row.joiner_until_day, row.held_mail_since_day) == (TODAY + 14, TODAY - 7)


def test_change_cutoffs_lie_a_grace_before_the_load(estate):
    estate.refresh()
    with estate.store.read() as connection:
        found = dict(connection.execute(select(source.c.name, source.c.change_cutoff_at)).all())
    assert found == {
        "ad": "2026-03-01 23:00:00.000000",
        "entra": "2026-03-02 03:00:00.000000",
        "workers": "2026-03-01 22:30:00.000000",
    }


def test_the_setting_table_rules_once_it_has_a_row(estate):
    estate.refresh(joiner_days=30)
    assert clock_row(estate).joiner_until_day == TODAY + 30
    with estate.store.write() as connection:
        connection.execute(update(setting).where(setting.c.name == "joiner_days").values(value_int=3))
    estate.refresh(joiner_days=60)
    assert clock_row(estate).joiner_until_day == TODAY + 3


@pytest.mark.parametrize(
    ("name", "value"),
    [("stale_days", 0), ("stale_days", 1_000_000), ("stale_days", 2**31 - 1), ("leaver_grace_days", -1),
     ("joiner_days", -1), ("sync_grace_minutes", -1), ("sync_grace_minutes", 2**31 - 1), ("closure_max_depth", 0)],
)  # fmt: skip
def test_a_setting_out_of_its_bounds_is_refused_by_name(estate, name, value):
    estate.entra(usagelocation=None)
    estate.refresh()
    with estate.store.write() as connection:
        connection.execute(update(setting).where(setting.c.name == name).values(value_int=value))
    with pytest.raises(ConfigError, match=rf"table setting, row {name} \({value}\): value_int should be") as refused:
        estate.refresh()
    assert str(getattr(Settings(), name)) in refused.value.hint
    assert [each.rows for each in counts(estate.store) if each.code == "usagelocation_missing"] == [1]


def test_a_setting_that_is_no_number_is_refused_by_name(tmp_path):
    with Store.open(f"sqlite:///{tmp_path}/recon.db") as store:
        estate = Estate(store)
        estate.refresh()
        with store.write() as connection:
            connection.execute(text("update setting set value_int = 'ninety' where name = 'stale_days'"))
        with pytest.raises(ConfigError, match=r"row stale_days .ninety.: value_int should be a valid integer"):
            estate.refresh()


def test_settings_come_back_and_unknown_ones_are_told(estate):
    with estate.store.write() as connection:
        connection.execute(insert(setting).values(name="STALE_DAYS", value_int=3))
    assert estate.refresh().warnings == ("table setting: STALE_DAYS is no setting",)
    with estate.store.write() as connection:
        connection.execute(delete(setting))
    assert estate.refresh(joiner_days=5).warnings == ()
    assert clock_row(estate).joiner_until_day == TODAY + 5


def test_counts_tell_now_and_before(estate):
    estate.entra(usagelocation=None)
    first = {each.code: each for each in estate.refresh().counts}
    assert (first["usagelocation_missing"].rows, first["usagelocation_missing"].previous_rows) == (1, None)
    estate.entra(usagelocation=None)
    second = estate.refresh()
    assert second.refresh_id == 2
    found = {each.code: (each.rows, each.previous_rows) for each in counts(estate.store)}
    assert found["usagelocation_missing"] == (2, 1)
    assert found["leaver_still_enabled"] == (0, 0)


def test_counts_come_worst_first(estate):
    order = [each.severity for each in estate.refresh().counts]
    assert order == sorted(order, key=["critical", "high", "medium", "low", "info"].index)
    assert len(order) == len(read_catalog().findings)


def test_a_refresh_replaces_the_rows_of_the_last(estate):
    estate.entra(usagelocation=None)
    estate.refresh()
    estate.refresh()
    with estate.store.read() as connection:
        assert connection.scalar(select(func.count()).select_from(finding_row)) == 2  # not in AD, no usageLocation


def test_only_the_chosen_findings_run_and_are_counted(estate):
    estate.entra(usagelocation=None)
    done = refresh(estate.store, Settings(), chosen={"usagelocation_missing", "upn_differs"})
    assert {each.code: (each.rows, each.family) for each in done.counts} == {
        "usagelocation_missing": (1, "lifecycle"),
        "upn_differs": (0, "match"),
    }
    with estate.store.read() as connection:
        assert set(connection.scalars(select(finding_row.c.code))) == {"usagelocation_missing"}


def test_worst():
    from recon.findings import FindingCount

    found = (FindingCount("a", "A", "high", 0, None), FindingCount("b", "B", "low", 2, None))
    assert [worst(found, level) for level in ("critical", "high", "medium", "low", "info")] == [
        False, False, False, True, True,
    ]  # fmt: skip


def test_personal_values_are_masked_unless_told(estate):
    estate.worker("E1", personal_mail="jane.doe@home.example")
    estate.entra(employeeid="E1")
    estate.refresh()
    assert [row.hr_value for row in rows(estate.store, "othermails_missing")] == ["j***@h***.example"]
    assert [row.hr_value for row in rows(estate.store, "othermails_missing", unmask=True)] == ["jane.doe@home.example"]


def test_what_stands_before_an_address_is_masked_with_it(estate):
    estate.worker("E1", personal_mail="jane doe@home.example")
    estate.entra(employeeid="E1")
    estate.refresh()
    shown = [row.hr_value for code in ("othermails_missing", "othermails_invalid") for row in rows(estate.store, code)]
    assert shown
    assert not any("ane" in (value or "") or "doe" in (value or "") for value in shown)


OWN = """-- title: Own
-- meaning: A finding of the site. One row per AD user.
-- severity: high
-- fix: nothing
-- source: the site's handbook
with chosen as (
    select a.guid, a.cn
    from ad_user as a
    where a.cn <> ':not a parameter'
)

select
    'ad_user' as object_type, c.guid as object_key, c.cn as object_name, 'cn' as attribute,
    null as hr_value, c.cn as ad_value, null as entra_value
from chosen as c -- a comment at the end
"""


def test_own_findings_run_and_a_broken_one_is_left_out(estate, tmp_path):
    (tmp_path / "own_one.sql").write_text(OWN)
    (tmp_path / "own_two.sql").write_text(OWN.replace("from ad_user", "from no_such_table"))
    (tmp_path / "own_three.sql").write_text(OWN.replace("select", "delete", 1))
    (tmp_path / "own_four.sql").write_text(OWN.replace("from ad_user", "from ad_user where where"))
    estate.ad(cn="Ada")
    done = estate.refresh(read_catalog([tmp_path]))
    assert {each.code: each.rows for each in done.counts}["own_one"] == 1
    assert list(rows(estate.store, "own_one")) == [("ad_user", guid(1), "Ada", "cn", None, "Ada", None)]
    refused = [str(error) for error in done.broken]
    assert len(refused) == 3
    assert f"{tmp_path}/own_three.sql, line 7: a file only reads: delete is not allowed" in refused
    assert any(f"{tmp_path}/own_two.sql, line 8: the database refuses it" in text for text in refused)
    assert any(f"{tmp_path}/own_four.sql, line 6: the database refuses it" in text for text in refused)
    assert not {"own_two", "own_four"} & {each.code for each in counts(estate.store)}


def test_a_finding_that_ends_the_whole_transaction_ends_the_refresh_by_name(estate, tmp_path, monkeypatch):
    """As a conversion error does on SQL Server; here the finding's own statement is followed by a rollback."""
    estate.entra(usagelocation=None)
    estate.refresh()
    before = list(rows(estate.store, "usagelocation_missing"))
    (tmp_path / "own_one.sql").write_text(OWN)
    find = findings._find

    def failing(connection, statement, refresh_id):
        if statement.name == "own_one":
            connection.exec_driver_sql("rollback")
            connection.exec_driver_sql("select no_such_column")
        return find(connection, statement, refresh_id)

    monkeypatch.setattr(findings, "_find", failing)
    with pytest.raises(StoreError, match=r"own_one\.sql, line \d+: .*the old findings stand") as caught:
        estate.refresh(read_catalog([tmp_path]))
    assert "try_convert" in (caught.value.hint or "")
    assert clock_row(estate).refresh_id == 1
    assert list(rows(estate.store, "usagelocation_missing")) == before


def test_a_refresh_that_fails_leaves_the_old_findings(estate, tmp_path):
    estate.entra(usagelocation=None)
    estate.refresh()
    with estate.store.write() as connection:
        connection.execute(source.update().values(load_finished_at=None))
    with pytest.raises(StoreError):
        estate.refresh()
    assert clock_row(estate).refresh_id == 1
    assert len(list(rows(estate.store, "usagelocation_missing"))) == 1


# ---- named queries -------------------------------------------------------------------------------------


def ask(estate, name, **given):
    answer = query(estate.store, read_catalog().statement(name), given)
    return [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]


@pytest.mark.parametrize("who", ["E1", " e1 ", "Ann@Example.com", "ANN.LEE@example.com", "ann@home.example"])
def test_one_person_is_found_by_any_name(estate, who):
    estate.worker("W1", employee_id="E1", personal_mail="ann@home.example")
    estate.ad(guid="ad", employeeid="E1", userprincipalname="ann@example.com", immutable_id="AA==")
    estate.entra(id="entra", employeeid="E1", mail="Ann.Lee@example.com", onpremisesimmutableid="AA==")
    estate.ad(guid="other", userprincipalname="anne@example.com")
    estate.refresh()
    assert [(row["record"], row["record_key"]) for row in ask(estate, "one_person", who=who)] == [
        ("worker", "W1"), ("ad_user", "ad"), ("entra_user", "entra"),
    ]  # fmt: skip


def test_skew_lists_the_pairs_with_one_form_of_time(estate):
    estate.ad(guid="ad", immutable_id="AA==", whenchanged="2026-03-02 04:00:00.000000")
    estate.entra(id="entra", onpremisesimmutableid="AA==", userprincipalname="x@example.com")
    estate.refresh()
    assert ask(estate, "skew") == [{
        "ad_guid": "ad", "entra_id": "entra", "entra_userprincipalname": "x@example.com",
        "ad_whenchanged": "2026-03-02 04:00:00.000000", "change_cutoff_at": "2026-03-02 03:00:00.000000",
        "entra_onpremiseslastsyncdatetime": BEFORE, "ad_load_started_at": "2026-03-02 01:00:00.000000",
    }]  # fmt: skip


def test_a_query_refuses_wrong_parameters(estate):
    one = read_catalog().statement("one_person")
    with pytest.raises(UsageError, match="one_person needs the parameter who"):
        query(estate.store, one, {})
    with pytest.raises(UsageError, match="one_person has no parameter what"):
        query(estate.store, one, {"who": "x", "what": "y"})


def test_a_finding_run_as_a_query_is_masked(estate):
    estate.worker("E1", personal_mail="jane.doe@home.example")
    estate.entra(employeeid="E1")
    estate.refresh()
    assert [row["hr_value"] for row in ask(estate, "othermails_missing")] == ["j***@h***.example"]
    statement = read_catalog().statement("othermails_missing")
    plain = query(estate.store, statement, {}, unmask=True)
    assert [row[4] for row in plain.rows] == ["jane.doe@home.example"]


def test_the_database_prepares_every_statement(estate):
    assert prepare(estate.store, read_catalog()) == read_catalog()


def test_prepare_names_what_the_database_refuses(estate, tmp_path):
    (tmp_path / "own_two.sql").write_text(OWN.replace("from ad_user", "from no_such_table"))
    prepared = prepare(estate.store, read_catalog([tmp_path]))
    assert prepared.statements == read_catalog().statements
    (error,) = prepared.broken
    assert str(error).startswith(f"{tmp_path}/own_two.sql, line 8: the database refuses it: ")
    assert "no_such_table" in str(error)


# ---- the tables that a refresh fills ------------------------------------------------------------------


def filled(estate):
    """Every row of the tables that a refresh fills."""
    with estate.store.read() as connection:
        return {table.name: sorted(map(repr, connection.execute(select(table)))) for table in FILLED}


def indexes_of_filled(store):
    with store.read() as connection:
        return {table.name: sorted(map(repr, inspect(connection).get_indexes(table.name))) for table in FILLED}


def statements(store):
    """What the database is told from now on, in lower case and with single blanks."""
    said = []
    event.listen(store.engine, "before_cursor_execute", lambda *words: said.append(" ".join(words[2].lower().split())))
    return said


def shutting_out(said):
    return [word for word in said if word.startswith(("drop index", "lock table"))]


def empty(estate):
    with estate.store.write() as connection:
        for table in FILLED:
            connection.execute(delete(table))


def person(estate, number, **values):
    """The row ids of one person in AD and in Entra; HR has them too."""
    name = f"p{number}"
    estate.worker(name, is_active=number % 2)
    in_ad = estate.ad(employeeid=name, samaccountname=name, displayname=f"Zoë {number}", **values)
    return in_ad, estate.entra(employeeid=name, displayname=f"Zoë {number}")


def test_a_refresh_leaves_what_one_of_empty_tables_makes(estate):
    people = [person(estate, number) for number in range(6)]
    empty(estate)
    estate.refresh()
    first = filled(estate)
    assert [len(first[name]) for name in ("match_candidate", "user_match", "pair", "worker_match")] == [6] * 4
    assert len(first["leaver"]) == 3
    estate.refresh()
    assert filled(estate) == first
    users, accounts = LOADED["entra_user"], LOADED["ad_user"]
    with estate.store.write() as connection:
        connection.execute(delete(users).where(users.c.row_id == people[0][1]))
        connection.execute(update(users).where(users.c.row_id == people[1][1]).values(displayname="zoë 1"))
        connection.execute(update(accounts).where(accounts.c.row_id == people[2][0]).values(displayname=None))
        connection.execute(update(users).where(users.c.row_id == people[3][1]).values(employeeid_key="p4"))
    person(estate, 7)
    estate.refresh()
    second = filled(estate)
    assert second != first
    empty(estate)
    estate.refresh()
    assert filled(estate) == second


@pytest.mark.postgresql
def test_postgresql_touches_only_the_rows_that_differ(postgresql_url):
    with fresh_database(postgresql_url) as url, Store.open(url) as store:
        estate = Estate(store)
        people = [person(estate, number) for number in range(4)]

        def versions():
            with store.read() as connection:
                return {
                    name: dict(connection.execute(text(f"select {key}, xmin::text from {name}")).all())
                    for name, key in (
                        ("pair", "ad_row_id"),
                        ("user_match", "ad_row_id"),
                        ("worker_match", "worker_row_id"),
                    )
                }

        estate.refresh()
        first = versions()
        accounts = LOADED["ad_user"]
        with store.write() as connection:
            connection.execute(update(accounts).where(accounts.c.row_id == people[2][0]).values(displayname="Other"))
        estate.refresh()
        second = versions()
        assert (second["user_match"], second["worker_match"]) == (first["user_match"], first["worker_match"])
        assert {key for key, version in second["pair"].items() if version != first["pair"][key]} == {people[2][0]}


@pytest.mark.postgresql
def test_postgresql_indexes_first_matches_after_they_came_and_later_ones_as_they_come(postgresql_url, monkeypatch):
    monkeypatch.setattr("recon.store.indexes._MANY", 1)
    with fresh_database(postgresql_url) as url, Store.open(url) as store:
        estate = Estate(store)
        for number in range(4):
            person(estate, number)
        before = indexes_of_filled(store)
        said = statements(store)
        estate.refresh()
        assert {"lock table pair in access exclusive mode nowait", "drop index pair_ad_dn_key"} <= set(
            shutting_out(said)
        )
        made = said.index("create unique index pair_entra on pair (entra_row_id)")
        assert next(at for at, word in enumerate(said) if word.startswith("insert into pair ")) < made
        assert indexes_of_filled(store) == before
        first = filled(estate)
        said.clear()
        estate.refresh()
        assert shutting_out(said) == []
        assert filled(estate) == first


@pytest.mark.postgresql
def test_rows_without_a_key_are_made_again_without_shutting_readers_out(postgresql_url, monkeypatch):
    monkeypatch.setattr("recon.store.indexes._MANY", 1)
    with fresh_database(postgresql_url) as url, Store.open(url) as store:
        estate = Estate(store)
        for _ in range(21):
            estate.ad(mail="team@example.com")
        person(estate, 1)
        estate.refresh()
        first = filled(estate)
        assert [row for row in first["match_crowd"] if "team@example.com" in row]
        said = statements(store)
        estate.refresh()
        assert [word for word in said if word.startswith("insert into match_crowd ")]
        assert shutting_out(said) == []
        assert filled(estate) == first


@pytest.mark.postgresql
def test_a_table_with_its_columns_in_another_order_is_refilled_by_name(postgresql_url):
    with fresh_database(postgresql_url) as url, Store.open(url) as store:
        estate = Estate(store)
        people = [person(estate, number) for number in range(4)]
        estate.refresh()
        with store.write() as connection:
            connection.execute(text("alter table match_candidate drop column has_mail"))
            connection.execute(text("alter table match_candidate add column has_mail smallint not null default 0"))
            connection.execute(text("alter table pair add column a_note text"))
            connection.execute(text("update pair set a_note = 'kept'"))
        first = filled(estate)
        estate.refresh()
        assert filled(estate) == first
        accounts = LOADED["ad_user"]
        with store.write() as connection:
            connection.execute(update(accounts).where(accounts.c.row_id == people[2][0]).values(displayname="Other"))
        estate.refresh()
        with store.read() as connection:
            notes = dict(connection.execute(text("select ad_row_id, a_note from pair")).all())
        assert notes == {in_ad: None if in_ad == people[2][0] else "kept" for in_ad, _ in people}

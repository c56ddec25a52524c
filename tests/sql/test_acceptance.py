"""Rows over several refreshes: new, still, gone, come back; accepted for a time, counted and never hidden."""

import pytest
from sqlalchemy import insert, select, text, update
from sqlalchemy.exc import IntegrityError

from recon.catalog import read_catalog
from recon.config import Settings
from recon.findings import counts, gone, refresh, stated_rows, worst
from recon.queries import query
from recon.store import Store
from recon.store.acceptance import Acceptance, accept, acceptances, details_of, finding_acceptance, named_keys, withdraw
from recon.store.match_tables import clock
from recon.store.migrations import migrate
from recon.store.tables import LOADED, source

CODE = "usagelocation_missing"


def states(estate, code=CODE):
    return {each.row.object_key: each.state for each in stated_rows(estate.store, code)}


def numbers(estate, code=CODE):
    (count,) = [each for each in counts(estate.store) if each.code == code]
    return count.rows, count.open, count.accepted, count.new, count.gone


def mend(estate, key, value="DE"):
    table = LOADED["entra_user"]
    with estate.store.write() as connection:
        connection.execute(update(table).where(table.c.id == key).values(usagelocation=value))


def test_new_still_gone_and_back(estate):
    estate.entra(id="old", usagelocation=None)
    estate.refresh()
    assert states(estate) == {"old": "still"}  # the first time nothing is new
    assert numbers(estate) == (1, 1, 0, None, None)
    estate.entra(id="late", usagelocation=None, userprincipalname="late@example.com")
    estate.refresh()
    assert states(estate) == {"old": "still", "late": "new"}
    assert numbers(estate) == (2, 2, 0, 1, 0)
    mend(estate, "late")
    estate.refresh()
    assert states(estate) == {"old": "still"}
    assert (numbers(estate), gone(estate.store, CODE)) == ((1, 1, 0, 0, 1), ["late@example.com"])
    estate.refresh()
    assert (numbers(estate), gone(estate.store, CODE)) == ((1, 1, 0, 0, 0), [])
    mend(estate, "late", None)
    estate.refresh()
    assert states(estate) == {"old": "still", "late": "new"}


def test_a_finding_that_was_off_goes_on_where_it_stopped(estate):
    estate.entra(id="old", usagelocation=None)
    estate.refresh()
    refresh(estate.store, Settings(), chosen={"upn_differs"})
    estate.entra(id="late", usagelocation=None)
    estate.refresh()
    assert states(estate) == {"old": "still", "late": "new"}


def test_values_do_not_make_a_row_new_but_its_identity_does(estate):
    estate.ad(guid="a", distinguishedname="CN=a,DC=example,DC=com", is_enabled=0, useraccountcontrol=514)
    estate.group("Domain Admins", 512, member=["CN=a,DC=example,DC=com"])
    estate.refresh()
    estate.group("Backup Operators", 551, member=["CN=a,DC=example,DC=com"])
    estate.refresh()
    code = "ad_disabled_privileged"
    assert {each.row.ad_value: each.state for each in stated_rows(estate.store, code)} == {
        "Backup Operators (Backup Operators)": "new",
        "Domain Admins (Domain Admins)": "still",
    }
    estate.ad(guid="x", immutable_id="AA==", mail="one@example.com")
    estate.entra(id="x", onpremisesimmutableid="AA==", mail="two@example.com")
    estate.refresh()
    assert states(estate, "mail_differs") == {"x": "new"}
    table = LOADED["entra_user"]
    with estate.store.write() as connection:
        connection.execute(
            update(table).where(table.c.id == "x").values(mail="three@example.com", mail_key="three@example.com")
        )
    estate.refresh()
    assert states(estate, "mail_differs") == {"x": "still"}


def test_accepted_rows_are_counted_apart_and_shown(estate):
    for key in ("a", "b"):
        estate.entra(id=key, usagelocation=None)
    estate.refresh()
    with estate.store.write() as connection:
        accept(connection, Acceptance(CODE, "a", None, "2026-03-02", "Ada", "no licence"))
        accept(connection, Acceptance("upn_differs", "b", None, "2026-12-31", "Ada", "another finding"))
        accept(connection, Acceptance(CODE, "b", "mail", "2026-12-31", "Ada", "another attribute"))
    assert numbers(estate) == (2, 1, 1, None, None)  # at once, before the next refresh
    assert [(each.row.object_key, each.state, each.why) for each in stated_rows(estate.store, CODE)] == [
        ("a", "accepted", "until 2026-03-02 by Ada: no licence"), ("b", "still", None),
    ]  # fmt: skip
    done = estate.refresh()
    assert numbers(estate) == (2, 1, 1, 0, 0)
    medium = tuple(each for each in done.counts if each.code == CODE)
    assert worst(medium, "info")
    with estate.store.write() as connection:
        accept(connection, Acceptance(CODE, "b", "usageLocation", "2026-03-02", "Ada", "neither"))
    assert not worst(tuple(each for each in counts(estate.store) if each.code == CODE), "info")
    view = query(estate.store, read_catalog().statement("finding"), {})
    rows = [dict(zip(view.columns, row, strict=True)) for row in view.rows]
    told = [
        (row["object_key"], row["is_accepted"], row["is_new"], row["family"]) for row in rows if row["code"] == CODE
    ]
    assert sorted(told) == [("a", 1, 0, "lifecycle"), ("b", 1, 0, "lifecycle")]


def test_an_acceptance_of_an_older_version_covers_all_rows(tmp_path):
    with Store.open(f"sqlite:///{tmp_path}/recon.db") as store, store.write() as connection:
        connection.execute(text("alter table finding_acceptance drop column detail"))
        columns = "code, object_key, accepted_until, accepted_by, why"
        connection.execute(
            text(f"insert into finding_acceptance ({columns}) values ('c', 'k', '2026-12-31', 'me', 'x')")
        )
        migrate(connection)
        (found,) = acceptances(connection)
    assert (found.object_key, found.detail) == ("k", None)


def test_an_expired_acceptance_comes_back_by_itself(estate):
    estate.entra(id="a", usagelocation=None)
    estate.refresh()
    with estate.store.write() as connection:
        # as a DBA writes it, by hand
        row = {"code": CODE, "object_key": "a", "accepted_until": "2026-03-02", "accepted_by": "dba", "why": "for now"}
        connection.execute(insert(finding_acceptance).values(row))
    estate.refresh()
    assert numbers(estate)[1:3] == (0, 1)
    with estate.store.write() as connection:
        connection.execute(
            update(source).where(source.c.name == "entra").values(load_finished_at="2026-03-03 00:10:00.000000")
        )
    estate.refresh()
    with estate.store.read() as connection:
        assert connection.scalar(select(clock.c.as_of_date)) == "2026-03-03"
    assert numbers(estate)[1:3] == (1, 0)
    assert states(estate) == {"a": "still"}


def test_a_later_acceptance_replaces_and_withdrawing_opens(estate):
    estate.entra(id="a", usagelocation=None)
    estate.refresh()
    with estate.store.write() as connection:
        for until in ("2026-12-31", "2026-03-02"):
            accept(connection, Acceptance(CODE, "a", None, until, "Ada", "why"))
        assert list(connection.scalars(select(finding_acceptance.c.accepted_until))) == ["2026-03-02"]
        assert withdraw(connection, CODE, "a", None) == 1
        assert withdraw(connection, CODE, "a", None) == 0
    assert numbers(estate)[1:3] == (1, 0)


@pytest.mark.parametrize(("wanted", "keys"), [("k1", ["k1"]), ("JO@example.com", ["k2", "k3"]), ("nobody", [])])
def test_objects_are_named_by_key_or_name(estate, wanted, keys):
    estate.entra(id="k1", usagelocation=None, userprincipalname="k2@example.com")
    for key in ("k2", "k3"):
        estate.entra(id=key, usagelocation=None, userprincipalname="jo@Example.com")
    estate.refresh()
    with estate.store.read() as connection:
        assert named_keys(connection, CODE, wanted) == keys


def test_every_row_of_the_catalogue_can_be_followed(estate):
    assert {each.name for each in read_catalog().findings if each.identity and each.is_personal} == set()


def test_one_row_of_several_is_accepted(estate):
    code = "ad_disabled_privileged"
    estate.ad(guid="a", distinguishedname="CN=a,DC=example,DC=com", is_enabled=0, useraccountcontrol=514)
    for name, rid in (("Domain Admins", 512), ("Backup Operators", 551)):
        estate.group(name, rid, member=["CN=a,DC=example,DC=com"])
    estate.refresh()

    def told():
        return {each.row.ad_value.split(" (")[0]: each.state for each in stated_rows(estate.store, code)}

    with estate.store.write() as connection:
        (detail,) = details_of(connection, code, "a", "Domain Admins (Domain Admins)")
        accept(connection, Acceptance(code, "a", None, "2026-12-31", "Ada", "known", detail))
        accept(connection, Acceptance(code, "a", "mail", "2026-12-31", "Ada", "covers nothing", detail))
    assert told() == {"Domain Admins": "accepted", "Backup Operators": "still"}
    with estate.store.read() as connection:
        assert [(each.detail, each.covers) for each in acceptances(connection)] == [(detail, 1), (detail, 0)]
        assert details_of(connection, code, "a", "Nobodies") == []
    view = query(estate.store, read_catalog().statement("finding"), {})
    rows = [dict(zip(view.columns, row, strict=True)) for row in view.rows]
    assert sum(row["is_accepted"] for row in rows if row["code"] == code) == 1
    with estate.store.write() as connection:
        accept(connection, Acceptance(code, "a", None, "2026-12-31", "Ada", "all of them"))
        assert withdraw(connection, code, "a", None, "another detail") == 0
    assert set(told().values()) == {"accepted"}
    with estate.store.write() as connection:
        assert withdraw(connection, code, "a", None, detail) == 2
        assert withdraw(connection, code, "a", None) == 1
    assert set(told().values()) == {"still"}


@pytest.mark.parametrize("day", ["31.12.2026", "2026-3-2", "20261231", " 2026-12-31", "2026-12-31 00:00", ""])
def test_a_day_that_would_never_end_cannot_be_written_by_hand(tmp_path, day):
    columns = "code, object_key, accepted_until, accepted_by, why"
    row = f"insert into finding_acceptance ({columns}) values ('c', 'k', :day, 'me', 'x')"
    with Store.open(f"sqlite:///{tmp_path}/recon.db") as store:
        with pytest.raises(IntegrityError, match="accepted_until"), store.write() as connection:
            connection.execute(text(row), {"day": day})
        with store.write() as connection:
            connection.execute(text(row), {"day": "2026-12-31"})


def both(estate, code):
    """What is shown of a finding's objects after accepting the first of the keys."""
    estate.refresh()
    keys = sorted(states(estate, code))
    with estate.store.write() as connection:
        accept(connection, Acceptance(code, keys[0], None, "2026-12-31", "me", "known"))
    return states(estate, code)


@pytest.mark.parametrize("code", ["joiner_without_account", "sspr_hire_not_ready"])
def test_workers_of_two_hr_systems_with_one_id_are_accepted_one_by_one(estate, code):
    estate.source("hr [id]", "workers")
    estate.link(("ad", "entra", "workers"), ("ad", "entra", "hr [id]"))
    for name in ("workers", "hr [id]"):
        estate.worker("4711", name, employee_id=f"{name}-4711", hire_date="2026-03-05")
    estate.worker("12", hire_date="2026-03-05")
    found = {"12": "accepted", "4711 (hr [id])": "still", "4711 (workers)": "still"}
    assert both(estate, code) == found


@pytest.mark.parametrize(("code", "sid"), [("mim_role_of_everybody", "S-1-1-0"), ("mim_group_unknown", "S-1-5-21-1")])
def test_roles_of_two_services_are_accepted_one_by_one(estate, code, sid):
    for name in ("mim 1", "mim 2"):
        estate.source(name, "ad")
        estate.insert("mim_role", name, {"role": "browse", "sid": sid})
    estate.insert("mim_role", "mim 2", {"role": "joiners", "sid": sid})
    assert both(estate, code) == {"browse (mim 1)": "accepted", "browse (mim 2)": "still", "joiners": "still"}

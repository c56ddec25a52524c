"""Forgetting a person: their rows leave history, findings and rejects; those of others and of sources stay."""

import pytest
from sqlalchemy import delete, func, insert, select

from recon.config import Config, LoadGuards, Settings
from recon.decode.keys import EmployeeIdRules, cut_units
from recon.errors import UsageError
from recon.findings import refresh
from recon.objects import TABLES, ReadReport, Row
from recon.store import Store
from recon.store.acceptance import finding_acceptance, finding_seen
from recon.store.backfill_tables import backfill_item
from recon.store.forget import Staying, forget
from recon.store.history import Removed
from recon.store.lifecycle import lifecycle_date
from recon.store.load import Load
from recon.store.match_tables import (
    finding_row,
    leaver,
    match_candidate,
    pair,
    privileged_account,
    user_match,
    worker_match,
)
from recon.store.person import find_person
from recon.store.runs import register_source, write_links
from recon.store.tables import HISTORY, LOADED, load_drift, load_reject, metadata, source_link
from tests.support.rows import make_row

UNGUARDED = LoadGuards(max_shrink_share=1, max_shrink_rows=1000, max_fill_loss=1)
KINDS = {
    "ad": ("ad_user", "ad_user_proxyaddress", "ad_group", "ad_member"),
    "entra": ("entra_user", "entra_user_othermail", "entra_group", "entra_member"),
    "workers": ("worker", "worker_prior_id"),
}


def load(store: Store, kind: str, *rows: Row, name: str = "", tables: tuple[str, ...] = ()) -> int:
    """Load and publish the rows; returns the number of the run."""
    source_id = register_source(store, kind, name or kind)
    with Load(store, source_id, name or kind, (*KINDS[kind], *tables), UNGUARDED) as running:
        for row in rows:
            running.add(row)
        running.publish(ReadReport())
        return running.run_id


def ad(name: str, employee: str | None, *, title: str = "t", anchor: str | None = None, sid: str | None = None) -> Row:
    address = f"{name}.{title}@example.com"  # another one with the title, so that it has a past too
    return make_row(
        "ad_user", ("ad_user_proxyaddress", (0, f"smtp:{address}", name, "smtp", address)),
        guid=f"guid-{name}", employeeid_key=employee, upn_key=f"{name}@example.com", title=title, dn_key=f"cn={name}",
        immutable_id=anchor or f"{name}=", sid=sid or f"s-{name}",
    )  # fmt: skip


def entra(name: str, employee: str | None, *mails: str, upn: str | None = None) -> Row:
    children = [("entra_user_othermail", (n, mail, mail, "*")) for n, mail in enumerate(mails)]
    return make_row(
        "entra_user", *children, id=f"id-{name}", employeeid_key=employee, upn_key=upn or f"{name}@example.com",
        onpremisesimmutableid=f"{name}=",
    )  # fmt: skip


def worker(name: str, employee: str, status: str = "A") -> Row:
    return make_row("worker", worker_id=name, worker_key=name, employeeid_key=employee, worker_status=status)


def member(table: str, group: str, *names: str) -> list[Row]:
    if table == "ad_member":
        return [Row(table, (group, f"CN={name}", f"cn={name}")) for name in names]
    return [Row(table, (group, f"id-{name}", "user")) for name in names]


def rows(store: Store) -> dict[str, int]:
    """Rows of every table that can hold someone's past."""
    tables = [*HISTORY.values(), finding_row, load_reject]
    with store.read() as connection:
        counted = {table.name: connection.scalar(select(func.count()).select_from(table)) or 0 for table in tables}
    return {name: number for name, number in counted.items() if number}


@pytest.fixture
def people(store: Store) -> Store:
    """Ana (E1) has left HR and AD, Ben (E2) is everywhere; each has a past in every table."""
    load(store, "ad", ad("ana", "e1"), ad("ben", "e2"), *member("ad_member", "g", "ana", "ben"))
    load(store, "ad", ad("ana", "e1", title="u"), ad("ben", "e2", title="u"))
    load(store, "ad", ad("ben", "e2", title="u"))
    load(store, "entra", entra("ana", None, "a@home.example"), entra("ben", "e2"), *member("entra_member", "g", "ana"))
    load(store, "entra", entra("ana", None), entra("ben", "e2", "b@home.example"))
    load(store, "workers", worker("w1", "e1"), worker("w2", "e2"))
    load(store, "workers", worker("w2", "e2", "L"))
    with store.write() as connection:
        for kind, key in (
            ("entra_user", "id-ana"),
            ("entra_user", "id-ben"),
            ("worker", "w1"),
            ("ad_user", "guid-ben"),
        ):
            connection.execute(
                insert(finding_row).values(
                    refresh_id=1, code="x", severity="low", object_type=kind, object_key=key, is_personal=0
                )
            )
        for key in ("w1", "w2"):
            connection.execute(
                insert(load_reject).values(run_id=1, source_id=3, object="worker", object_key=key, reason="duplicate")
            )
    return store


BEFORE = {
    "ad_user_history": 3, "ad_user_proxyaddress_history": 3, "ad_member_history": 2, "entra_user_history": 2,
    "entra_user_othermail_history": 1, "entra_member_history": 1, "worker_history": 2, "finding_row": 4,
    "load_reject": 2,
}  # fmt: skip
AFTER = {
    "ad_user_history": 1, "ad_user_proxyaddress_history": 1, "ad_member_history": 1, "entra_user_history": 1,
    "worker_history": 1, "finding_row": 2, "load_reject": 1,
}  # fmt: skip


@pytest.mark.parametrize("who", ["w1", "E1", "ANA@example.com", "guid-ana", "ID-ana"])
def test_one_person_by_any_name_and_nobody_else(people, who):
    assert rows(people) == BEFORE
    dry = forget(people, who, is_dry=True)
    assert rows(people) == BEFORE
    done = forget(people, who)
    assert done == dry
    assert rows(people) == AFTER
    lost = {name: number - AFTER.get(name, 0) for name, number in BEFORE.items()}
    assert {each.table: each.rows for each in done.removed} == lost
    assert done.stays == [Staying("entra_user", "entra", "id-ana")]
    with people.read() as connection:
        assert connection.scalar(select(func.count()).select_from(LOADED["entra_user"])) == 2


def test_once_more_there_is_nothing_to_remove(people):
    forget(people, "id-ana")
    assert forget(people, "id-ana").removed == []
    with pytest.raises(UsageError, match="nobody is known as w1"):
        forget(people, "w1")


def test_a_upn_that_was_given_to_someone_else_fits_two_and_is_not_followed(store):
    load(store, "entra", entra("old", "e1", upn="j.doe@example.com"))
    load(store, "entra", entra("new", "e2", upn="j.doe@example.com"))
    with store.read() as connection:
        found = find_person(connection, "e1", EmployeeIdRules())
        assert {each.key for each in found} == {"id-old"}
    with pytest.raises(
        UsageError,
        match=r"^J\.Doe@example\.com fits 2 persons: entra_user id-new \(entra\), entra_user id-old \(entra\)$",
    ):
        forget(store, "J.Doe@example.com")
    assert rows(store) == {"entra_user_history": 1}


def test_a_mail_address_names_its_person_and_nobody_where_two_have_it(store):
    def people(title: str) -> list[Row]:
        mails = {"o'neil": "o'neil@example.com", "a": "box@example.com", "b": "box@example.com"}
        return [
            make_row("ad_user", guid=f"guid-{name}", mail_key=mail, title=title, dn_key=name)
            for name, mail in mails.items()
        ]

    load(store, "ad", *people("t"))
    load(store, "ad", *people("u"))
    jan = {"worker_id": "w1", "worker_key": "w1", "personal_mail_key": "jan@home.example"}
    load(store, "workers", make_row("worker", **jan, work_mail_key="jan@example.com", worker_status="A"))
    load(store, "workers", make_row("worker", **jan, worker_status="L"))
    with pytest.raises(UsageError, match=r"fits 2 persons: ad_user guid-a \(ad\), ad_user guid-b \(ad\)$"):
        forget(store, "box@example.com")
    for who in ("O'Neil@example.com", "JAN@home.example"):
        assert sum(each.rows for each in forget(store, who, is_dry=True).removed) == 1
    forget(store, "O'Neil@example.com")
    forget(store, "jan@example.com")
    assert rows(store) == {"ad_user_history": 2}


def test_the_same_id_in_companies_that_are_not_linked_fits_two(store):
    for name in ("one", "two"):
        for kind in ("ad", "workers"):
            row = ad(f"{name}", "e1", title="t") if kind == "ad" else worker("w1", "e1")
            source_id = register_source(store, kind, f"{kind}-{name}")
            with Load(store, source_id, kind, KINDS[kind]) as running:
                running.add(row)
                running.publish(ReadReport())
    links = [{"link": [{"ad": f"ad-{name}", "workers": f"workers-{name}"} for name in ("one", "two")]}]
    sources = {
        "ad": [{"name": f"ad-{name}", "ldif": "x"} for name in ("one", "two")],
        "workers": [{"name": f"workers-{name}", "file": "x"} for name in ("one", "two")],
    }
    with store.read() as connection:
        assert len(find_person(connection, "e1", EmployeeIdRules())) == 4
    write_links(store, Config.model_validate(links[0] | sources))
    with pytest.raises(
        UsageError, match=r"e1 fits 2 persons: ad_user guid-one \(ad-one\), ad_user guid-two \(ad-two\)$"
    ):
        forget(store, "e1")
    with store.read() as connection:
        found = find_person(connection, "guid-two", EmployeeIdRules())
    assert {(each.table, each.source_id) for each in found} == {("ad_user", 3), ("worker", 4)}


def test_what_other_tables_keep_about_a_person_goes_too(store):
    about = {
        "entra_registration": "userdisplayname", "entra_signin": "lastsignindatetime", "entra_deleted": "displayname",
        "ad_deleted": "last_name",
    }  # fmt: skip

    def day(kind: str, value: str, *tables: str) -> None:
        source_id = register_source(store, kind, kind)
        with Load(store, source_id, kind, (*KINDS[kind], *tables)) as running:
            for name in ("ana", "ben"):
                running.add(ad(name, name) if kind == "ad" else entra(name, name))
            for table in tables:
                spec = TABLES[table]
                for key in ("guid-ana", "guid-ben") if kind == "ad" else ("id-ana", "id-ben"):
                    if spec.kind == "object" and table in about:
                        running.add(make_row(table, **{spec.key[0]: key, about[table]: value}))
                    elif table == "ad_password_policy":
                        target = key.removeprefix("guid-")
                        spelled = target.upper() if value < "2026-01-02" else target
                        children = (("ad_password_policy_target", (0, f"CN={spelled}", f"cn={target}")),)
                        running.add(make_row(table, *children, guid=f"p-{key}", name=value))
                    elif table == "entra_role_member" and value < "2026-01-02":
                        running.add(make_row(table, id="role", member_id=key, is_eligible=0))
            running.publish(ReadReport())

    for value in ("2026-01-01 00:00:00.000000", "2026-01-02 00:00:00.000000"):
        day("ad", value, "ad_deleted", "ad_password_policy", "ad_password_policy_target")
        day("entra", value, "entra_registration", "entra_signin", "entra_deleted", "entra_role_member")
    # a sign-in is brought up to date in place
    kept = {*about, "ad_password_policy_target", "entra_role_member"} - {"entra_signin"}
    assert dict.fromkeys(rows(store), 2) == rows(store)
    assert {name.removesuffix("_history") for name in rows(store)} == {*kept, "ad_password_policy"}
    done = forget(store, "ana")
    assert {each.table for each in done.removed} == {f"{name}_history" for name in kept}
    assert {name: number for name, number in rows(store).items() if number != 1} == {"ad_password_policy_history": 2}
    assert {each.table for each in done.stays} == {"ad_user", "entra_user", *about}


def test_a_dry_run_leaves_every_table_as_it_is(people):
    def everything() -> dict[str, list[tuple[object, ...]]]:
        with people.read() as connection:
            return {
                table.name: sorted((tuple(row) for row in connection.execute(select(table))), key=repr)
                for table in metadata.tables.values()
            }

    before = everything()
    forget(people, "e1", is_dry=True)
    assert everything() == before


def test_an_anchor_is_followed_byte_by_byte(store):
    load(store, "ad", ad("x", None, anchor="AbC="), ad("y", None, anchor="abC="))
    load(store, "entra", make_row("entra_user", id="id-x", onpremisesimmutableid="AbC="))
    with store.read() as connection:
        found = find_person(connection, "id-x", EmployeeIdRules())
    assert {each.key for each in found} == {"id-x", "guid-x"}


def test_an_employee_id_that_many_carry_names_nobody_and_is_not_followed(store):
    load(store, "ad", *(ad(f"svc{n}", "0") for n in range(6)))
    with pytest.raises(UsageError, match="the employee id 0 is carried by more than 5 objects of one table"):
        forget(store, "0")
    with store.read() as connection:
        assert {each.key for each in find_person(connection, "guid-svc1", EmployeeIdRules())} == {"guid-svc1"}
    assert forget(store, "guid-svc1").not_followed == ["0"]


def unlinked(store: Store, number: int) -> None:
    """Companies that each have an AD and an HR system of their own, and number their people from 1."""
    for n in range(number):
        load(store, "workers", worker("1", "1"), worker("2", f"f{n}"), name=f"hr{n}")
        load(store, "ad", ad(f"user{n}", "1"), name=f"ad{n}")
    with store.write() as connection:
        links = [{"worker_source_id": 1 + 2 * n, "ad_source_id": 2 + 2 * n} for n in range(number)]
        connection.execute(insert(source_link), links)


def test_an_employee_id_that_one_object_of_each_company_carries_is_followed(store):
    unlinked(store, 6)
    with store.read() as connection:
        found = find_person(connection, "guid-user0", EmployeeIdRules())
    assert found == {("worker", 1, "1"), ("ad_user", 2, "guid-user0")}
    assert forget(store, "guid-user0", is_dry=True).not_followed == []
    with pytest.raises(UsageError, match=r"^1 fits 6 persons: ad_user guid-user0 \(ad0\), .*, …$"):
        forget(store, "1")


def test_a_source_tells_one_id_of_several_systems_apart(store):
    unlinked(store, 2)
    with pytest.raises(UsageError, match=r"^2 fits 2 persons: worker 2 \(hr0\), worker 2 \(hr1\)$"):
        forget(store, "2")
    with store.read() as connection:
        assert find_person(connection, "2", EmployeeIdRules(), "hr1") == {("worker", 3, "2")}
        assert find_person(connection, "1", EmployeeIdRules(), "hr1") == {
            ("worker", 3, "1"),
            ("ad_user", 4, "guid-user1"),
        }
    for name, said in (("hr2", "no source is called hr2"), ("ad1", "nobody is known as 2 in ad1")):
        with pytest.raises(UsageError, match=f"^{said}$"):
            forget(store, "2", source_name=name)


@pytest.mark.parametrize(("who", "keys"), [("1001", {"1001"}), ("1002", {"1002"}), ("2002", {"1001"})])
def test_with_a_source_the_id_of_an_object_comes_before_what_others_carry(store, who, keys):
    load(store, "workers", worker("1001", "2002"), worker("1002", "1001"))
    with pytest.raises(UsageError, match=r"^1001 fits 2 persons: worker 1001 \(workers\), worker 1002 \(workers\)$"):
        forget(store, "1001")
    with store.read() as connection:
        assert {each.key for each in find_person(connection, who, EmployeeIdRules(), "workers")} == keys


def test_employee_ids_go_through_the_sites_normaliser(store):
    load(store, "workers", worker("w1", "1"), worker("w2", "2"))
    with store.read() as connection:
        found = find_person(connection, "WD-001", EmployeeIdRules(("WD-",), strip_leading_zeros=True))
    assert {each.key for each in found} == {"w1"}


@pytest.mark.parametrize(
    ("who", "said"),
    [
        ("", "nobody is named"),
        ("   ", "nobody is named"),
        ("w9", "nobody is known as w9"),
        ("w", "nobody is known as w"),
        ("%", "nobody is known as %"),
    ],
)
def test_nobody(people, who, said):
    with pytest.raises(UsageError, match=f"^{said}$"):
        forget(people, who)
    assert rows(people) == BEFORE


def test_removed_rows_are_reported_by_table(people):
    assert Removed("worker_history", 1) in forget(people, "w1", is_dry=True).removed


@pytest.mark.parametrize("name", ["ana [ext]", "an_a 50%", "ana"])
def test_what_is_kept_of_drift_about_a_person_goes_and_about_others_stays(store, name):
    load(store, "ad", ad(name, "e1"))
    with store.read() as connection:
        (key,) = connection.scalars(select(LOADED["ad_user"].c.dn_key))
    kept = ["g joanna", f"g x{key}", f"g {key} x"]
    with store.write() as connection:
        for each in (f"g {key}", *kept):
            values = {"run_id": 1, "source_id": 1, "table_name": "ad_member", "object_key": each, "what": "missing"}
            connection.execute(insert(load_drift).values(values))
    forget(store, f"guid-{name}")
    with store.read() as connection:
        assert sorted(connection.scalars(select(load_drift.c.object_key))) == sorted(kept)


def test_the_past_of_others_no_longer_names_the_person(store):
    def report(title: str, boss: str | None) -> Row:
        row = ad("ben", "e2", title=title)
        place = TABLES["ad_user"].position
        values = list(row.values)
        if boss is not None:
            values[place["manager"]], values[place["manager_key"]] = f"CN={boss}", f"cn={boss}"
        return row._replace(values=tuple(values))

    load(store, "ad", ad("ana", "e1"), ad("cleo", "e3"), report("t", "ana"))
    load(store, "ad", ad("cleo", "e3"), report("t", "cleo"))
    load(store, "ad", ad("cleo", "e3"), report("u", None))
    load(store, "workers", worker("w1", "e1"), worker("w2", "e2")._replace(values=managed_by("w1")))
    load(store, "workers", worker("w2", "e2"))
    past, workers = HISTORY["ad_user"].c, HISTORY["worker"].c
    names = select(past.manager, past.manager_key).where(past.guid == "guid-ben").order_by(past.from_run)
    ids = select(workers.manager_id, workers.manager_key).where(workers.worker_id == "w2")
    for is_dry, expected, kept in (
        (True, [("CN=ana", "cn=ana"), ("CN=cleo", "cn=cleo")], [("w1", "w1")]),
        (False, [(None, None), ("CN=cleo", "cn=cleo")], [(None, None)]),
    ):
        done = forget(store, "ana@example.com", is_dry=is_dry)
        assert {Removed("ad_user_history.manager", 1), Removed("worker_history.manager_id", 1)} <= set(done.removed)
        with store.read() as connection:
            assert list(map(tuple, connection.execute(names))) == expected
            assert list(map(tuple, connection.execute(ids))) == kept


def managed_by(name: str) -> tuple[object, ...]:
    row = make_row(
        "worker", worker_id="w2", worker_key="w2", employeeid_key="e2", worker_status="A", manager_id=name,
        manager_key=name,
    )  # fmt: skip
    return row.values


def test_a_dry_run_counts_what_the_person_manages_of_their_own_once(store):
    for title in ("t", "u"):
        boss, own = ad("ana", "e1", title=title), ad("adm-ana", "e1", title=title)
        place = TABLES["ad_user"].position
        values = list(own.values)
        values[place["manager"]], values[place["manager_key"]] = "CN=ana", "cn=ana"
        load(store, "ad", boss, own._replace(values=tuple(values)))
        load(
            store,
            "workers",
            make_row("worker", worker_id="w2", worker_key="w2", manager_id="w2", manager_key="w2", worker_status=title),
        )
    for who in ("ana@example.com", "w2"):
        dry = forget(store, who, is_dry=True).removed
        assert dry == forget(store, who).removed
        assert not [each for each in dry if "manager" in each.table]


def test_a_dry_run_counts_drift_that_names_the_person_twice_once(store):
    load(store, "ad", ad("ana", "e1"), make_row("ad_user", guid="guid-x", employeeid_key="e1", dn_key="guid-ana"))
    row = {"run_id": 1, "source_id": 1, "table_name": "ad_member", "object_key": "g guid-ana", "what": "missing"}
    with store.write() as connection:
        connection.execute(insert(load_drift).values(row))
    assert forget(store, "e1", is_dry=True).removed == forget(store, "e1").removed == [Removed("load_drift", 1)]


ELSEWHERE = (
    "ad_deleted", "ad_contact", "ad_contact_proxyaddress", "ad_user_proxyaddress", "entra_deleted",
    "entra_registration", "entra_user_proxyaddress",
)  # fmt: skip


def proxy(table: str, prefix: str, address: str) -> tuple[object, ...]:
    return (table, (0, f"{prefix}:{address}", f"{prefix}:{address}".lower(), prefix, address))


def deleted(name: str, **values: object) -> Row:
    named = {"upn_key": f"{name}@example.com", "mail_key": f"{name}@mail.example", "employeeid_key": f"e-{name}"}
    return make_row("entra_deleted", id=f"id-{name}", **({"object_type": "user"} | named | values))


def contact(name: str) -> Row:
    proxied = proxy("ad_contact_proxyaddress", "SMTP", f"{name}@home.example")
    return make_row("ad_contact", proxied, guid=f"guid-{name}", mail_key=f"{name}@mail.example", dn_key=f"cn={name}")


@pytest.mark.parametrize(
    ("kind", "made", "names", "tables"),
    [
        ("entra", deleted, ["ID-ana", "Ana@example.com", "ana@mail.example", "E-ana"], {"entra_deleted"}),
        ("entra", lambda name: deleted(name, upn_key=f"id{name}{name}@x.org"), ["ana@x.org"], {"entra_deleted"}),
        ("entra", lambda name: make_row("entra_registration", id=f"id-{name}"), ["id-ana"], {"entra_registration"}),
        (
            "ad", lambda name: make_row("ad_deleted", guid=f"guid-{name}", object_type="user"), ["guid-ana"],
            {"ad_deleted"},
        ),
        (
            "ad", lambda name: make_row("ad_deleted", guid=f"guid-{name}", object_type="contact"), ["guid-ana"],
            {"ad_deleted"},
        ),
        (
            "ad", contact, ["guid-ana", "ana@mail.example", "ANA@home.example"],
            {"ad_contact", "ad_contact_proxyaddress"},
        ),
        (
            "ad",
            lambda name: make_row(
                "ad_user", proxy("ad_user_proxyaddress", "smtp", f"{name}@old.example"), guid=f"guid-{name}"
            ),
            ["ana@old.example"], {"ad_user", "ad_user_proxyaddress"},
        ),
        (
            "entra",
            lambda name: make_row(
                "entra_user", proxy("entra_user_proxyaddress", "SMTP", f"{name}@old.example"), id=f"id-{name}"
            ),
            ["ana@old.example"], {"entra_user", "entra_user_proxyaddress"},
        ),
        (
            "entra", lambda name: entra(name, None, f"{name}@home.example", upn=f"{name}@x.example"),
            ["ana@home.example"], {"entra_user", "entra_user_othermail"},
        ),
    ],
)  # fmt: skip
def test_a_person_of_whom_little_is_left_is_found(store, kind, made, names, tables):
    further = tuple(each for each in ELSEWHERE if each.startswith(kind))
    load(store, kind, made("ana"), made("ben"), tables=further)
    load(store, kind, tables=further)
    histories = {f"{name}_history" for name in tables}
    assert rows(store) == dict.fromkeys(histories, 2)
    for who in names:
        assert {each.table for each in forget(store, who, is_dry=True).removed} == histories
    forget(store, names[0])
    assert rows(store) == dict.fromkeys(histories, 1)


def test_a_deleted_group_is_nobody(store):
    load(store, "ad", make_row("ad_deleted", guid="guid-g", object_type="group"), tables=("ad_deleted",))
    group = deleted("g", object_type="group")
    load(store, "entra", group, Row("entra_member", ("id-x", "id-h", "group")), tables=("entra_deleted",))
    for who in ("guid-g", "id-g", "g@example.com", "id-h"):
        with pytest.raises(UsageError, match=f"nobody is known as {who}"):
            forget(store, who)


def test_a_deleted_user_leads_to_what_is_left_in_active_directory(store):
    load(store, "entra", deleted("ana", onpremisesimmutableid="ana="), tables=("entra_deleted",))
    load(store, "ad", ad("ana", None), ad("ben", None))
    with store.read() as connection:
        found = find_person(connection, "ana@mail.example", EmployeeIdRules())
    assert {each.key for each in found} == {"id-ana", "guid-ana"}


def test_an_address_of_a_contact_and_a_user_fits_two(store):
    load(store, "ad", contact("ana"), tables=("ad_contact", "ad_contact_proxyaddress"))
    load(store, "entra", entra("ana", None, "ana@home.example"))
    with pytest.raises(UsageError, match=r"fits 2 persons: ad_contact guid-ana \(ad\), entra_user id-ana \(entra\)$"):
        forget(store, "ana@home.example")


def test_the_past_no_longer_names_a_contact(store):
    group = make_row("ad_group", guid="g", managedby="CN=ana", managedby_key="cn=ana")
    tables = ("ad_contact", "ad_contact_proxyaddress")
    load(store, "ad", contact("ana"), group, *member("ad_member", "g", "ana", "ben"), tables=tables)
    load(store, "ad", make_row("ad_group", guid="g"), tables=tables)
    forget(store, "guid-ana")
    assert rows(store) == {"ad_group_history": 1, "ad_member_history": 1}
    with store.read() as connection:
        assert connection.scalar(select(HISTORY["ad_group"].c.managedby)) is None


def test_records_that_were_never_published_are_found_by_their_id(store):
    def twice(name: str) -> list[Row]:
        return [make_row("worker", worker_id=name, worker_key=name.lower(), first_name=given) for given in "ab"]

    load(store, "workers", *twice("W1"), *twice("W10"))
    assert forget(store, "w1").removed == [Removed("load_reject", 2)]
    with store.read() as connection:
        assert set(connection.scalars(select(load_reject.c.object_key))) == {"W10"}
    with pytest.raises(UsageError, match="nobody is known as w1"):
        forget(store, "w1")


def test_a_record_that_was_published_and_then_rejected_is_one(store):
    load(store, "workers", worker("w1", "e1"))
    load(store, "workers", worker("w1", "e1"), worker("w1", "e2"))
    assert rows(store) == {"worker_history": 1, "load_reject": 2}
    forget(store, "w1")
    assert rows(store) == {}


def test_what_the_last_refresh_made_of_objects_that_have_gone_goes_too(store):
    def people(*names: str) -> None:
        for kind, made in (("ad", user), ("entra", entra_user), ("workers", left)):
            load(store, kind, *(made(name) for name in names))

    def user(name: str) -> Row:
        return make_row(
            "ad_user", guid=f"guid-{name}", employeeid_key=f"e-{name}", upn_key=f"{name}@x.example", is_enabled=1,
            immutable_id=f"{name}=", dn_key=f"cn={name}", msdscloudextensionattribute1="2026-01-01",
        )  # fmt: skip

    def entra_user(name: str) -> Row:
        return make_row(
            "entra_user", id=f"id-{name}", onpremisesimmutableid=f"{name}=", is_enabled=1,
            employeehiredate="2026-01-01 00:00:00.000000",
        )  # fmt: skip

    def left(name: str) -> Row:
        values = {"worker_id": name, "worker_key": name, "employeeid_key": f"e-{name}", "is_active": 0}
        return make_row("worker", **values, termination_date="2020-01-01", termination_day=18262)

    people("ana", "ben")
    with store.write() as connection:
        connection.execute(insert(source_link).values(ad_source_id=1, entra_source_id=2, worker_source_id=3))
    refresh(store, Settings())
    with store.write() as connection:
        for name in ("ana", "ben"):
            ids = {"source_id": 1, "account_row_id": 1 if name == "ana" else 2, "object_key": f"guid-{name}"}
            flags = {"depth": 1, "is_primary_group": 0, "is_eligible": 0, "is_refused": 0}
            connection.execute(
                insert(privileged_account).values(object_type="ad_user", reason="x", holder_key="g", **ids, **flags)
            )
            item = {"attribute": "otherMails", "outcome": "done", "attempts": 1, "plan": f"p-{name}"}
            for number, named in enumerate((f"id-{name}", "somebody")):
                about = {"object_id": named, "worker_source": "workers", "worker_id": name if number else None}
                connection.execute(insert(backfill_item).values(item_number=number, **item, **about))
    people("ben")
    made = (match_candidate, user_match, pair, worker_match, leaver, lifecycle_date, privileged_account)

    def count() -> dict[str, int]:
        with store.read() as connection:
            return {each.name: connection.scalar(select(func.count()).select_from(each)) for each in made}

    before = count()
    assert all(number % 2 == 0 for number in before.values())
    assert min(before.values()) == 2
    dry = forget(store, "guid-ben", is_dry=True)
    assert not {each.table for each in dry.removed} & set(before)
    dry = forget(store, "e-ana", is_dry=True)
    assert count() == before
    assert forget(store, "e-ana") == dry
    assert count() == {name: number // 2 for name, number in before.items()}
    assert dry.planned == 2
    with store.read() as connection:
        assert list(connection.scalars(select(pair.c.ad_guid))) == ["guid-ben"]
        assert connection.scalar(select(func.count()).select_from(backfill_item)) == 4


@pytest.fixture
def given_on(store: Store) -> Store:
    """Jan Doe leaves with load 3, load 4 brings somebody else of his distinguished name; both had the same groups."""

    def jan(guid: str, title: str = "t") -> Row:
        return make_row("ad_user", guid=guid, dn_key="cn=jan", upn_key=f"{guid}@example.com", title=title)

    def holding(*children: tuple[object, ...]) -> list[Row]:
        managed = {"managedby": "CN=Jan", "managedby_key": "cn=jan"} if children else {}
        return [
            make_row("ad_group", guid="g", name="Staff", **managed),
            make_row("ad_user", guid="ben", dn_key="cn=ben", **_under("cn=jan" if children else None)),
            make_row("ad_password_policy", *children, guid="p", name="Strict"),
            *([Row("ad_member", ("g", "CN=Jan", "cn=jan"))] if children else []),
        ]

    target = ("ad_password_policy_target", (0, "CN=Jan", "cn=jan"))
    tables = ("ad_password_policy", "ad_password_policy_target")
    for rows_of_load in (
        [jan("old"), *holding(target)],
        [jan("old", "u"), *holding(target)],
        holding(),
        [jan("new"), *holding(target)],
        [jan("new", "u"), *holding()],
        holding(),
    ):
        load(store, "ad", *rows_of_load, tables=tables)
    return store


def _under(manager: str | None) -> dict[str, str]:
    return {} if manager is None else {"manager": manager.upper(), "manager_key": manager}


@pytest.mark.parametrize(("who", "kept"), [("old", 4), ("new", 1)])
def test_a_distinguished_name_counts_in_the_loads_in_which_the_person_had_it(given_on, who, kept):
    found = {}
    for is_dry in (True, False):
        found[is_dry] = {each.table: each.rows for each in forget(given_on, who, is_dry=is_dry).removed}
    assert found[True] == found[False] == {
        "ad_user_history": 2, "ad_user_history.manager": 1, "ad_group_history.managedby": 1, "ad_member_history": 1,
        "ad_password_policy_target_history": 1,
    }  # fmt: skip
    past = {name: HISTORY[name].c for name in ("ad_member", "ad_password_policy_target", "ad_group", "ad_user")}
    questions = [
        select(past["ad_member"].from_run),
        select(past["ad_password_policy_target"].from_run),
        select(past["ad_group"].from_run).where(past["ad_group"].managedby_key == "cn=jan"),
        select(past["ad_user"].from_run).where(past["ad_user"].manager_key == "cn=jan"),
    ]
    with given_on.read() as connection:
        assert [list(connection.scalars(each)) for each in questions] == [[kept]] * 4


def test_drift_about_a_name_counts_in_the_loads_in_which_the_person_had_it(given_on):
    drifted = [(run, what) for run in range(1, 7) for what in ("missing", "left over")]
    with given_on.write() as connection:
        for run, what in drifted:
            values = {"run_id": run, "source_id": 1, "table_name": "ad_member", "object_key": "g cn=jan", "what": what}
            connection.execute(insert(load_drift).values(values))
    forget(given_on, "old")
    with given_on.read() as connection:
        left = {tuple(row) for row in connection.execute(select(load_drift.c.run_id, load_drift.c.what))}
    assert set(drifted) - left == {(1, "missing"), (2, "missing"), (2, "left over"), (3, "left over")}


def test_the_same_name_in_the_forest_of_another_company_is_somebody_else(store):
    for company in ("one", "two"):
        group = Row("ad_member", ("g", "CN=jan", "cn=jan"))
        user = make_row("ad_user", guid=f"guid-{company}", dn_key="cn=jan")
        load(store, "ad", user, group, name=f"ad-{company}")
    for company in ("one", "two"):
        load(store, "ad", name=f"ad-{company}")
    load(store, "entra")
    register_source(store, "workers", "hr")
    with store.write() as connection:
        connection.execute(
            insert(source_link),
            [{"ad_source_id": 1, "entra_source_id": 3, "worker_source_id": None},
             {"ad_source_id": 2, "entra_source_id": None, "worker_source_id": 4}],
        )  # fmt: skip
    forget(store, "guid-one")
    with store.read() as connection:
        assert list(connection.scalars(select(HISTORY["ad_member"].c.source_id))) == [2]


def test_a_manager_of_the_same_worker_id_in_another_hr_system_is_somebody_else(store):
    for name in ("hr1", "hr2"):
        load(
            store,
            "workers",
            worker("w1", f"{name}-e1"),
            worker("w2", "e2")._replace(values=managed_by("w1")),
            name=name,
        )
        load(store, "workers", worker("w2", "e2"), name=name)
    forget(store, "hr1-e1")
    past = HISTORY["worker"].c
    with store.read() as connection:
        held = connection.execute(
            select(past.source_id, past.worker_id, past.manager_id).order_by(past.source_id, past.worker_id)
        )
        assert list(map(tuple, held)) == [(1, "w2", None), (2, "w1", None), (2, "w2", "w1")]


def test_rejected_records_of_other_tables_that_name_the_person_go_too(people):
    named = {
        ("ad_member", "g-guid CN=ANA"), ("ad_user", "CN=Ana"), ("ad_value_defect", "guid-ana"),
        ("entra_registration", "id-ana"), ("entra_member", "g id-ana"), ("worker_prior_id", "w1"),
    }  # fmt: skip
    others = {("ad_member", "g-guid CN=Ben"), ("entra_member", "g id-anabel"), ("entra_member", "id-other")}
    sources = {"ad": 1, "entra": 2, "worker": 3}
    with people.write() as connection:
        connection.execute(delete(load_reject))
        for table, key in named | others:
            connection.execute(
                insert(load_reject).values(
                    run_id=1, source_id=sources[table.partition("_")[0]], object=table, object_key=key, reason="x"
                )
            )
    dry = forget(people, "w1", is_dry=True)
    assert {each.table: each.rows for each in dry.removed}["load_reject"] == len(named)
    assert rows(people)["load_reject"] == len(named) + len(others)
    assert forget(people, "w1") == dry
    with people.read() as connection:
        left = connection.execute(select(load_reject.c.object, load_reject.c.object_key))
        assert {tuple(row) for row in left} == others


def test_a_finding_of_one_id_in_several_hr_systems_is_the_persons(people):
    keys = ("w1 (workers)", "w1 (other)", "w2 (workers)")
    with people.write() as connection:
        for key in keys:
            row = {"refresh_id": 1, "code": "y", "severity": "low", "object_type": "worker", "is_personal": 0}
            connection.execute(insert(finding_row).values(object_key=key, **row))
    forget(people, "w1")
    with people.read() as connection:
        left = set(connection.scalars(select(finding_row.c.object_key).where(finding_row.c.code == "y")))
    assert left == {"w1 (other)", "w2 (workers)"}


@pytest.mark.parametrize("other_is_there", [True, False])
def test_findings_and_acceptances_of_another_object_with_the_same_key_stay(store, other_is_there):
    """Worker w1 of hr1 is gone; worker w1 of hr2 is somebody else, and so is an object of a service keyed w1."""
    load(store, "workers", worker("w1", "e1"), name="hr1")
    load(store, "workers", worker("w1", "f1"), name="hr2")
    load(store, "workers", name="hr1")
    if not other_is_there:
        load(store, "workers", name="hr2")
    with store.write() as connection:
        for code, kind in (("of_workers", "worker"), ("of_roles", "mim_role")):
            its = {"code": code, "object_type": kind, "object_key": "w1"}
            connection.execute(insert(finding_row).values(refresh_id=1, severity="low", is_personal=0, **its))
            connection.execute(insert(finding_seen).values(first_day=1, **its))
        for code, key in (
            ("of_workers", "w1"),
            ("of_workers", "w1 (hr1)"),
            ("of_roles", "w1"),
            ("nothing_found", "w1"),
        ):
            accepted = {"accepted_until": "2999-01-01", "accepted_by": "me", "why": "so"}
            connection.execute(insert(finding_acceptance).values(code=code, object_key=key, **accepted))
    dry = forget(store, "e1", is_dry=True)
    assert forget(store, "e1") == dry
    roles, workers = ("of_roles", "w1"), ("of_workers", "w1")
    rows_left = [roles, workers] if other_is_there else [roles]
    with store.read() as connection:
        for table in (finding_row, finding_seen):
            assert sorted(map(tuple, connection.execute(select(table.c.code, table.c.object_key)))) == rows_left
        left = connection.execute(select(finding_acceptance.c.code, finding_acceptance.c.object_key))
        assert sorted(map(tuple, left)) == sorted([*rows_left, *([("nothing_found", "w1")] if other_is_there else [])])


def test_rejects_whose_name_was_cut_are_forgotten(store):
    units = ",".join(f"OU={'x' * 60}{n}" for n in range(10))
    load(store, "ad", make_row("ad_user", guid="guid-zoe", dn_key=f"cn=zoe,{units}".lower()))
    keys = [cut_units(name, 450) for name in (f"CN=Zoe,{units}", f"guid-group CN=Zoe,{units}", f"CN=Zoey,{units}")]
    with store.write() as connection:
        for key in (*keys, "CN=Zoe"):
            connection.execute(
                insert(load_reject).values(run_id=1, source_id=1, object="ad_user", object_key=key, reason="x")
            )
    forget(store, "guid-zoe")
    with store.read() as connection:
        assert set(connection.scalars(select(load_reject.c.object_key))) == {keys[2], "CN=Zoe"}

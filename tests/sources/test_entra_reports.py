"""Registration details, sign-in activity and domains: right rows, in the pace that Graph allows."""

from dataclasses import replace

import pytest

from recon.config import EntraSource
from recon.decode.keys import EmployeeIdRules
from recon.errors import AccessError
from recon.lab.graph import Limits
from recon.objects import TABLES
from recon.sources.entra import tables_of
from recon.sources.entra_ndjson import NdjsonReading
from recon.sources.entra_reports import LISTINGS, domain_row, registration_row, sign_in_row
from tests.support.tenant import TENANT, Reader, make_tenant, make_users, object_id, simulate

RIGHTS = ("User.Read.All", "AuditLog.Read.All", "Domain.Read.All")
ALL = ("domains", "registration", "signin")


def tenant(users=30):
    people = make_users(users)
    people[1]["signInActivity"] = {
        "lastSignInDateTime": "2026-01-02T03:04:05Z",
        "lastNonInteractiveSignInDateTime": "2026-01-03T00:00:00.1234567Z",
        "lastSuccessfulSignInDateTime": None,
    }
    details = {
        "id": object_id(1),
        "isSsprRegistered": True,
        "isSsprEnabled": True,
        "isSsprCapable": True,
        "isMfaRegistered": True,
        "methodsRegistered": ["mobilePhone", "email", "aMethodOfTomorrow"],
        "userPreferredMethodForSecondaryAuthentication": "",
    }
    made = make_tenant(0, 0)
    return replace(
        made, users=people, registrations=[details], domains=("contoso.example", "Contoso.onmicrosoft.example")
    )


def values(row, *names):
    return tuple(row.values[TABLES[row.table].position[name]] for name in names)


def of(rows, table, *names):
    return sorted(values(row, *names) for row in rows if row.table == table)


def test_reads_what_is_registered():
    with simulate(tenant(), permissions=RIGHTS) as simulator:
        reader = Reader(simulator, objects=("registration",))
        rows = reader.read()
    # nobody whose account is disabled
    assert of(rows, "entra_registration", "id") == [(object_id(n),) for n in range(30) if n % 5]
    row = next(row for row in rows if row.values[0] == object_id(1))
    assert values(row, "isssprregistered", "isssprenabled", "isssprcapable", "ismfaregistered", "ismfacapable") == (
        1, 1, 1, 1, 0,
    )  # fmt: skip
    assert values(row, "userpreferredmethodforsecondaryauthentication", "usertype") == (None, "member")
    assert [child[1][1] for child in row.children] == ["mobilePhone", "email", "aMethodOfTomorrow"]
    proof = reader.reading.report.table("entra_registration")
    assert (proof.server_count, proof.pages, proof.is_whole) == (None, 1, True)


def test_reads_sign_ins_of_all_users():
    with simulate(tenant(), permissions=RIGHTS) as simulator:
        reader = Reader(simulator, objects=("signin",))
        rows = reader.read()
        (request,) = simulator.requests
    assert "$top=500" in request.target
    row = next(row for row in rows if row.values[0] == object_id(1))
    assert row.values == (
        object_id(1), "2026-01-02 03:04:05.000000", 20455, "2026-01-03 00:00:00.123456", 20456, None, None,
    )  # fmt: skip
    assert next(row for row in rows if row.values[0] == object_id(2)).values == (object_id(2), *[None] * 6)
    assert reader.reading.report.table("entra_signin").server_count == len(rows) == 30


def test_reads_domains():
    with simulate(tenant(), permissions=RIGHTS) as simulator:
        rows = Reader(simulator, objects=("domains",)).read()
    assert of(
        rows, "entra_domain", "id", "domain_key", "isdefault", "isinitial", "isverified", "authenticationtype"
    ) == [
        ("Contoso.onmicrosoft.example", "contoso.onmicrosoft.example", 0, 1, 1, "Managed"),
        ("contoso.example", "contoso.example", 1, 0, 1, "Managed"),
    ]
    assert [child[1] for child in rows[0].children] == [(0, "Email"), (1, "OfficeCommunicationsOnline")]


def test_the_pace_is_kept_and_nothing_is_refused():
    now = [1_000.0]
    with simulate(tenant(6_500), permissions=RIGHTS, limits=Limits(), monotonic=lambda: now[0]) as simulator:
        reader = Reader(simulator, objects=("registration", "signin"))
        patience = reader.client.patience
        patience.clock = lambda: now[0]
        patience.sleep = lambda seconds: now.__setitem__(0, now[0] + seconds)
        rows = reader.read()
        statuses = [request.status for request in simulator.requests]
    assert len(of(rows, "entra_signin", "id")) == 6_500
    assert statuses == [200] * (6 + 13)
    assert patience.waits == 0


@pytest.mark.parametrize(("name", "wait"), [("registration", 2.1), ("signin", 6.1)])
def test_requests_are_spread(name, wait):
    with simulate(tenant(2_600), permissions=RIGHTS) as simulator:
        reader = Reader(simulator, objects=(name,))
        now = [1_000.0]
        reader.client.patience.clock = lambda: now[0]
        reader.client.patience.sleep = lambda seconds: (
            now.__setitem__(0, now[0] + seconds),
            reader.slept.append(seconds),
        )
        reader.read()
    assert reader.slept == pytest.approx([wait] * len(reader.slept))
    assert len(reader.slept) == {"registration": 2, "signin": 5}[name]
    assert reader.reading.report.warnings == []


@pytest.mark.parametrize(("name", "wait"), [("registration", 2.1), ("signin", 6.1)])
def test_a_clock_that_is_set_back_costs_one_pause(name, wait):
    with simulate(tenant(2_600), permissions=RIGHTS) as simulator:
        reader = Reader(simulator, objects=(name,))
        now = iter(range(100_000, 0, -3_600))
        reader.client.patience.clock = lambda: float(next(now))
        reader.read()
    assert reader.slept == pytest.approx([wait] * {"registration": 2, "signin": 5}[name])


@pytest.mark.parametrize("name", ALL)
def test_a_missing_right_is_named(name):
    with simulate(tenant(), permissions=("User.Read.All",)) as simulator, pytest.raises(AccessError) as caught:
        Reader(simulator, objects=(name,)).read()
    assert LISTINGS[name].permission in caught.value.hint


def test_files_give_the_same_rows(tmp_path):
    with simulate(tenant(), permissions=RIGHTS) as simulator:
        reader = Reader(simulator, objects=ALL)
        rows = reader.read(save=tmp_path)
    reading = NdjsonReading(EntraSource(ndjson=tmp_path, objects=ALL), tmp_path, EmployeeIdRules())
    again = list(reading.rows())
    assert sorted(again, key=repr) == sorted(rows, key=repr)
    assert reading.report.table("entra_signin").server_count == 30


def test_in_an_increment_they_are_read_whole():
    with simulate(tenant(), permissions=RIGHTS) as simulator:
        first = Reader(simulator, objects=("users", *ALL))
        first.read()
        second = Reader(simulator, objects=("users", *ALL))
        rows = second.read(since=first.reading.report.watermark)
    report = second.reading.report
    assert report.is_increment
    assert {row.table for row in rows} == {"entra_domain", "entra_registration", "entra_signin"}
    assert [report.table(f"entra_{name}").is_whole for name in ("domain", "registration", "signin", "user")] == [
        True, True, True, False,
    ]  # fmt: skip


def test_tables():
    assert tables_of(EntraSource(tenant_id=TENANT, objects=ALL)) == (
        "entra_registration",
        "entra_registration_method",
        "entra_signin",
        "entra_domain",
        "entra_domain_service",
    )


@pytest.mark.parametrize("make", [registration_row, sign_in_row, domain_row])
@pytest.mark.parametrize("item", [None, [], {}, {"id": None}, {"id": ""}, {"id": "x" * 300}, {"id": 5}])
def test_what_has_no_id_is_rejected(make, item):
    row = make(item, 7)
    assert (row.table, row.values[2:4]) == ("load_reject", (7, "no_id"))


def test_odd_values_become_null():
    row = registration_row(
        {"id": "a", "isSsprEnabled": "yes", "methodsRegistered": "email", "lastUpdatedDateTime": "x"}
    )
    assert values(row, "isssprenabled", "lastupdateddatetime", "upn_key") == (None, None, None)
    assert row.children == ()
    assert sign_in_row({"id": "a", "signInActivity": 5}).values[1:] == (None,) * 6
    assert sign_in_row({"id": "a", "signInActivity": {"lastSignInDateTime": "never"}}).values[1:] == (None,) * 6
    assert domain_row({"id": "d.example", "supportedServices": [None, "Email", 5]}).children == (
        ("entra_domain_service", (1, "Email")),
    )

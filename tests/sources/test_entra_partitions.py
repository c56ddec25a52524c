"""Users read in several listings at once: the same rows as in one, or a refusal."""

import pytest

from recon.errors import SourceError, TransientError
from recon.lab.graph import Fault, Limits
from recon.sources.entra_partitions import CHARACTERS, condition_of
from tests.support.tenant import TENANT as TENANT_ID
from tests.support.tenant import Reader, Tenant, make_users, object_id, simulate


def people(number=900):
    """Names that begin with every character there is, many of them with user and some with the capital letter."""
    made = make_users(number)
    for place, user in enumerate(made):
        if place % 3:
            user["userPrincipalName"] = f"{CHARACTERS[place % len(CHARACTERS)]}{place}@contoso.example".upper()
        elif place % 2:
            user["userPrincipalName"] = f"user{place}@contoso.example"
    made[0]["userPrincipalName"] = "m@contoso.example"
    return made


def read(simulator, **options):
    reader = Reader(simulator, objects=("users",), **options)
    reader.read()
    return reader


def test_the_rows_are_those_of_one_listing():
    with simulate(Tenant(TENANT_ID, people())) as simulator:
        one = read(simulator, page_size=100)
        before = len(simulator.requests)
        parts = read(simulator, page_size=20, partitions=8)
        asked = [request.target for request in simulator.requests[before:]]
    assert sorted(parts.rows, key=repr) == sorted(one.rows, key=repr)
    report = parts.reading.report
    assert report.table("entra_user").server_count == 900
    assert report.warnings == []
    # "user" alone has 150: it was divided
    assert any("'user" in target for target in asked)
    assert report.table("entra_user").pages == sum("/users?" in target for target in asked)


def test_a_name_that_begins_with_another_character_ends_the_read_before_the_first_page():
    users = people(50)
    users[7]["userPrincipalName"] = "ärger@contoso.example"
    with simulate(Tenant(TENANT_ID, users)) as simulator:
        reader = Reader(simulator, objects=("users",), partitions=3)
        with pytest.raises(SourceError, match="49 of 50 users have a name that begins with one of") as caught:
            reader.read()
        assert not any("/users?" in request.target for request in simulator.requests)
    assert caught.value.hint == "set partitions = 1 in [entra]"
    assert reader.rows == []


@pytest.mark.parametrize(
    "fault",
    [
        # never more than the tries of one call: which of the calls side by side meets a fault is chance
        Fault("503", match=r"users\?", times=3),
        Fault("429", match="startsWith", times=3),
        Fault("expired-page-token", match=r"users\?"),
        Fault("reset", match=r"users\?", times=2),
        Fault("duplicated-page", match=r"users\?", times=3),
    ],
    ids=lambda fault: fault.kind,
)
def test_what_passes_leaves_no_trace(fault):
    with simulate(Tenant(TENANT_ID, people(150)), fault) as simulator:
        reader = read(simulator, page_size=3, partitions=3)
    assert sorted(set(reader.keys("entra_user"))) == sorted((object_id(place),) for place in range(150))
    assert reader.reading.report.table("entra_user").server_count == 150


def test_what_does_not_pass_ends_the_read():
    with simulate(Tenant(TENANT_ID, people(150)), Fault("503", match=r"users\?", times=None)) as simulator:
        reader = Reader(simulator, objects=("users",), partitions=3)
        with pytest.raises(TransientError, match=r"GET /users: HTTP 503.*gave up"):
            reader.read()


def test_a_shifted_page_is_told_by_the_count():
    with simulate(Tenant(TENANT_ID, people(150)), Fault("shifted-page", match=r"users\?")) as simulator:
        reader = read(simulator, page_size=3, partitions=3)
    assert len(set(reader.keys("entra_user"))) == 149
    assert reader.reading.report.table("entra_user").server_count == 150


def test_near_a_limit_it_still_comes_right():
    tight = (2, 1)
    limits = Limits(app_tenant_read={"S": tight, "M": tight, "L": tight})
    with simulate(Tenant(TENANT_ID, people(200)), limits=limits, time_scale=1_000.0) as simulator:
        reader = Reader(simulator, objects=("users",), partitions=4, page_size=50, tries=1_000)
        reader.read()
    assert reader.client.is_near_limit
    assert len(set(reader.keys("entra_user"))) == 200


def test_files_are_saved_from_one_listing(tmp_path):
    with simulate(Tenant(TENANT_ID, people(50))) as simulator:
        reader = Reader(simulator, objects=("users",), partitions=3)
        reader.read(save=tmp_path)
        assert not any("startsWith" in request.target for request in simulator.requests)
    assert len((tmp_path / "users.ndjson").read_bytes().splitlines()) == 50


def test_a_quote_is_doubled():
    assert condition_of("o'") == "startsWith(userPrincipalName,'o''')"

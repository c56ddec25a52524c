"""Every command runs with exactly the permissions that docs/permissions.md names, and says which one is missing."""

import pytest

from recon.lab.sample import SampleCompany
from recon.lab.up import Lab
from tests.support.site import Site


@pytest.fixture
def site_with(tmp_path):
    """Call with the reader's and the writer's permissions; gives the running site."""
    opened: list[Lab] = []

    def start(reader: tuple[str, ...], writer: tuple[str, ...]) -> Site:
        opened.append(Lab(tmp_path, SampleCompany(), reader_permissions=reader, writer_permissions=writer).start())
        return Site(opened[0])

    yield start
    for lab in opened:
        lab.stop()


def test_reading_and_writing_with_the_least(site_with):
    site = site_with(("User.Read.All", "Group.Read.All"), ("User-Mail.ReadWrite.All",))
    site.ok("doctor")
    site.ok("run", "--no-report")
    site.ok("backfill", "plan")
    site.ok("backfill", "apply", "latest")
    assert site.recon("backfill", "apply", "latest", "--commit").code in (0, 4)
    assert site.lab.graph.writes


def test_usage_location_needs_more(site_with):
    site = site_with(("User.Read.All", "Group.Read.All"), ("User.ReadWrite.All",))
    site.ok("run", "--no-report")
    site.ok("backfill", "plan", "--attribute", "usageLocation")
    assert site.recon("backfill", "apply", "latest", "--commit").code in (0, 4)
    assert {write.property for write in site.lab.graph.writes} == {"usageLocation"}


@pytest.mark.parametrize(
    ("reader", "missing"), [(("Group.Read.All",), "User.Read.All"), (("User.Read.All",), "Group.Read.All")]
)
def test_a_missing_permission_is_named(site_with, reader, missing):
    site = site_with(reader, ())
    outcome = site.recon("load", "entra")
    assert outcome.code == 1
    assert missing in outcome.err.splitlines()[-1]
    assert site.query("select count(*) from entra_user") == [(0,)]
    doctor = site.recon("doctor")
    assert doctor.code == 1
    assert missing in doctor.out


def test_writing_without_the_right_writes_nothing(site_with):
    site = site_with(("User.Read.All", "Group.Read.All"), ("User.Read.All",))
    site.ok("run", "--no-report")
    site.ok("backfill", "plan")
    outcome = site.recon("backfill", "apply", "latest", "--commit")
    assert outcome.code in (1, 4)
    assert site.lab.graph.writes == []


def test_deleted_objects_and_roles_need_one_more(site_with):
    site = site_with(("User.Read.All", "Group.Read.All", "RoleManagement.Read.Directory"), ("User-Mail.ReadWrite.All",))
    site.edit('"members", "deleted"]', '"members", "deleted", "roles"]')
    site.ok("doctor")
    site.ok("run", "--no-report")
    assert site.query("select count(*) from load_run_table where table_name in ('entra_deleted', 'entra_role')") == [
        (2,)
    ]


def test_group_owners_need_no_more(site_with):
    site = site_with(("User.Read.All", "Group.Read.All"), ())
    site.ok("load", "entra", "--no-refresh")
    assert site.query("select count(distinct owner_id) from entra_group_owner") == [(2,)]


def test_registration_sign_ins_and_domains_need_two_more(site_with):
    site = site_with(("User.Read.All", "AuditLog.Read.All", "Domain.Read.All"), ())
    site.edit('"group_owners", "groups", "members", "deleted"]', '"registration", "signin", "domains"]')
    site.ok("load", "entra", "--no-refresh")
    counts = site.query(
        "select (select count(*) from entra_user), (select count(*) from entra_signin), "
        "(select count(*) from entra_user where is_enabled = 1), (select count(*) from entra_registration), "
        "(select count(*) from entra_domain)"
    )
    ((users, signed_in, enabled, registered, domains),) = counts
    assert users == signed_in > 0
    assert enabled == registered > 0
    assert domains == 1

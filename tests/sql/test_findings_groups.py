"""Groups and readiness for password reset: every finding with hit, near miss, NULL, case and accents."""

import pytest
from sqlalchemy import insert, update

from recon.catalog import read_catalog
from recon.config import Settings, Sspr
from recon.findings import refresh
from recon.queries import query
from recon.store.site_tables import critical_group, sspr_policy
from recon.store.tables import HISTORY, LOADED, load_run, load_run_table
from tests.support.estate import AFTER_AD, BEFORE, LATE, TODAY, Estate

AT = ",DC=example,DC=com"


def people(estate: Estate, *names: str) -> None:
    """Matched and synced people."""
    for name in names:
        dn = f"CN={name}{AT}"
        estate.ad(guid=name, immutable_id=f"{name}==", distinguishedname=dn, userprincipalname=f"{name}@example.com")
        estate.entra(id=name, onpremisesimmutableid=f"{name}==", userprincipalname=f"{name}@example.com")


def synced(estate: Estate, name: str, rid: int, members=(), cloud=(), **values) -> None:
    """A group on both sides."""
    estate.group(name, rid, member=[f"CN={each}{AT}" for each in members])
    estate.cloud_group(
        id=f"e-{name}", displayname=name, sid=f"S-1-5-21-1-2-3-{rid}", members=cloud, is_synced=1, **values
    )


def test_group_membership_differs(estate):
    people(estate, "ann", "bob", "zoë")
    estate.ad(guid="unmatched", distinguishedname=f"CN=alone{AT}")
    synced(estate, "Same", 7001, ["ANN", "ZOË"], ["ann", "zoë"])
    synced(estate, "Team", 7002, ["Ann", "Bob", "alone", "Same"], ["ann", "zoë", "guest", "e-Same"])
    synced(estate, "Outer", 7003, ["Team"], [])
    synced(estate, "Skewed", 7004, ["Ann"], [], onpremiseslastsyncdatetime=AFTER_AD)
    estate.cloud_group(id="cloud", sid=None, members=["ann"])
    assert estate.found("group_membership_differs") == [
        ("e-Outer", "Outer", "member", None, f"CN=Team{AT}", None),
        ("e-Team", "Team", "member", None, None, f"CN=zoë{AT}"),
        ("e-Team", "Team", "member", None, f"CN=bob{AT}", None),
    ]


def test_members_and_groups_of_one_name_are_told_apart(estate):
    people(estate, "ann")
    for number, name in enumerate(("left", "right")):
        estate.group(name, 7001 + number)
        estate.cloud_group(id=f"e-{name}", displayname="Same", sid=f"S-1-5-21-1-2-3-{7001 + number}", is_synced=1)
        estate.cloud_group(id=f"r-{name}", displayname="Role holders", members=["ann"], isassignabletorole=1)
    estate.group("outer", 7003, member=[f"CN=left{AT}", f"CN=right{AT}"])
    estate.cloud_group(id="e-outer", displayname="Outer", sid="S-1-5-21-1-2-3-7003", is_synced=1)
    estate.cloud_group(id="nameless", displayname=None, members=["ann"], isassignabletorole=1)
    estate.ad(guid="off", distinguishedname=f"CN=off{AT}", is_enabled=0, useraccountcontrol=514)
    for name, rid in (("here", 544), ("there", 551)):
        estate.group(name, rid, member=[f"CN=off{AT}"], sAMAccountName="Admins")
    assert [row[4] for row in estate.found("group_membership_differs")] == [f"CN=left{AT}", f"CN=right{AT}"]
    roles = ["Role holders (r-left)", "Role holders (r-right)", "nameless"]
    for code in ("othermails_refused", "entra_role_on_synced_user"):
        assert sorted(row[5] for row in estate.shown(code)) == roles
    assert [row[4] for row in estate.shown("ad_disabled_privileged")] == ["Admins (here)", "Admins (there)"]


def test_group_nested_members_differ(estate):
    people(estate, "ann", "bob", "cat")
    synced(estate, "Inner", 7001, ["ann", "bob"], ["ann", "bob"])
    synced(estate, "Broken", 7002, ["Inner", "cat"], ["cat"])
    synced(estate, "Whole", 7003, ["Inner"], ["e-Inner"])
    synced(estate, "Flat", 7004, ["Inner"], ["ann", "bob"])  # there, if by another way
    synced(estate, "More", 7005, ["ann"], ["e-Inner"])
    assert estate.found("group_nested_members_differ") == [
        ("e-Broken", "Broken", "member", None, "2", "0"),
        ("e-More", "More", "member", None, "0", "1"),
    ]


def test_group_empty(estate):
    estate.entry("Empty", kind="group", sAMAccountName="Leer", groupType=-2147483646)
    for name, more in (("Built", {"groupType": -2147483643}), ("Critical", {"isCriticalSystemObject": "TRUE"})):
        estate.entry(name, kind="group", **more)
    estate.group("Primary", 7009)
    estate.ad(guid="a", primarygroupid=7009)
    with estate.store.write() as connection:
        connection.execute(update(LOADED["ad_group"]).values(member_count=0))
    estate.group("Unknown", 7010)
    estate.cloud_group(id="cloud", displayname="Projekt")
    estate.cloud_group(id="dynamic", is_dynamic=1)
    estate.cloud_group(id="synced", is_synced=1)
    estate.cloud_group(id="unread", member_count=None)
    estate.cloud_group(id="full", members=["x"])
    assert estate.found("group_empty") == [
        ("Empty", "Leer", "member", None, "0", None),
        ("cloud", "Projekt", "members", None, None, "0"),
    ]


def test_group_without_owner(estate):
    estate.ad(guid="gone", distinguishedname=f"CN=Gone{AT}", is_enabled=0, useraccountcontrol=514)
    estate.ad(guid="here", distinguishedname=f"CN=Here{AT}")
    estate.entry("none", kind="group", sAMAccountName="None")
    estate.entry("disabled", kind="group", sAMAccountName="Off", managedBy=f"cn=GONE{AT}")
    estate.entry("fine", kind="group", managedBy=f"CN=here{AT}")
    estate.entry("elsewhere", kind="group", managedBy="CN=Other,DC=other")
    estate.entry("builtin", kind="group", groupType=-2147483643)
    assert estate.found("group_without_owner") == [
        ("disabled", "Off", "managedBy", None, f"cn=GONE{AT}", None),
        ("none", "None", "managedBy", None, None, None),
    ]


def owners_were_read(estate: Estate, *tables: str, run: int = 1) -> None:
    """A published load of the tenant that covered these tables."""
    common = {"started_at": BEFORE, "tool_version": "x", "schema_version": 3, "status": "published"}
    with estate.store.write() as connection:
        connection.execute(insert(load_run).values(run_id=run, source_id=estate.sources["entra"], **common))
        for table in tables:
            connection.execute(insert(load_run_table).values(run_id=run, table_name=table))


def test_group_of_the_cloud_without_owner(estate):
    estate.entra(id="here")
    estate.entra(id="unknown", is_enabled=None)
    for key in ("off", "gone"):
        estate.entra(id=key, is_enabled=0)
    groups = {
        "none": (), "off": ("off", "gone"), "one": ("off", "here"), "unread": ("unknown",), "elsewhere": ("x",),
    }  # fmt: skip
    for key, owners in groups.items():
        estate.cloud_group(id=key, displayname=f"É {key}")
        for owner in owners:
            estate.insert("entra_group_owner", "entra", {"id": key, "owner_id": owner, "owner_type": "user"})
    estate.cloud_group(id="synced", is_synced=1)
    estate.cloud_group(id="list", mailenabled=1, securityenabled=0)
    estate.cloud_group(id="typeless", mailenabled=1, is_unified=None)
    estate.cloud_group(id="team", displayname="Team", mailenabled=1, is_unified=1)
    estate.cloud_group(id="bare", displayname=None, mailenabled=None, is_unified=None)
    assert estate.found("group_without_owner") == []
    owners_were_read(estate, "entra_group", "entra_group_owner")
    assert estate.found("group_without_owner") == [
        ("bare", None, "owners", None, None, "0"),
        ("none", "É none", "owners", None, None, "0"),
        ("off", "É off", "owners", None, None, "2"),
        ("team", "Team", "owners", None, None, "0"),
    ]
    owners_were_read(estate, "entra_group", run=2)  # the last load did not read them: what stands may be old
    assert estate.found("group_without_owner") == []


def test_group_in_itself(estate):
    estate.entry("one", kind="group", member=[f"CN=TWO{AT}"])
    estate.entry("two", kind="group", member=[f"CN=one{AT}"])
    estate.entry("outer", kind="group", member=[f"CN=one{AT}"])
    estate.cloud_group(id="self", displayname="Selbst", members=["self"])
    estate.cloud_group(id="plain", members=["self"])
    assert [row[0] for row in estate.found("group_in_itself")] == ["one", "self", "two"]


def test_privileged_through_nesting(estate):
    for name in ("direct", "nested"):
        estate.ad(guid=name, distinguishedname=f"CN={name}{AT}", cn=name)
    estate.ad(guid="primary", cn="primary", primarygroupid=512)
    estate.ad(guid="off", primarygroupid=512, is_enabled=0, useraccountcontrol=514)
    estate.ad(guid="twice", distinguishedname=f"CN=twice{AT}", cn="twice", primarygroupid=512)
    estate.ad(guid="shown", distinguishedname=f"CN=shown{AT}", cn="shown", primarygroupid=512)
    estate.group("Domain Admins", 512, member=[f"CN=direct{AT}", f"CN=Inner{AT}", f"CN=shown{AT}"])
    estate.group("Inner", 7001, member=[f"CN=nested{AT}", f"CN=direct{AT}", f"CN=twice{AT}"])
    assert estate.found("privileged_through_nesting") == [
        ("nested", "nested", "memberOf", None, "Domain Admins (Domain Admins)", None),
        ("primary", "primary", "primaryGroupID", None, "Domain Admins (Domain Admins)", None),
        ("twice", "twice", "primaryGroupID", None, "Domain Admins (Domain Admins)", None),
    ]


def test_roles_of_synced_users_and_refused_other_mails(estate):
    for name, more in (
        ("synced", {}),
        ("cloud", {"is_synced": 0}),
        ("reader", {}),
        ("full", {"mails": ["a@b.example"]}),
    ):
        estate.entra(id=name, userprincipalname=f"{name}@example.com", **more)
    estate.entra(id="guest", is_guest=1, is_synced=0)
    for role, name in (("r1", "User Administrator"), ("r2", "Directory Readers")):
        estate.insert("entra_role", "entra", {"id": role, "displayname": name})
    for role, member in (("r1", "synced"), ("r1", "cloud"), ("r2", "reader"), ("r1", "full"), ("r1", "guest")):
        estate.insert("entra_role_member", "entra", {"id": role, "member_id": member, "is_eligible": 0})
    assert [row[:3] + row[5:] for row in estate.found("entra_role_on_synced_user")] == [
        ("full", "full@example.com", "directory role", "User Administrator (r1)"),
        ("synced", "synced@example.com", "directory role", "User Administrator (r1)"),
    ]
    assert [row[0] for row in estate.shown("othermails_refused")] == ["cloud", "synced"]


# ---- the recycle bin -------------------------------------------------------------------------------------


def deleted(estate: Estate, key: str, ago: int = 10, **values) -> None:
    """A group in the bin since so many days before 2 March 2026."""
    row = {"id": key, "object_type": "group", "deleted_day": TODAY - ago, "deleteddatetime": BEFORE, "is_unified": 0}
    row |= {"displayname": key, **values}
    row.setdefault("name_key", str(row["displayname"]).casefold() if row["displayname"] else None)
    estate.insert("entra_deleted", "entra", row)


def test_group_deleted(estate):
    deleted(estate, "team", is_unified=1)
    deleted(estate, "last", ago=30)
    deleted(estate, "purged", ago=31)
    deleted(estate, "user", object_type="user")
    assert estate.found("group_deleted") == [
        ("last", "last", "security group", None, None, "0"),
        ("team", "team", "Microsoft 365 group", None, None, "20"),
    ]


def test_group_gone(estate):
    source_id = estate.sources["entra"]
    with estate.store.write() as connection:
        for run in (1, 2):
            common = {"started_at": BEFORE, "tool_version": "x", "schema_version": 3, "status": "published"}
            connection.execute(insert(load_run).values(run_id=run, source_id=source_id, **common))
            connection.execute(insert(load_run_table).values(run_id=run, table_name="entra_deleted"))
        for key, to_run in (("purged", 2), ("restored", 2), ("long gone", 1)):
            row = {"id": key, "object_type": "group", "displayname": key, "deleteddatetime": BEFORE}
            row |= {"row_id": 1, "source_id": source_id, "row_hash": b"0" * 16, "loaded_at": BEFORE, "from_run": 1}
            connection.execute(insert(HISTORY["entra_deleted"]).values(**row, to_run=to_run))
        for key in ("vanished", "binned"):
            row = {"id": key, "displayname": key, "is_unified": 0, "row_id": 1, "source_id": source_id}
            row |= {"row_hash": b"0" * 16, "loaded_at": BEFORE, "from_run": 1, "to_run": 2}
            connection.execute(insert(HISTORY["entra_group"]).values(**row))
    estate.cloud_group(id="restored")
    deleted(estate, "binned")
    assert estate.found("group_gone") == [
        ("purged", "purged", "deletedDateTime", None, None, "2026-03-01"),
        ("vanished", "vanished", "groupTypes", None, None, None),
    ]


def test_group_name_recreated(estate):
    deleted(estate, "old", displayname="Ärzte")
    deleted(estate, "none", displayname=None)
    deleted(estate, "purged", displayname="Ärzte", ago=31)
    estate.cloud_group(id="new", displayname="ÄRZTE", createddatetime=LATE)
    estate.cloud_group(id="unknown", displayname="ärzte", createddatetime=None)
    estate.cloud_group(id="before", displayname="Ärzte", createddatetime="2026-01-01 00:00:00.000000")
    estate.cloud_group(id="nameless", displayname=None, createddatetime=LATE)
    assert estate.found("group_name_recreated") == [
        ("old", "Ärzte", "displayName", None, None, "new"),
        ("old", "Ärzte", "displayName", None, None, "unknown"),
    ]


def test_critical_groups(estate):
    ids = ("synced", "list", "mailsec", "team", "security", "binned", "purged", "typo", "person", "written back")
    with estate.store.write() as connection:
        connection.execute(insert(critical_group), [{"id": each, "owner": "Ada", "note": f"n {each}"} for each in ids])
    estate.cloud_group(id="synced", displayname="S", is_synced=1)
    estate.cloud_group(id="list", displayname="L", mailenabled=1, securityenabled=0)
    estate.cloud_group(id="mailsec", displayname="M", mailenabled=1)
    estate.cloud_group(id="team", mailenabled=1, is_unified=1)
    estate.cloud_group(id="security")
    estate.cloud_group(id="written back", displayname="W", mailenabled=1, is_unified=1, is_synced=1)
    deleted(estate, "person", object_type="user")
    estate.cloud_group(id="unlisted", is_synced=1)
    deleted(estate, "binned", ago=25)
    deleted(estate, "purged", ago=40)
    deleted(estate, "unlisted too")
    assert estate.found("critical_group_not_kept") == [
        ("list", "L", "distribution group", None, None, "Ada"),
        ("mailsec", "M", "mail-enabled security group", None, None, "Ada"),
        ("synced", "S", "synced from AD", None, None, "Ada"),
        ("written back", "W", "synced from AD", None, None, "Ada"),
    ]
    assert estate.shown("critical_group_deleted") == [
        ("binned", "binned", "deletedDateTime", None, None, "5"),
        ("purged", "purged", "deletedDateTime", None, None, None),
    ]
    assert estate.shown("critical_group_unknown") == [
        ("person", "n person", "id", None, None, "Ada"),
        ("typo", "n typo", "id", None, None, "Ada"),
    ]


# ---- password reset --------------------------------------------------------------------------------------


def test_other_mails(estate):
    estate.entra(
        id="a", userprincipalname="a@example.com", upn_suffix="example.com", mails=["Jo@Home.example", "x@Example.com"]
    )
    estate.entra(
        id="b",
        userprincipalname="b@example.com",
        upn_suffix="example.com",
        mails=["jo@home.EXAMPLE", "x@sub.example.com"],
    )
    estate.entra(
        id="g", userprincipalname="g@home.example", upn_suffix="home.example", is_guest=1, mails=["jo@home.example"]
    )
    estate.entra(id="c", userprincipalname="c@example.com", mails=["x@notexample.com"])
    wild = "a_b%c[d]!.example"
    estate.entra(id="w", userprincipalname=f"w@{wild}", upn_suffix=wild, mails=[f"x@{wild}", "x@axb%c[d]!.example",
                 "x@a_bxc[d]!.example", "x@a_b%cd!.example", "x@a_b%c[d].example"])  # fmt: skip
    for key, attribute in (("c", "othermails"), ("g", "othermails"), ("c", "mail")):
        row = {"id": key, "attribute": attribute, "position": 0, "defect": "bad_format", "value": "x"}
        estate.insert("entra_value_defect", "entra", row)
    assert [(row[0], row[5]) for row in estate.found("othermails_company_domain")] == [
        ("a", "x@Example.com"),
        ("b", "x@sub.example.com"),
        ("w", f"x@{wild}"),
    ]
    assert [(row[0], row[5]) for row in estate.shown("othermails_shared")] == [
        ("a", "Jo@Home.example"), ("b", "jo@home.EXAMPLE"),
    ]  # fmt: skip
    assert estate.shown("othermails_invalid") == [("c", "c@example.com", "bad_format", None, None, "x")]


def hire(estate: Estate, name: str, day: str = "2026-03-09", *, until=None, ad=True, mails=None, **entra) -> None:
    estate.worker(name, hire_date=day, display_name=name, termination_date=until)
    if ad:
        estate.ad(guid=name, employeeid=name, userprincipalname=f"{name}@ad.example")
    if mails is not None or entra:
        estate.entra(id=name, employeeid=name, userprincipalname=f"{name}@example.com", mails=mails or (), **entra)


WHOLE = Sspr(email_method=True, methods_required=1, password_writeback=True, group="everybody")


def stages(estate: Estate, policy: Sspr) -> dict[str, str]:
    assert refresh(estate.store, Settings(), sspr=policy).broken == ()
    return {str(row[0]): str(row[2]) for row in estate.shown("sspr_hire_not_ready")}


def verdicts(estate: Estate) -> dict[str, str]:
    answer = query(estate.store, read_catalog().statement("sspr_hires"), {"days": "14"})
    place = answer.columns.index("verdict")
    return {str(row[0]): str(row[place]) for row in answer.rows}


def test_hires_and_their_stage(estate):
    hire(estate, "nothing", ad=False)
    hire(estate, "ad only")
    hire(estate, "empty", mails=())
    hire(estate, "full", mails=["f@home.example"])
    hire(estate, "cloud", ad=False, mails=["c@home.example"], is_synced=0)
    hire(estate, "today", "2026-03-02", mails=())
    hire(estate, "yesterday", "2026-03-01", mails=())
    hire(estate, "later", "2026-03-17", mails=())
    hire(estate, "fixed term", until="2026-12-31", ad=False)
    hire(estate, "never", until="2026-03-09", ad=False)
    first = {"nothing": "no account", "ad only": "no Entra user", "empty": "no otherMails", "today": "no otherMails"}
    first["fixed term"] = "no account"
    assert stages(estate, WHOLE) == first
    assert {name: what for name, what in verdicts(estate).items() if what == "ready"} == {
        "full": "ready",
        "cloud": "ready",
    }
    assert set(verdicts(estate)) == {*first, "full", "cloud"}
    for change, stage, names in (
        ({"email_method": False}, "e-mail method off", {"full", "cloud"}),
        ({"methods_required": 2}, "more methods required", {"full", "cloud"}),
        ({"password_writeback": False}, "no password writeback", {"full"}),
    ):
        found = stages(estate, WHOLE.model_copy(update=change))
        assert found == first | dict.fromkeys(names, stage)
        assert {name for name, what in verdicts(estate).items() if what == f"not ready: {stage}"} == names


def test_the_group_of_the_policy(estate):
    for name in ("inside", "outside"):
        hire(estate, name, mails=["x@home.example"])
    estate.cloud_group(id="inner", members=["inside"])
    estate.cloud_group(id="g", displayname="SSPR Nutzer", members=["inner"])
    policy = WHOLE.model_copy(update={"group": "sspr nutzer"})
    assert stages(estate, policy) == {"outside": "not in the group"}
    assert verdicts(estate) == {"inside": "ready", "outside": "not ready: not in the group"}
    done = refresh(estate.store, Settings(), sspr=WHOLE.model_copy(update={"group": "no such group"}))
    assert done.warnings == ("[sspr] group: no group is called no such group, or several are; readiness stays unknown",)
    assert verdicts(estate) == {"inside": "unknown", "outside": "unknown"}


@pytest.mark.parametrize("missing", ["email_method", "methods_required", "password_writeback", "group"])
def test_what_is_not_declared_is_unknown_and_never_ready(estate, missing):
    hire(estate, "full", mails=["f@home.example"])
    assert stages(estate, WHOLE.model_copy(update={missing: None})) == {}
    assert verdicts(estate) == {"full": "unknown"}
    assert [row[0] for row in estate.shown("sspr_policy_undeclared")] == [missing]


def test_a_row_of_the_policy_that_a_dba_changed_stays_until_it_is_declared(estate):
    hire(estate, "full", mails=["f@home.example"])
    stages(estate, Sspr())
    with estate.store.write() as connection:
        connection.execute(
            update(sspr_policy).values(email_method=1, methods_required=1, password_writeback=1, is_for_everybody=1)
        )
    assert stages(estate, Sspr()) == {}
    assert verdicts(estate) == {"full": "ready"}
    assert stages(estate, Sspr(email_method=False)) == {"full": "e-mail method off"}


def test_two_records_of_one_person_are_one_row(estate):
    for worker in ("W1", "W2"):
        estate.worker(worker, employee_id="E1", personal_mail="jo@home.example")
        estate.worker(f"{worker} too", employee_id="E2", personal_mail="Jo@work.example")
    estate.entra(id="none", employeeid="E1")
    estate.entra(id="other", employeeid="E2", mails=["a@b.example"])
    assert [row[0] for row in estate.found("othermails_missing")] == ["none"]
    assert [row[0] for row in estate.shown("othermails_differ_from_hr")] == ["other"]

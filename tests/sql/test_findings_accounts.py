"""Account state and lifecycle: each finding on every engine, with hit, near miss, NULL, case and accents."""

import pytest

from recon.config import Settings
from tests.support.estate import TODAY, Estate

STALE_DAYS = Settings().stale_days
FLAGS = {
    "ad_password_never_expires": 65536,
    "ad_password_not_required": 32,
    "ad_preauth_not_required": 4194304,
    "ad_des_only": 2097152,
    "ad_reversible_password": 128,
}


def day_text(ago: int) -> str:
    """The day so many days before 2 March 2026, for the few that are asked."""
    return {STALE_DAYS: "2025-12-02", STALE_DAYS + 1: "2025-12-01"}[ago]


def test_the_days_of_this_file_are_the_clocks():
    from recon.decode.times import day

    assert {ago: day(day_text(ago)) for ago in (90, 91)} == {90: TODAY - 90, 91: TODAY - 91}


@pytest.mark.parametrize(("code", "bit"), FLAGS.items())
def test_one_flag_of_enabled_users(estate: Estate, code, bit):
    estate.ad(guid="hit", useraccountcontrol=512 + bit, userprincipalname="Zoë@Example.com")
    estate.ad(guid="among others", useraccountcontrol=512 + bit + 262144 + 64, samaccountname="SVC")
    estate.ad(guid="every flag but it", useraccountcontrol=0x7FFFFFFF - bit - 2)
    estate.ad(guid="disabled", useraccountcontrol=514 + bit, is_enabled=0)
    estate.ad(guid="unknown", useraccountcontrol=None, is_enabled=None)
    estate.ad(guid="critical", useraccountcontrol=512 + bit, iscriticalsystemobject=1, cn="Administrator")
    estate.ad(guid="not critical", useraccountcontrol=512 + bit, iscriticalsystemobject=0, cn="x")
    leaves_critical_out = code in ("ad_password_never_expires", "ad_password_not_required")
    value, attribute = str(512 + bit), "userAccountControl"
    assert estate.found(code) == [
        ("among others", "SVC", attribute, None, str(512 + bit + 262144 + 64), None),
        *([] if leaves_critical_out else [("critical", "Administrator", attribute, None, value, None)]),
        ("hit", "Zoë@Example.com", attribute, None, value, None),
        ("not critical", "x", attribute, None, value, None),
    ]


def test_ad_unconstrained_delegation(estate):
    estate.ad(guid="user", useraccountcontrol=512 + 524288, userprincipalname="svc@example.com")
    estate.ad(guid="disabled", useraccountcontrol=514 + 524288, is_enabled=0)
    estate.ad(guid="constrained", useraccountcontrol=512 + 16777216)
    estate.ad(guid="unknown", useraccountcontrol=None, is_enabled=None)
    estate.computer(guid="server", useraccountcontrol=4096 + 524288, dnshostname="WEB1.example.com")
    estate.computer(guid="nameless", useraccountcontrol=4096 + 524288, samaccountname="OLD$")
    estate.computer(guid="controller", useraccountcontrol=532480)
    estate.computer(guid="read-only controller", useraccountcontrol=83890176 + 524288)
    estate.computer(guid="plain")
    assert estate.found("ad_unconstrained_delegation") == [
        ("nameless", "OLD$", "userAccountControl", None, "528384", None),
        ("server", "WEB1.example.com", "userAccountControl", None, "528384", None),
        ("user", "svc@example.com", "userAccountControl", None, "524800", None),
    ]


def test_ad_computed_bit_stored(estate):
    estate.ad(guid="expired", useraccountcontrol=8389120, cn="a")
    estate.ad(guid="locked, disabled", useraccountcontrol=530, is_enabled=0, cn="b")
    estate.ad(guid="AES", useraccountcontrol=512 + 134217728, cn="c")
    estate.ad(guid="others", useraccountcontrol=0x7FFFFFFF - 16 - 8388608 - 134217728)
    estate.ad(guid="unknown", useraccountcontrol=None, is_enabled=None)
    estate.computer(guid="computer", useraccountcontrol=4112, samaccountname="PC$")
    estate.computer(guid="plain")
    assert [(row[0], row[4]) for row in estate.found("ad_computed_bit_stored")] == [
        ("AES", "134218240"),
        ("computer", "4112"),
        ("expired", "8389120"),
        ("locked, disabled", "530"),
    ]


def test_ad_stale_account(estate):
    last = f"{day_text(STALE_DAYS + 1)} 23:59:59.999999"
    estate.ad(guid="hit", last_logon_at=last, userprincipalname="Hit@example.com")
    estate.ad(guid="on the day", last_logon_at=f"{day_text(STALE_DAYS)} 00:00:00.000000")
    estate.ad(guid="never", last_logon_at=None)
    estate.ad(guid="disabled", last_logon_at=last, is_enabled=0, useraccountcontrol=514)
    estate.ad(guid="unknown", last_logon_at=last, is_enabled=None, useraccountcontrol=None)
    estate.ad(guid="critical", last_logon_at=last, iscriticalsystemobject=1)
    assert estate.found("ad_stale_account") == [
        ("hit", "Hit@example.com", "lastLogonTimestamp", None, "2025-12-01", None)
    ]


def test_ad_never_logged_on(estate):
    last = f"{day_text(STALE_DAYS + 1)} 23:59:59.999999"
    estate.ad(guid="hit", whencreated=last, samaccountname="Hit")
    estate.ad(guid="on the day", whencreated=f"{day_text(STALE_DAYS)} 00:00:00.000000")
    estate.ad(guid="logged on", whencreated=last, last_logon_at=last)
    estate.ad(guid="created unknown", whencreated=None)
    estate.ad(guid="disabled", whencreated=last, is_enabled=0, useraccountcontrol=514)
    estate.ad(guid="critical", whencreated=last, iscriticalsystemobject=1)
    assert estate.found("ad_never_logged_on") == [("hit", "Hit", "lastLogonTimestamp", None, "2025-12-01", None)]


def test_ad_disabled_privileged(estate):
    off = {"is_enabled": 0, "useraccountcontrol": 514}
    estate.ad(guid="hit", cn="Ärzte", distinguishedname="CN=Ärzte,DC=example,DC=com", **off)
    estate.ad(guid="primary", cn="P", primarygroupid=512, **off)
    estate.ad(guid="users", cn="U", primarygroupid=513, admincount=1, **off)
    estate.ad(guid="enabled", distinguishedname="CN=On,DC=example,DC=com")
    estate.ad(guid="unknown", distinguishedname="CN=Un,DC=example,DC=com", is_enabled=None, useraccountcontrol=None)
    estate.ad(guid="critical", distinguishedname="CN=Guest,DC=example,DC=com", iscriticalsystemobject=1, **off)
    members = [f"cn={name},dc=example,DC=com" for name in ("ÄRZTE", "On", "Un", "Guest")]
    estate.group("Domain Admins", 512)
    estate.group("Tier 0", 5512, member=members)
    estate.group("Administrators", 544, member=["CN=tier 0,DC=example,DC=com"])
    estate.group("Users", 513, member=members, adminCount=1)
    assert estate.found("ad_disabled_privileged") == [
        ("hit", "Ärzte", "memberOf", None, "Administrators (Administrators)", None),
        ("primary", "P", "memberOf", None, "Domain Admins (Domain Admins)", None),
    ]


@pytest.mark.parametrize("rid", [551, 552])
def test_ad_admincount_left(estate, rid):
    estate.ad(guid="left", admincount=1, cn="Ada")
    estate.ad(guid="disabled", admincount=1, cn="Off", is_enabled=0, useraccountcontrol=514)
    estate.ad(guid="zero", admincount=0)
    estate.ad(guid="none")
    estate.ad(guid="krbtgt", admincount=1, iscriticalsystemobject=1)
    estate.ad(guid="admin", admincount=1, distinguishedname="CN=Admin,DC=example,DC=com")
    estate.group("Protected", rid, member=["CN=Admin,DC=example,DC=com"])
    assert estate.found("ad_admincount_left") == [
        ("disabled", "Off", "adminCount", None, "1", None),
        ("left", "Ada", "adminCount", None, "1", None),
    ]


def test_leaver_in_privileged_group(estate):
    gone = {"termination_date": "2026-02-20", "is_active": 0}
    for name, known in (("Left", gone), ("Off", gone), ("Nobody", gone), ("Here", {}), ("Back", gone)):
        estate.worker(name.upper(), **{**known, **({"hire_date": "2026-02-25"} if name == "Back" else {})})
    estate.ad(guid="left", employeeid="left", distinguishedname="CN=Lëft\\, A,DC=example,DC=com", cn="Lëft, A")
    estate.ad(guid="off", employeeid="Off", distinguishedname="CN=Off,DC=example,DC=com", cn="Off", is_enabled=0)
    estate.ad(guid="here", employeeid="Here", distinguishedname="CN=Here,DC=example,DC=com")
    estate.ad(guid="back", employeeid="Back", distinguishedname="CN=Back,DC=example,DC=com")
    estate.ad(guid="plain", employeeid="Nobody", distinguishedname="CN=Nobody,DC=example,DC=com")
    estate.ad(guid="no id", distinguishedname="CN=Other,DC=example,DC=com")
    names = ["cn=LËFT\\2c A, dc=EXAMPLE,DC=com", "CN=Off,DC=example,DC=com", "CN=Here,DC=example,DC=com"]
    names += ["CN=Back,DC=example,DC=com", "CN=Other,DC=example,DC=com", "CN=Gone,DC=example,DC=com"]
    estate.group("Admins", 512, member=names)
    estate.group("Inner", 7000, member=names[1:2])
    estate.group("Schema", 518, member=["CN=Inner,DC=example,DC=com"])
    estate.group("Readers", 7001, adminCount=1, member=[*names, "CN=Nobody,DC=example,DC=com"])
    assert estate.found("leaver_in_privileged_group") == [
        ("left", "Lëft, A", "memberOf", "2026-02-20", "Admins (Admins)", None),
        ("off", "Off", "memberOf", "2026-02-20", "Admins (Admins)", None),
        ("off", "Off", "memberOf", "2026-02-20", "Schema (Schema)", None),
    ]
    estate.link(("ad", "entra", None))
    assert estate.found("leaver_in_privileged_group") == []


def test_managers(estate):
    boss, gone = "CN=Böss\\, A,OU=People,DC=example,DC=com", "CN=Gone,DC=example,DC=com"
    estate.ad(guid="boss", distinguishedname=boss)
    estate.ad(guid="former", distinguishedname="CN=Former,DC=example,DC=com", is_enabled=0, manager=gone)
    estate.entry("Partner", kind="contact")
    estate.source("ad2", "ad")
    estate.ad(source="ad2", guid="other domain", distinguishedname="CN=Far,DC=example,DC=net")
    for name, manager in (
        ("under", boss.upper()),
        ("spelled otherwise", "cn=böss\\2C a, ou=people,dc=example,dc=com"),
        ("none", None),
        ("partner", "CN=Partner,DC=example,DC=com"),
        ("far", "CN=Far,DC=example,DC=net"),
        ("missing", gone),
        ("no name", "Böss"),
        ("disabled", "cn=FORMER,DC=example,DC=com"),
    ):
        estate.ad(guid=name, manager=manager, userprincipalname=f"{name}@example.com")
    estate.ad(guid="unknown", manager=gone, is_enabled=None)
    assert estate.found("manager_missing") == [
        ("missing", "missing@example.com", "manager", None, gone, None),
        ("no name", "no name@example.com", "manager", None, "Böss", None),
    ]
    assert estate.shown("manager_disabled") == [
        ("disabled", "disabled@example.com", "manager", None, "cn=FORMER,DC=example,DC=com", None)
    ]

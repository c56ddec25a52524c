"""Delegation, privilege and staleness on both sides: on every engine, with hit, near miss, NULL, case and accents."""

from recon.config import Settings
from recon.decode.sid import sid_bytes
from recon.decode.times import day
from tests.support.estate import TODAY, Estate

STALE, FRESH = "2025-12-01 23:59:59.999999", "2025-12-02 00:00:00.000000"  # the day before, and the day, that counts


def test_the_days_of_this_file_are_the_clocks():
    assert (day(STALE), day(FRESH)) == (TODAY - Settings().stale_days - 1, TODAY - Settings().stale_days)


def test_ad_protocol_transition(estate: Estate):
    estate.ad(guid="user", useraccountcontrol=512 + 16777216, userprincipalname="Zoë@x")
    estate.ad(guid="unconstrained", useraccountcontrol=512 + 524288)
    estate.ad(guid="disabled", useraccountcontrol=514 + 16777216, is_enabled=0)
    estate.ad(guid="unknown", useraccountcontrol=None, is_enabled=None)
    estate.computer(guid="server", useraccountcontrol=4096 + 16777216, samaccountname="WEB$")
    estate.computer(guid="plain")
    assert estate.found("ad_protocol_transition") == [
        ("server", "WEB$", "userAccountControl", None, "16781312", None),
        ("user", "Zoë@x", "userAccountControl", None, "16777728", None),
    ]


def test_ad_privileged_with_spn(estate):
    names = ["MSSQLSvc/a:1433", "HTTP/É"]
    estate.entry("admin", adminCount=1, servicePrincipalName=names, sAMAccountName="adm")
    estate.entry("former", adminCount=0, servicePrincipalName=names)
    estate.entry("plain", servicePrincipalName=names)
    estate.entry("off", adminCount=1, userAccountControl=514, servicePrincipalName=names)
    estate.entry("krbtgt", adminCount=1, servicePrincipalName=names, isCriticalSystemObject="TRUE")
    estate.entry("no name", adminCount=1)
    assert estate.found("ad_privileged_with_spn") == [
        ("admin", "adm", "servicePrincipalName", None, "HTTP/É", None),
        ("admin", "adm", "servicePrincipalName", None, "MSSQLSvc/a:1433", None),
    ]


def test_ad_privileged_delegable(estate):
    estate.ad(guid="admin", admincount=1, useraccountcontrol=66048, cn="Ädmin")
    estate.ad(guid="sensitive", admincount=1, useraccountcontrol=512 + 1048576)
    estate.ad(guid="former", admincount=0)
    estate.ad(guid="plain")
    estate.ad(guid="off", admincount=1, useraccountcontrol=514, is_enabled=0)
    estate.ad(guid="unknown", admincount=1, useraccountcontrol=None, is_enabled=None)
    estate.ad(guid="critical", admincount=1, iscriticalsystemobject=1)
    assert estate.found("ad_privileged_delegable") == [("admin", "Ädmin", "userAccountControl", None, "66048", None)]


def test_ad_stale_computer(estate):
    for name, at in (("stale", STALE), ("on the day", FRESH), ("never", None)):
        estate.computer(guid=name, dnshostname=f"{name}.x", last_logon_at=at, last_logon_day=at and day(at))
    old = {"last_logon_at": STALE, "last_logon_day": day(STALE)}
    estate.computer(guid="off", is_enabled=0, useraccountcontrol=4098, **old)
    estate.computer(guid="controller", iscriticalsystemobject=1, **old)
    assert estate.found("ad_stale_computer") == [("stale", "stale.x", "lastLogonTimestamp", None, "2025-12-01", None)]


def test_ad_sid_history(estate):
    sid = "S-1-5-21-1-2-3-" + "-".join(["4294967295"] * 11)  # 15 sub-authorities
    estate.entry("moved", sIDHistory=[sid_bytes(sid), sid_bytes("S-1-5-21-1-2-3-1")], sAMAccountName="moved")
    estate.entry("off", sIDHistory=[sid_bytes(sid)], userAccountControl=514)
    estate.entry("none")
    assert estate.found("ad_sid_history") == [
        ("moved", "moved", "sIDHistory", None, "S-1-5-21-1-2-3-1", None),
        ("moved", "moved", "sIDHistory", None, sid, None),
    ]


def test_ad_sid_history_privileged(estate):
    domain = "S-1-5-21-1-2-3"
    estate.entry("admin", sIDHistory=[sid_bytes(f"{domain}-{rid}") for rid in (512, 1512, 513, 1000)])
    estate.entry("off", sIDHistory=[sid_bytes("S-1-5-32-544")], userAccountControl=514)
    estate.entry("none", sIDHistory=[sid_bytes("S-1-5-21-1-2-3-4-512"), sid_bytes("S-1-5-21-1-2-512")])
    estate.entry("users", sIDHistory=[sid_bytes("S-1-5-32-545"), sid_bytes("S-1-5-32-544-500")])
    assert [row[0::4] for row in estate.found("ad_sid_history_privileged")] == [
        ("admin", f"{domain}-512"), ("off", "S-1-5-32-544"),
    ]  # fmt: skip


def signin(estate: Estate, name: str, person: str | None, program: str | None) -> None:
    """The last sign-ins of one Entra user."""
    estate._insert(
        "entra_signin", "entra",
        {
            "id": name, "lastsignindatetime": person, "last_signin_day": person and day(person),
            "lastnoninteractivesignindatetime": program, "last_noninteractive_signin_day": program and day(program),
        },
    )  # fmt: skip


def test_stale_on_both_sides_and_in_entra(estate):
    for name, logon, person, program, further in (
        ("both", STALE, STALE, None, {}),
        ("never", None, None, None, {}),
        ("ad in use", FRESH, STALE, STALE, {}),
        ("entra in use", STALE, FRESH, None, {}),
        ("program", STALE, STALE, FRESH, {}),
        ("blocked", STALE, STALE, None, {"is_enabled": 0}),
        ("young", None, None, None, {"createddatetime": FRESH}),
    ):
        ad_state = {"whencreated": further.get("createddatetime", "2020-01-01 00:00:00.000000")}
        estate.ad(guid=name, immutable_id=f"{name}==", last_logon_at=logon, **ad_state)
        entra = {"createddatetime": "2020-01-01 00:00:00.000000", **further}
        estate.entra(id=name, onpremisesimmutableid=f"{name}==", userprincipalname=f"{name}@x", **entra)
        signin(estate, name, person, program)
    estate.ad(guid="not asked", immutable_id="NN==", last_logon_at=STALE)
    estate.entra(id="not asked", onpremisesimmutableid="NN==", createddatetime=STALE)
    estate.entra(id="cloud", is_synced=0, is_guest=1, createddatetime=STALE, displayname="Zoë")
    signin(estate, "cloud", STALE, STALE)
    assert estate.found("stale_on_both_sides") == [
        ("both", "both@x", "signInActivity", None, "2025-12-01", "2025-12-01"),
        ("never", "never@x", "signInActivity", None, None, None),
    ]
    assert [(row[0], row[5]) for row in estate.shown("entra_stale_account")] == [
        ("ad in use", "2025-12-01"), ("both", "2025-12-01"), ("cloud", "2025-12-01"), ("never", None),
    ]  # fmt: skip


def test_guests_and_the_formerly_synced(estate):
    guest = {"is_guest": 1, "is_synced": None, "userprincipalname": "jane#EXT#@x"}
    estate.entra(id="pending", externaluserstate="PendingAcceptance", createddatetime=STALE, **guest)
    estate.entra(id="new", externaluserstate="PendingAcceptance", createddatetime=FRESH, **guest)
    estate.entra(id="accepted", externaluserstate="Accepted", createddatetime=STALE, **guest)
    estate.entra(id="member", createddatetime=STALE)
    assert estate.found("entra_guest_pending") == [
        ("pending", "jane#EXT#@x", "externalUserState", None, None, "2025-12-01")
    ]
    for name, state in (("former", 0), ("synced", 1), ("never", None)):
        estate.entra(id=name, onpremisessyncenabled=state, userprincipalname=name, onpremisesdistinguishedname="CN=É")
    assert estate.found("entra_formerly_synced") == [("former", "former", "onPremisesSyncEnabled", None, None, "CN=É")]

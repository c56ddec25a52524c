"""Synchronization: each finding on every engine, with hit, near miss, NULL, case and accents."""

from sqlalchemy import insert, select

from recon.config import Settings, Sync
from recon.findings import refresh, rows
from recon.store.lifecycle import lifecycle_date
from recon.store.tables import HISTORY
from tests.support.estate import LATE, Estate

HIRE, LEAVE = "msDS-cloudExtensionAttribute1", "extensionAttribute2"
SYNC = Sync(hire_attribute=HIRE, leave_attribute=LEAVE)


def found(estate: Estate, code: str, sync: Sync = SYNC) -> list[tuple[object, ...]]:
    """The rows of one finding after a refresh with the attributes above."""
    assert refresh(estate.store, Settings(), sync=sync).broken == ()
    return estate.shown(code)


def pair(estate: Estate, name: str, ad: dict[str, object], entra: dict[str, object]) -> None:
    """One AD user and its Entra user."""
    estate.ad(guid=name, immutable_id=f"{name}==", **ad)
    estate.entra(id=name, onpremisesimmutableid=f"{name}==", userprincipalname=f"{name}@x", **entra)


def test_provisioning_error(estate):
    for name in ("one", "two", "none"):
        estate.entra(id=name, userprincipalname=f"{name}@example.com")
    for name, position, cause, value in (
        ("one", 0, "ProxyAddresses", "SMTP:Zoë@example.com"), ("one", 1, "UserPrincipalName", None),
        ("two", 0, None, "x"),
    ):  # fmt: skip
        error = {"id": name, "position": position, "category": "PropertyConflict", "value": value}
        estate._insert("entra_user_provisioningerror", "entra", {**error, "propertycausingerror": cause})
    assert estate.found("provisioning_error") == [
        ("one", "one@example.com", "ProxyAddresses", None, None, "SMTP:Zoë@example.com"),
        ("one", "one@example.com", "UserPrincipalName", None, None, "PropertyConflict"),
        ("two", "two@example.com", "onPremisesProvisioningErrors", None, None, "x"),
    ]


def test_anchor_changed(estate):
    def before(table: str, key: str, name: str, column: str, *anchors: str | None) -> None:
        with estate.store.write() as connection:
            for run, anchor in enumerate(anchors, 1):
                connection.execute(insert(HISTORY[table]).values({
                    "row_id": run, "source_id": estate.sources["ad" if table == "ad_user" else "entra"], key: name,
                    column: anchor, "row_hash": b"\0" * 16, "loaded_at": LATE, "from_run": run, "to_run": run + 1,
                }))  # fmt: skip

    for name, now, *then in (
        ("changed", "AA==", "aa==", "aa==", "AA=="), ("cleared", None, "BB=="), ("filled", "CC==", None),
        ("same", "DD==", "DD=="), ("twice", "EE==", "ee==", "Ee=="),
    ):  # fmt: skip
        estate.entra(id=name, userprincipalname=name, onpremisesimmutableid=now)
        before("entra_user", "id", name, "onpremisesimmutableid", *then)
    estate.ad(guid="ad changed", immutable_id="FF==", samaccountname="ad")
    before("ad_user", "guid", "ad changed", "immutable_id", "ff==")
    estate.ad(guid="ad same", immutable_id="GG==")
    before("ad_user", "guid", "ad same", "immutable_id", "GG==")
    assert estate.found("anchor_changed") == [
        ("ad changed", "ad", "mS-DS-ConsistencyGuid", None, "ff==", None),
        ("changed", "changed", "onPremisesImmutableId", None, None, "aa=="),
        ("cleared", "cleared", "onPremisesImmutableId", None, None, "BB=="),
        ("twice", "twice", "onPremisesImmutableId", None, None, "Ee=="),
        ("twice", "twice", "onPremisesImmutableId", None, None, "ee=="),
    ]


def test_hard_match_candidates(estate):
    for name, entra in (
        ("AA==", {"is_synced": 0}), ("BB==", {"is_synced": None, "is_guest": 1}), ("CC==", {"is_synced": 1}),
    ):  # fmt: skip
        estate.ad(guid=name, immutable_id=name, distinguishedname=f"CN={name[0]}")
        estate.entra(id=name, onpremisesimmutableid=name, userprincipalname=name, **entra)
    estate.ad(immutable_id="DD==")
    estate.entra(id="other case", onpremisesimmutableid="dd==", is_synced=0)
    assert estate.found("hard_match_candidate") == [
        ("AA==", "AA==", "onPremisesImmutableId", None, "CN=A", "AA=="),
        ("BB==", "BB==", "onPremisesImmutableId", None, "CN=B", "BB=="),
    ]


def test_soft_match_candidates(estate):
    cloud = {"is_synced": 0}
    estate.ad(guid="upn", userprincipalname="Zoë@x.example", distinguishedname="CN=upn")
    estate.entra(id="upn", userprincipalname="zoë@X.example", **cloud)
    estate.ad(guid="smtp", smtp_primary_key="a@x.example", mail="b@x.example", distinguishedname="CN=smtp")
    estate.entra(id="smtp", smtp_primary_key="a@x.example", userprincipalname="s", **cloud)
    estate.ad(guid="mail", mail="c@x.example", distinguishedname="CN=mail")
    estate.entra(id="mail", mail="C@x.example", userprincipalname="m", is_synced=None)
    estate.ad(guid="primary", smtp_primary_key="g@x.example", mail="h@x.example", distinguishedname="CN=primary")
    estate.entra(id="mail of primary", mail="G@x.example", userprincipalname="g", **cloud)
    estate.entra(id="mail of mail", mail="h@x.example", userprincipalname="h", **cloud)  # not its primary address
    estate.ad(guid="mail alone", mail="k@x.example", distinguishedname="CN=mail alone")
    estate.entra(
        id="primary of mail", smtp_primary_key="k@x.example", mail="l@x.example", userprincipalname="k", **cloud
    )
    estate.ad(guid="taken", userprincipalname="t@x.example", immutable_id="TT==")
    estate.entra(id="its own", onpremisesimmutableid="TT==")
    estate.entra(id="twin of taken", userprincipalname="t@x.example", **cloud)
    estate.ad(guid="several", userprincipalname="v@x.example")
    for name, further in (
        ("anchored", {"onpremisesimmutableid": "VV=="}),
        ("guest", {"is_guest": 1}),
        ("synced", {"is_synced": 1}),
    ):
        estate.entra(id=name, userprincipalname="v@x.example", **{**cloud, **further})
    estate.ad(guid="secondary", smtp_primary_key="d@x.example", mail="e@x.example")
    estate.entra(id="secondary", smtp_primary_key="f@x.example", mail="e@x.example", **cloud)
    estate.ad(guid="accent", userprincipalname="jose@x.example")
    estate.entra(id="accent", userprincipalname="josé@x.example", **cloud)
    estate.ad(guid="nothing")
    estate.entra(id="nothing", **cloud)
    assert estate.found("soft_match_candidate") == [
        ("mail", "m", "userPrincipalName", None, "CN=mail", "m"),
        ("mail of primary", "g", "userPrincipalName", None, "CN=primary", "g"),
        ("primary of mail", "k", "userPrincipalName", None, "CN=mail alone", "k"),
        ("smtp", "s", "userPrincipalName", None, "CN=smtp", "s"),
        ("upn", "zoë@X.example", "userPrincipalName", None, "CN=upn", "zoë@X.example"),
    ]


def test_cloud_only_twins(estate):
    estate.ad(
        guid="one", employeeid="É1", userprincipalname="one@x.example", immutable_id="AA==", distinguishedname="CN=1"
    )
    estate.entra(id="its own", onpremisesimmutableid="AA==", employeeid="É1")
    cloud = {"is_synced": 0, "employeeid": "é1 "}
    estate.entra(id="twin", userprincipalname="twin", **cloud)
    estate.entra(id="same UPN", userprincipalname="ONE@x.example", **cloud)
    estate.entra(id="guest", **cloud, is_guest=1)
    estate.entra(id="other id", is_synced=0, employeeid="E1")
    estate.entra(id="no id", is_synced=0)
    assert estate.found("cloud_only_twin") == [("twin", "twin", "employeeId", None, "CN=1", "é1 ")]


def test_synced_not_following(estate):
    def moved(name, dn, entra_dn, **further):
        ad = {key: value for key, value in further.items() if key == "whenchanged"}
        pair(
            estate, name, {"distinguishedname": dn, **ad},
            {"onpremisesdistinguishedname": entra_dn, "onpremises_dn_key": entra_dn and entra_dn.lower(),
             "is_synced": further.get("is_synced", 1)},
        )  # fmt: skip

    moved("moved", "CN=É,OU=New,DC=x", "CN=É,OU=Old,DC=x")
    moved("case", "CN=Ü,OU=People,DC=x", "cn=ü,ou=PEOPLE,dc=x")
    moved("unknown", "CN=a,DC=x", None)
    moved("cloud", "CN=b,DC=x", "CN=c,DC=x", is_synced=0)
    moved("in skew", "CN=d,DC=x", "CN=e,DC=x", whenchanged=LATE)
    assert estate.found("synced_not_following") == [
        ("moved", "moved@x", "onPremisesDistinguishedName", None, "CN=É,OU=New,DC=x", "CN=É,OU=Old,DC=x")
    ]


def test_dates_that_cannot_synchronize(estate):
    hires = {
        "right": "20230212100000.0Z", "date": "20230212", "iso": "2023-02-12T10:00:00Z", "blank": " 20230212100000.0Z",
        "never": "20230230100000.0Z", "mail": "jane@home.example", "text": "Größe M", "local": "12/02/2023",
    }  # fmt: skip
    for name, value in hires.items():
        estate.ad(guid=name, msdscloudextensionattribute1=value, samaccountname=name)
    estate.ad(guid="none", msdscloudextensionattribute1=None)
    estate.ad(guid="left", extensionattribute2="20230212", samaccountname="left")
    assert [(row[0], row[2], row[4]) for row in found(estate, "lifecycle_date_invalid")] == [
        ("blank", HIRE, " 20230212100000.0Z (has blanks around it; write 20230212100000.0Z)"),
        ("date", HIRE, "20230212 (is a date without a time; write 20230212010000.0Z)"),
        ("iso", HIRE, "2023-02-12T10:00:00Z (is an ISO date, the form is yyyyMMddHHmmss.fZ; write 20230212100000.0Z)"),
        ("left", LEAVE, "20230212 (is a date without a time; write 20230212230000.0Z)"),
        ("local", HIRE, "12/02/2023 (does not have the form yyyyMMddHHmmss.fZ)"),
        ("mail", HIRE, "j***@h***.example (the value is a mail address, no date)"),
        ("never", HIRE, "20230230100000.0Z (names a day that does not exist)"),
        ("text", HIRE, "Größe M (the value is no date)"),
    ]
    assert estate.shown("lifecycle_attribute_mixed") == [
        ("mail", "mail", HIRE, None, "jane@home.example", None),
        ("text", "text", HIRE, None, "Größe M", None),
    ]
    (masked, _) = rows(estate.store, "lifecycle_attribute_mixed")
    assert masked.ad_value == "j***@h***.example"
    assert found(estate, "lifecycle_date_invalid", Sync()) == []


def test_an_attribute_of_one_purpose_is_not_mixed(estate):
    estate.ad(guid="mail", msdscloudextensionattribute1="jane@home.example")
    estate.ad(guid="bad date", msdscloudextensionattribute1="20230212")
    assert found(estate, "lifecycle_attribute_mixed") == []


def test_a_date_in_an_attribute_of_the_sites_own(estate):
    estate.entry("own", extra=["contosoHired"], contosoHired="20230212", sAMAccountName="own")
    own = Sync(hire_attribute="contosoHired")
    assert [(row[0], row[2]) for row in found(estate, "lifecycle_date_invalid", own)] == [("own", "contosoHired")]
    with estate.store.read() as connection:
        (row,) = connection.execute(select(lifecycle_date)).mappings()
    assert (row["content"], row["proposed"], row["at"]) == ("date", "20230212010000.0Z", None)


def test_hire_dates_that_differ(estate):
    def person(name, hr=None, ad=None, entra=None, **further):
        if hr:
            estate.worker(name, hire_date=hr)
        pair(
            estate, name, {"employeeid": name, "msdscloudextensionattribute1": ad, **further},
            {"employeeid": name, "employeehiredate": entra},
        )  # fmt: skip

    at = "2023-02-12 01:00:00.000000"
    person("agree", "2023-02-12", "20230212010000.0Z", at)
    person("a day before", "2023-02-13", "20230212010000.0Z", at)
    person("two days before", "2023-02-14", "20230212010000.0Z", at)
    person("entra late", "2023-02-12", "20230212010000.0Z", "2023-02-12 02:00:00.000000")
    person("not in entra", None, "20230212010000.0Z", None)
    person("cloud alone", "2023-02-10", None, at)
    person("cloud alone agrees", "2023-02-11", None, at)
    person("invalid", "2020-01-01", "20230212", at)
    person("in skew", "2020-01-01", "20230212010000.0Z", at, whenchanged=LATE)
    person("nothing")
    assert found(estate, "hire_date_differs") == [
        ("cloud alone", "cloud alone@x", "employeeHireDate", "2023-02-10", None, "2023-02-12T01:00:00Z"),
        ("entra late", "entra late@x", "employeeHireDate", "2023-02-12", "20230212010000.0Z", "2023-02-12T02:00:00Z"),
        ("not in entra", "not in entra@x", "employeeHireDate", None, "20230212010000.0Z", None),
        ("two days before", "two days before@x", "employeeHireDate", "2023-02-14", "20230212010000.0Z",
         "2023-02-12T01:00:00Z"),
    ]  # fmt: skip


def test_leave_dates_that_differ(estate):
    def person(name, hr, ad, hired=None):
        estate.worker(name, termination_date=hr, hire_date=hired)
        pair(estate, name, {"employeeid": name, "extensionattribute2": ad}, {"employeeid": name})

    person("agree", "2026-04-30", "20260430230000.0Z")
    person("missing", "2026-04-30", None)
    person("other", "2026-04-30", "20260331230000.0Z")
    person("stays", None, None)
    person("came back", "2024-04-30", None, "2026-01-01")
    person("came back and leaves again", "2024-04-30", "20260430230000.0Z", "2026-01-01")
    person("leaves on the first day", "2026-04-30", None, "2026-04-30")
    expected = [
        ("leaves on the first day", "leaves on the first day@x", "employeeLeaveDateTime", "2026-04-30", None, None),
        ("missing", "missing@x", "employeeLeaveDateTime", "2026-04-30", None, None),
        ("other", "other@x", "employeeLeaveDateTime", "2026-04-30", "20260331230000.0Z", None),
    ]
    assert found(estate, "leave_date_differs") == expected
    # nobody's date is in Entra: the right to read it may be missing, so that proves nothing
    assert estate.shown("hire_date_differs") == []
    assert found(estate, "leave_date_differs", Sync()) == []

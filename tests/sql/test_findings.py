"""Each finding on every engine: hit, near miss, NULL, '', case and accents; exact rows expected."""

import pytest

from tests.support.estate import AFTER_AD, BEFORE, LATE, Estate, guid, in_order

NEVER_LOADED = {"is_loaded": False}


def paired(estate: Estate, anchor: str, ad: dict[str, object] | None = None, **entra: object) -> None:
    """An AD user and the Entra user of its anchor, whose id says which one it is."""
    estate.ad(immutable_id=anchor, **(ad or {}))
    estate.entra(**{"onpremisesimmutableid": anchor, "id": anchor, **entra})


def test_ad_disabled_entra_enabled(estate):
    off = {"useraccountcontrol": 514, "is_enabled": 0}
    paired(estate, "hit", off, userprincipalname="Hit@example.com")
    paired(estate, "no name", {"useraccountcontrol": 546, "is_enabled": 0}, displayname="Ada")
    paired(estate, "both off", off, is_enabled=0)
    paired(estate, "both on")
    paired(estate, "AD unknown", {"useraccountcontrol": None, "is_enabled": None})
    paired(estate, "Entra unknown", off, is_enabled=None)
    paired(estate, "changed late", off | {"whenchanged": LATE})
    paired(estate, "synced late", off, onpremiseslastsyncdatetime=AFTER_AD)
    estate.ad(**off)
    assert estate.found("ad_disabled_entra_enabled") == [
        ("hit", "Hit@example.com", "accountEnabled", None, "514", "true"),
        ("no name", "Ada", "accountEnabled", None, "546", "true"),
    ]


def test_ad_enabled_entra_disabled(estate):
    paired(estate, "hit", userprincipalname="hit@example.com", is_enabled=0)
    paired(estate, "both off", {"is_enabled": 0, "useraccountcontrol": 514}, is_enabled=0)
    paired(estate, "unknown", {"is_enabled": None}, is_enabled=0)
    paired(estate, "unknown too", is_enabled=None)
    paired(estate, "skew", {"whenchanged": LATE}, is_enabled=0)
    assert estate.found("ad_enabled_entra_disabled") == [
        ("hit", "hit@example.com", "accountEnabled", None, "512", "false")
    ]


def test_ad_expired_entra_enabled(estate):
    def expiring(anchor: str, at: str | None, **entra: object) -> None:
        paired(estate, anchor, {"account_expires_at": at}, **entra)

    expiring("hit", "2026-02-28 23:00:00.000000", userprincipalname="hit@example.com")
    expiring("this morning", "2026-03-02 05:20:00.000000")
    expiring("today, later", "2026-03-02 05:20:00.000001")
    expiring("never", None)
    expiring("off in Entra", "2026-02-28 23:00:00.000000", is_enabled=0)
    expiring("skew", "2026-02-28 23:00:00.000000", onpremiseslastsyncdatetime=AFTER_AD)
    paired(estate, "off in AD", {"account_expires_at": BEFORE, "is_enabled": 0})
    paired(estate, "AD unknown", {"account_expires_at": BEFORE, "is_enabled": None})
    assert estate.found("ad_expired_entra_enabled") == [
        ("AD unknown", None, "accountExpires", None, "2026-03-01", "true"),
        ("hit", "hit@example.com", "accountExpires", None, "2026-02-28", "true"),
        ("this morning", None, "accountExpires", None, "2026-03-02", "true"),
    ]


def test_ad_enabled_not_in_entra(estate):
    paired(estate, "in Entra")
    estate.ad(guid="hit", userprincipalname="Hit@example.com", distinguishedname="CN=Hit,DC=example,DC=com")
    estate.ad(
        guid="no upn", samaccountname="svc", distinguishedname="CN=Svc,DC=example,DC=com", iscriticalsystemobject=0
    )
    estate.ad(guid="times unknown", cn="x", whenchanged=None, whencreated=None, distinguishedname="CN=x")
    estate.ad(guid="disabled", is_enabled=0)
    estate.ad(guid="unknown", is_enabled=None)
    estate.ad(guid="krbtgt", iscriticalsystemobject=1)
    estate.ad(guid="changed late", whenchanged=LATE)
    estate.ad(guid="created late", whenchanged=None, whencreated=LATE)
    for name in ("tie 1", "tie 2"):
        estate.ad(guid=name, mail="tie@example.com")
    estate.entra(mail="tie@example.com")
    assert estate.found("ad_enabled_not_in_entra") == [
        ("hit", "Hit@example.com", "distinguishedName", None, "CN=Hit,DC=example,DC=com", None),
        ("no upn", "svc", "distinguishedName", None, "CN=Svc,DC=example,DC=com", None),
        ("times unknown", "x", "distinguishedName", None, "CN=x", None),
    ]
    assert [row[0] for row in estate.found("ad_disabled_not_in_entra")] == ["disabled"]


def test_not_in_entra_waits_for_every_linked_tenant(estate):
    estate.ad(guid="hit", cn="x")
    estate.source("entra2", "entra")
    estate.link(("ad", "entra", "workers"), ("ad", "entra2", "workers"))
    assert [row[0] for row in estate.found("ad_enabled_not_in_entra")] == ["hit"]
    estate.source("entra3", "entra", **NEVER_LOADED)
    estate.link(("ad", "entra", "workers"), ("ad", "entra3", "workers"))
    assert estate.found("ad_enabled_not_in_entra") == []
    estate.link(("ad", None, "workers"))
    assert estate.found("ad_enabled_not_in_entra") == []


def test_a_user_of_one_of_two_tenants_is_in_entra(estate):
    estate.source("entra2", "entra")
    estate.link(("ad", "entra", "workers"), ("ad", "entra2", "workers"))
    estate.ad(immutable_id="AA==")
    estate.entra(source="entra2", onpremisesimmutableid="AA==")
    assert estate.found("ad_enabled_not_in_entra") == []


def test_entra_synced_not_in_ad(estate):
    paired(estate, "in AD")
    estate.entra(id="hit", userprincipalname="hit@example.com", onpremisesdistinguishedname="CN=Gone")
    estate.entra(id="times unknown", displayname="X", createddatetime=None, onpremiseslastsyncdatetime=None)
    estate.entra(id="cloud", is_synced=0)
    estate.entra(id="sync unknown", is_synced=None)
    estate.entra(id="synced since", onpremiseslastsyncdatetime=AFTER_AD)
    estate.entra(id="created since", createddatetime=AFTER_AD)
    estate.ad(mail="tie@example.com")
    for name in ("tie 1", "tie 2"):
        estate.entra(id=name, mail="tie@example.com")
    assert estate.found("entra_synced_not_in_ad") == [
        ("hit", "hit@example.com", "onPremisesDistinguishedName", None, None, "CN=Gone"),
        ("times unknown", "X", "onPremisesDistinguishedName", None, None, None),
    ]


def test_synced_not_in_ad_waits_for_every_linked_domain(estate):
    estate.entra(id="hit")
    estate.source("ad2", "ad", **NEVER_LOADED)
    estate.link(("ad", "entra", "workers"), ("ad2", "entra", "workers"))
    assert estate.found("entra_synced_not_in_ad") == []


def test_duplicate_employeeid_ad(estate):
    estate.source("ad2", "ad")
    estate.source("ad3", "ad")
    estate.link(("ad", "entra", "workers"), ("ad2", "entra", "workers"))
    estate.ad(guid="one", employeeid="E1", userprincipalname="one@example.com")
    estate.ad(guid="two", employeeid=" e1 ", samaccountname="two")
    estate.ad(guid="far", source="ad2", employeeid="E2")
    estate.ad(guid="near", employeeid="E2")
    estate.ad(guid="moving", employeeid="E3")
    estate.ad(guid="moving", source="ad2", employeeid="E3")
    estate.ad(guid="single", employeeid="E4")
    estate.ad(guid="stranger", source="ad3", employeeid="E4")
    estate.ad(guid="accent", employeeid="É4")
    for name in ("empty 1", "empty 2"):
        estate.ad(guid=name, employeeid="")
    for name in ("null 1", "null 2"):
        estate.ad(guid=name)
    assert estate.found("duplicate_employeeid_ad") == [
        ("far", None, "employeeID", None, "E2", None),
        ("near", None, "employeeID", None, "E2", None),
        ("one", "one@example.com", "employeeID", None, "E1", None),
        ("two", "two", "employeeID", None, " e1 ", None),
    ]


def test_duplicate_employeeid_ad_without_any_link(estate):
    estate.link()
    estate.ad(guid="one", employeeid="E1")
    estate.ad(guid="two", employeeid="E1")
    assert [row[0] for row in estate.found("duplicate_employeeid_ad")] == ["one", "two"]


def test_duplicate_employeeid_entra(estate):
    estate.entra(id="one", employeeid="E1", userprincipalname="one@example.com")
    estate.entra(id="two", employeeid="e1", displayname="Two")
    estate.entra(id="guest", employeeid="E1", is_guest=1)
    estate.entra(id="member", employeeid="E2")
    estate.entra(id="the member's guest", employeeid="E2", is_guest=1)
    estate.entra(id="unknown type", employeeid="E3", is_guest=None)
    estate.entra(id="unknown type too", employeeid="E3", is_guest=None)
    for name in ("empty 1", "empty 2"):
        estate.entra(id=name, employeeid=" ")
    assert estate.found("duplicate_employeeid_entra") == [
        ("one", "one@example.com", "employeeId", None, None, "E1"),
        ("two", "Two", "employeeId", None, None, "e1"),
        ("unknown type", None, "employeeId", None, None, "E3"),
        ("unknown type too", None, "employeeId", None, None, "E3"),
    ]


def differing(estate: Estate, code: str, column: str) -> list[tuple[object, ...]]:
    """Pairs with the usual near misses in one attribute; (key, AD value, Entra value) of the hits."""
    for key, ad, entra in (
        ("other", "a@example.com", "b@example.com"),
        ("case", "A@example.com", "a@EXAMPLE.com"),
        ("blanks", " c@example.com ", "c@example.com"),
        ("accent", "jose@example.com", "josé@example.com"),
        ("umlaut", "ÄRGER@example.com", "ärger@example.com"),
        ("AD alone", "d@example.com", None),
        ("Entra alone", None, "e@example.com"),
        ("none", None, None),
        ("empty", "", None),
    ):
        paired(estate, key, {column: ad}, **{column: entra})
    paired(estate, "skew", {column: "f@example.com", "whenchanged": LATE}, **{column: "g@example.com"})
    return [(row[0], row[4], row[5]) for row in estate.found(code)]


TEXT_DIFFERENCES = [
    ("AD alone", "d@example.com", None),
    ("Entra alone", None, "e@example.com"),
    ("accent", "jose@example.com", "josé@example.com"),
    ("other", "a@example.com", "b@example.com"),
]


def test_employeeid_differs(estate):
    assert differing(estate, "employeeid_differs", "employeeid") == TEXT_DIFFERENCES


def test_upn_differs(estate):
    assert differing(estate, "upn_differs", "userprincipalname") == TEXT_DIFFERENCES


def test_mail_differs(estate):
    assert differing(estate, "mail_differs", "mail") == TEXT_DIFFERENCES


def test_sid_differs(estate):
    paired(estate, "hit", {"sid": "S-1-5-21-1"}, sid="S-1-5-21-2", userprincipalname="hit@example.com")
    paired(estate, "same", {"sid": "S-1-5-21-3"}, sid="S-1-5-21-3")
    paired(estate, "none in Entra", {"sid": "S-1-5-21-4"}, sid=None)
    paired(estate, "none in AD", {"sid": None}, sid="S-1-5-21-5")
    paired(estate, "skew", {"sid": "S-1-5-21-6", "whenchanged": LATE}, sid="S-1-5-21-7")
    assert estate.found("sid_differs") == [
        ("hit", "hit@example.com", "onPremisesSecurityIdentifier", None, "S-1-5-21-1", "S-1-5-21-2")
    ]


def test_anchor_differs(estate):
    def by_mail(key: str, ad: str | None, entra: str | None) -> None:
        estate.ad(mail=f"{key}@example.com", immutable_id=ad)
        estate.entra(id=key, mail=f"{key}@example.com", onpremisesimmutableid=entra)

    by_mail("hit", "AAAA", "BBBB")
    by_mail("case", "AbC=", "abC=")
    by_mail("same", "CCCC", "CCCC")
    by_mail("cloud", "DDDD", None)
    by_mail("unknown", None, "EEEE")
    assert estate.found("anchor_differs") == [
        ("case", None, "onPremisesImmutableId", None, "AbC=", "abC="),
        ("hit", None, "onPremisesImmutableId", None, "AAAA", "BBBB"),
    ]


def test_leaver_still_enabled(estate):
    def leaver(number: str, **values: object) -> None:
        estate.worker(number, **{"is_active": 0, "termination_date": "2026-02-20", **values})
        estate.ad(guid=f"ad {number}", employeeid=number.lower())
        estate.entra(id=f"entra {number}", employeeid=number, userprincipalname=f"{number}@example.com")

    leaver("E01")
    leaver("E02", is_active=1)  # the date counts, whatever the status says
    leaver("E03", termination_date="2026-02-28")  # the last day that is older than the grace
    leaver("E04", termination_date="2026-03-01")  # yesterday: the day of grace
    leaver("E05", termination_date="2026-03-30", is_active=1)
    leaver("E06", hire_date="2026-02-25", is_active=1)  # hired again
    leaver("E07", termination_date=None, worker_status="Terminated")
    leaver("E08", termination_date=None, hire_date="2026-04-01")  # not begun
    leaver("E09", termination_date=None, is_active=None)
    estate.worker("E10", is_active=0, termination_date="2026-02-20")
    estate.worker("E10b", employee_id="E10")  # another record says active
    estate.ad(guid="ad E10", employeeid="E10")
    estate.worker("E11", is_active=0, termination_date="2026-02-20")
    estate.ad(guid="ad E11", employeeid="E11", is_enabled=0)
    estate.entra(id="entra E11", employeeid="E11", is_enabled=None)
    estate.entra(id="guest E11", employeeid="E11", is_guest=1)
    estate.worker("E12", is_active=0, termination_date="2026-02-20")
    estate.ad(guid="ad E12", employeeid="E12", is_enabled=0, immutable_id="AA==")
    estate.entra(id="by anchor", onpremisesimmutableid="AA==")  # carries no id, but is the same person
    estate.worker("E13", employee_id="", is_active=0, termination_date="2026-02-20")
    estate.ad(guid="no id", employeeid="")
    estate.worker("E14", is_active=0, termination_date="2026-02-20")
    estate.worker("E14b", employee_id="E14", termination_date="2019-12-31")  # another record was hired again
    estate.ad(guid="ad E14", employeeid="E14")
    found = estate.found("leaver_still_enabled")
    expected = [
        row
        for number, since in (
            ("E01", "2026-02-20"),
            ("E02", "2026-02-20"),
            ("E03", "2026-02-28"),
            ("E07", "Terminated"),
        )
        for row in (
            (f"ad {number}", None, "userAccountControl", since, "512", None),
            (f"entra {number}", f"{number}@example.com", "accountEnabled", since, None, "true"),
        )
    ]
    assert found == sorted([*expected, ("by anchor", None, "accountEnabled", "2026-02-20", None, "true")], key=in_order)


GONE = {"is_active": 0, "termination_date": "2026-02-20"}


@pytest.mark.parametrize(
    ("other", "prior", "source", "is_left"),
    [
        ({}, None, "hr2", False),
        ({"employee_id": "E9"}, "E1", "workers", False),
        ({"employee_id": "E9"}, "E1", "hr2", False),
        ({"is_active": 0, "hire_date": "2026-04-01"}, None, "workers", False),
        ({"is_active": 0, "hire_date": "2026-01-01"}, None, "hr2", True),
        ({}, None, "hr3", True),
        ({"employee_id": "E9", **GONE}, "E1", "workers", True),
    ],
    ids=[
        "another person of a second HR system", "hired again with a new id", "the same in a second HR system",
        "a second record begins", "another who has left too", "an HR system of other directories", "who left since",
    ],
)  # fmt: skip
def test_who_left_while_another_holds_the_id(estate, other, prior, source, is_left):
    for name in ("hr2", "hr3"):
        estate.source(name, "workers")
    estate.link(("ad", "entra", "workers"), ("ad", "entra", "hr2"))
    estate.worker("E1", **GONE)
    estate.worker("E1b", source=source, **{"employee_id": "E1", **other})
    if prior is not None:
        values = {"worker_id": "E1b", "position": 0, "prior_id": prior, "prior_id_key": prior.lower()}
        estate.insert("worker_prior_id", source, values)
    estate.ad(guid="a", employeeid="E1")
    assert [row[0] for row in estate.found("leaver_still_enabled")] == (["a"] if is_left else [])


def test_an_account_matched_with_one_that_carries_a_leavers_id(estate):
    estate.worker("E1", **GONE)
    estate.ad(guid="by anchor", immutable_id="AA==")
    estate.entra(id="carries it", employeeid="E1", onpremisesimmutableid="AA==")
    assert [row[0] for row in estate.found("leaver_still_enabled")] == ["by anchor", "carries it"]


@pytest.mark.parametrize(
    ("mails", "code"), [((), "othermails_missing"), (("old@home.example",), "othermails_differ_from_hr")]
)
def test_who_left_without_a_date_needs_no_address(estate, mails, code):
    for number, values in (("E1", {"is_active": 0}), ("E2", {}), ("E3", {"is_active": 0, "hire_date": "2026-04-01"})):
        estate.worker(number, personal_mail=f"{number}@home.example", **values)
        estate.entra(id=number, employeeid=number, mails=mails)
    assert [row[0] for row in estate.found(code)] == ["E2", "E3"]


def test_a_leaver_of_a_source_that_is_not_linked(estate):
    estate.source("other", "workers")
    estate.worker("E1", source="other", is_active=0, termination_date="2026-02-20")
    estate.ad(employeeid="E1")
    assert estate.found("leaver_still_enabled") == []


def test_joiner_without_account(estate):
    estate.worker("E01")
    estate.worker("E02", hire_date="2026-03-16", is_active=0)  # the last day of the 14
    estate.worker("E03", hire_date="2026-03-17", is_active=0)
    estate.worker("E04", is_active=0)
    estate.worker("E05", is_active=None, hire_date="2026-03-05")
    estate.worker("E06", is_active=None)
    estate.worker("E07", hire_date=None)
    estate.worker("E08", employee_id=" ")
    estate.worker("E09", termination_date="2026-03-01")
    estate.worker("E10", termination_date="2026-03-02")
    estate.worker("E11")
    estate.ad(employeeid="e11")
    estate.worker("E12")
    estate.entra(employeeid="E12")
    estate.worker("E13")
    estate.entra(employeeid="E13", is_guest=1)
    assert estate.found("joiner_without_account") == [
        (number, f"Worker {number}", "employeeId", number, None, None)
        for number in ("E01", "E02", "E05", "E06", "E10", "E13")
    ]


def test_joiners_wait_for_every_linked_directory(estate):
    estate.worker("E01")
    estate.source("ad2", "ad", **NEVER_LOADED)
    estate.link(("ad", "entra", "workers"), ("ad2", "entra", "workers"))
    assert estate.found("joiner_without_account") == []
    estate.link(("ad", "entra", None))
    assert estate.found("joiner_without_account") == []


def test_othermails_missing(estate):
    def person(number: str, worker: dict[str, object] | None = None, **entra: object) -> None:
        estate.worker(number, **{"personal_mail": f"{number}@home.example", **(worker or {})})
        estate.entra(**{"id": number, "employeeid": number, "userprincipalname": f"{number}@example.com", **entra})

    person("E01")
    person("E02", {"personal_mail": None})
    person("E03", {"personal_mail": "nonsense", "defects": ["syntax"]})
    person("E04", mails=["x@home.example"])
    person("E05", mails=None)  # the answer did not contain otherMails
    person("E06", is_synced=0)
    person("E07", is_enabled=0)
    person("E08", {"hire_date": "2026-04-01", "is_active": 0}, is_enabled=0)  # a pre-hire
    person("E09", is_enabled=None)
    person("E10", {"termination_date": "2026-03-01", "is_active": 0})
    person("E11", {"termination_date": "2026-03-02"})
    person("E12", is_guest=1)
    person("E13")
    estate.entra(employeeid="E13")  # two users: nobody knows which
    assert estate.found("othermails_missing") == [
        (number, f"{number}@example.com", "otherMails", f"{number}@home.example", None, None)
        for number in ("E01", "E08", "E11")
    ]


def test_othermails_differ_from_hr(estate):
    def person(number: str, hr: str | None, *mails: str, **worker: object) -> None:
        estate.worker(number, personal_mail=hr, **worker)
        estate.entra(id=number, employeeid=number, mails=mails)

    person("E01", "ann@home.example", "old@home.example", "second@home.example")
    person("E02", "Ann@Home.example ", "old@home.example", "ann@home.EXAMPLE")
    person("E03", "ann@home.example")
    person("E04", None, "old@home.example")
    person("E05", "anné@home.example", "anne@home.example")
    person("E06", "ann@home.example", "old@home.example", termination_date="2026-03-01")
    assert estate.found("othermails_differ_from_hr") == [
        ("E01", None, "otherMails", "ann@home.example", None, "old@home.example"),
        ("E05", None, "otherMails", "anné@home.example", None, "anne@home.example"),
    ]


def test_usagelocation_missing(estate):
    estate.worker("E01", country_code="AT")
    estate.entra(id="hit", employeeid="E01", usagelocation=None)
    estate.entra(id="cloud", usagelocation=None, is_synced=0, displayname="Cloud")
    estate.entra(id="not in the answer", usagelocation=None, usagelocation_known=0)
    estate.entra(id="never known", usagelocation=None, usagelocation_known=None)
    estate.entra(id="guest", usagelocation=None, is_guest=1)
    estate.entra(id="there", usagelocation="AT")
    estate.worker("E02", country_code="DE")
    estate.worker("E02b", employee_id="E02", country_code="FR")
    estate.entra(id="of two workers", employeeid="E02", usagelocation=None)
    assert estate.found("usagelocation_missing") == [
        ("cloud", "Cloud", "usageLocation", None, None, None),
        ("hit", None, "usageLocation", "AT", None, None),
        ("of two workers", None, "usageLocation", None, None, None),
    ]


def test_usagelocation_not_iso(estate):
    estate.worker("E01", country_code="GB")
    estate.entra(id="UK", employeeid="E01", usagelocation="UK")
    estate.entra(id="alpha-3", usagelocation="DEU")
    estate.entra(id="name", usagelocation="Österr")
    estate.entra(id="none such", usagelocation="ZZ")
    estate.entra(id="right", usagelocation="GB")
    estate.entra(id="missing", usagelocation=None)
    assert estate.found("usagelocation_not_iso") == [
        ("UK", None, "usageLocation", "GB", None, "UK"),
        ("alpha-3", None, "usageLocation", None, None, "DEU"),
        ("name", None, "usageLocation", None, None, "Österr"),
        ("none such", None, "usageLocation", None, None, "ZZ"),
    ]


def test_ambiguous_match(estate):
    estate.ad(guid="a1", employeeid="E1", samaccountname="same")
    estate.ad(guid="a2", employeeid="E1", samaccountname="same")
    estate.entra(id="tie", employeeid="E1", displayname="Tie")
    estate.ad(guid="m", mail="m@example.com", userprincipalname="m@example.com")
    estate.entra(id="left", mail="m@example.com", userprincipalname="left@example.com")
    estate.entra(id="right", mail="m@example.com")
    paired(estate, "clear")
    assert estate.found("ambiguous_match") == [
        ("left", "left@example.com", "mail", None, "CN=m,DC=example,DC=com", "left@example.com"),
        ("right", None, "mail", None, "CN=m,DC=example,DC=com", None),
        ("tie", "Tie", "employeeId", None, "CN=a1,DC=example,DC=com", None),
        ("tie", "Tie", "employeeId", None, "CN=a2,DC=example,DC=com", None),
    ]


def test_an_empty_estate_has_no_findings(estate):
    done = estate.refresh()
    assert {each.rows for each in done.counts} == {0}
    assert done.matches == 0
    assert guid(1) == "00000001-0000-4000-8000-000000000000"

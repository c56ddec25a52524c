"""Certificate mappings: values as AD has them, classified by the loader, found on every engine."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from recon import deploy
from tests.support.certificates import certificate, name, sid_extension
from tests.support.estate import Estate

STRONG = "X509:<I>DC=com,DC=contoso,CN=CA<SR>1200000000AC11000000002B"
SUBJECT, ISSUER = "X509:<S>DC=com,CN=Jane", "X509:<I>DC=com,CN=CA<S>DC=com,CN=Jané"
MAIL = "X509:<RFC822>jane@contoso.com"
CODES = (
    "certificate_weak_only_privileged", "certificate_weak_only", "certificate_weak_beside_strong",
    "certificate_mapping_malformed", "certificate_issuer_order", "certificate_mapping_duplicate",
)  # fmt: skip
CA, JANE = name("DC=com", "CN=CA"), name("DC=com", "CN=Jane")
SID = "S-1-5-21-1-2-3-1001"
SID_BYTES = bytes.fromhex("010500000000000515000000010000000200000003000000E9030000")


def values(estate: Estate, code: str) -> list[tuple[object, object]]:
    """(key, AD value) of each row."""
    return [(row[0], row[4]) for row in estate.shown(code)]


@pytest.fixture
def mapped(estate: Estate) -> Estate:
    """Users and computers with every kind of mapping."""
    estate.entry("weak", altSecurityIdentities=[SUBJECT, MAIL], userPrincipalName="Zoë@contoso.com")
    estate.entry("admin", altSecurityIdentities=["x509:<i>DC=com,CN=CA<s>DC=com,CN=Ada"], adminCount=1)
    estate.entry("former admin", altSecurityIdentities=["X509:<S>CN=f"], adminCount=0)
    estate.entry("both", altSecurityIdentities=[STRONG, "X509:<S>CN=both"], adminCount=1)
    estate.entry("off", altSecurityIdentities=["X509:<S>CN=off"], userAccountControl=514)
    estate.entry("unknown", altSecurityIdentities=["X509:<S>CN=unknown"], userAccountControl=None)
    estate.entry("strong", altSecurityIdentities=["X509:<SKI>0a0b", f"X509:<SHA1-PUKEY>{'0a' * 20}"])
    estate.entry("kerberos", altSecurityIdentities=["Kerberos:jane@CONTOSO.COM"])
    estate.entry("odd", altSecurityIdentities=["X509:<PN>jane@contoso.com", "X509:<I>CN=CA<SR>123", "odd", " "])
    estate.entry("order", altSecurityIdentities=["X509:<I>CN=CA,DC=contoso,DC=com<SR>12AB"])
    turned = ["X509:<I>CN=CA,DC=contoso,DC=com<SR>12AB", "X509:<S>CN=turned"]
    estate.entry("turned", altSecurityIdentities=turned, adminCount=1)
    estate.entry("none", adminCount=1)
    estate.entry("PC", kind="computer", altSecurityIdentities=["X509:<S>CN=pc"], dNSHostName="PC.contoso.com")
    estate.entry("DC", kind="computer", altSecurityIdentities=["X509:<S>CN=dc"], userAccountControl=532480)
    estate.entry("plain PC", kind="computer")
    assert estate.refresh().broken == ()
    return estate


def test_weak_mappings_alone(mapped):
    assert mapped.shown("certificate_weak_only") == [
        ("PC", "PC.contoso.com", "altSecurityIdentities", None, "X509:<S>CN=pc", None),
        ("former admin", "former admin", "altSecurityIdentities", None, "X509:<S>CN=f", None),
        ("unknown", "unknown", "altSecurityIdentities", None, "X509:<S>CN=unknown", None),
        ("weak", "Zoë@contoso.com", "altSecurityIdentities", None, MAIL, None),
        ("weak", "Zoë@contoso.com", "altSecurityIdentities", None, SUBJECT, None),
    ]
    assert values(mapped, "certificate_weak_only_privileged") == [
        ("DC", "X509:<S>CN=dc"),
        ("admin", "x509:<i>DC=com,CN=CA<s>DC=com,CN=Ada"),
        ("turned", "X509:<S>CN=turned"),  # its strong mapping maps nobody
    ]


def test_weak_beside_strong(mapped):
    assert values(mapped, "certificate_weak_beside_strong") == [("both", "X509:<S>CN=both")]


def test_values_that_map_nobody(mapped):
    assert values(mapped, "certificate_mapping_malformed") == [
        ("odd", "X509:<I>CN=CA<SR>123"),
        ("odd", "X509:<PN>jane@contoso.com"),
    ]
    assert values(mapped, "certificate_issuer_order") == [
        (key, "X509:<I>DC=com,DC=contoso,CN=CA<SR>12AB") for key in ("order", "turned")
    ]


def test_duplicates(estate):
    estate.source("other", "ad")
    estate.entry("one", altSecurityIdentities=[STRONG, ISSUER])
    estate.entry("two", altSecurityIdentities=[STRONG.lower()], userAccountControl=514)
    estate.entry("accent", altSecurityIdentities=[ISSUER.replace("é", "e")])
    estate.entry("PC", kind="computer", altSecurityIdentities=[ISSUER.upper()])
    estate.entry("elsewhere", source="other", altSecurityIdentities=[ISSUER])
    estate.entry("twice", altSecurityIdentities=["X509:<SKI>0a", "X509:<SKI>0A"])
    estate.entry("none")
    assert [(row[0], row[4]) for row in estate.found("certificate_mapping_duplicate")] == [
        ("PC", ISSUER.upper()),
        ("one", ISSUER),
        ("one", STRONG),
        ("two", STRONG.lower()),
    ]
    estate.link(("ad", "entra", "workers"), ("other", "entra", None))
    assert {row[0] for row in estate.found("certificate_mapping_duplicate")} == {"PC", "one", "two", "elsewhere"}


def test_certificates_of_users(estate):
    def made(serial, **further):
        return certificate(subject=JANE, issuer=CA, serial=serial, **further)

    def user(guid, *certificates, mappings=(SUBJECT,), **attributes):
        estate.entry(
            guid, extra=["userCertificate"], userCertificate=list(certificates), objectSid=SID_BYTES,
            altSecurityIdentities=list(mappings), **attributes,
        )  # fmt: skip

    expired = datetime(2026, 3, 2, 5, tzinfo=UTC)
    user("known", made(0x2B0000000011AC0000000012), b"damaged")
    user("expired", made(2, until=expired))
    user("has a SID", made(3, sid=sid_extension(SID.encode())))
    user("other SID", made(4, sid=sid_extension(b"S-1-5-21-1-2-3-1002")), mappings=())
    user("other SID, expired", made(5, sid=sid_extension(b"S-1-5-21-1-2-3-1002"), until=expired))
    user("strong", made(6), mappings=(SUBJECT, STRONG))
    user("unmapped", made(7), mappings=())
    user("off", made(8), userAccountControl=514)
    user("none")
    assert estate.found("certificate_strong_form_known") == [
        ("known", "known", "altSecurityIdentities", None, "X509:<I>DC=com,CN=CA<SR>1200000000AC11000000002B", None)
    ]
    assert estate.shown("certificate_sid_differs") == [
        ("other SID", "other SID", "userCertificate", None, "S-1-5-21-1-2-3-1002", None)
    ]


def test_the_decoded_view(mapped):
    deploy.install(mapped.store)
    with mapped.store.read() as connection:
        rows = connection.execute(text("select * from ad_certificate_mapping_decoded")).mappings().all()
    found = {(row["object_type"], row["guid"], row["value"]): row for row in rows}
    strong = found["ad_user", "both", STRONG]
    assert (strong["kind"], strong["strength"]) == ("X509IssuerSerialNumber", "strong")
    assert (strong["issuer"], strong["serial"]) == ("DC=com,DC=contoso,CN=CA", "2B0000000011AC0000000012")
    assert found["ad_computer", "PC", "X509:<S>CN=pc"]["subject"] == "CN=pc"
    assert found["ad_user", "kerberos", "Kerberos:jane@CONTOSO.COM"]["strength"] == "other"


def test_nothing_without_mappings(estate):
    estate.entry("none")
    estate.refresh()
    assert [estate.shown(code) for code in CODES] == [[]] * len(CODES)

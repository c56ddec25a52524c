"""IdFix's rules: values as AD has them, read by the loader, found on every engine."""

from itertools import combinations_with_replacement

import pytest

from recon.catalog import read_catalog
from recon.store import Store
from tests.support.estate import Estate

CRITICAL = {"isCriticalSystemObject": "TRUE"}


def values(estate: Estate, code: str) -> list[tuple[object, object, object]]:
    """(key, attribute, AD value) of each row."""
    return [(row[0], row[2], row[4]) for row in estate.shown(code)]


@pytest.fixture
def bad(estate: Estate) -> Estate:
    """One value for every rule of value and attribute, in users, groups and contacts."""
    estate.entry(
        "sound", userPrincipalName="siobhan.o'brien@Contoso.Example", mail="o'brien@Contoso.Example",
        mailNickname="o.brien", sAMAccountName="o'brien", displayName="Siobhán O'Brien?", givenName="Zoë", sn="Ñ",
        targetAddress="SMTP:out@example.net",
        proxyAddresses=["SMTP:o'brien@contoso.example", "x500:/o=Contoso (EMEA)/cn=[a]", "sip:a@b", "X400:c=DE;a= ;"],
    )  # fmt: skip
    estate.entry("empty")
    estate.entry("critical", userPrincipalName="ä@x.local", mail=" @", sAMAccountName="a/b", **CRITICAL)
    estate.entry("upn", userPrincipalName="Zoë@contoso.example")
    estate.entry("upn chars", userPrincipalName="a&b%@contoso.example", sAMAccountName="a;b")
    estate.entry("upn at", userPrincipalName="nobody", mail="a@b@contoso.example")
    estate.entry("upn dot", userPrincipalName="nobody.@contoso.example", mail=".a@contoso.example")
    estate.entry("upn domain", userPrincipalName="nobody@contoso..example", mail="a@-contoso.example")
    estate.entry("upn local", userPrincipalName="nobody@Corp.LOCAL", mail="a@corp.local")
    estate.entry("upn flat", userPrincipalName="nobody@corp", mail="a@corp")
    estate.entry("upn long", userPrincipalName=f"{'a' * 65}@contoso.example", sAMAccountName="a" * 21)
    estate.entry("upn fits", userPrincipalName=f"{'a' * 64}@{'b' * 40}.example", sAMAccountName="a" * 20)
    estate.entry("blanks", displayName="Mia ", givenName=" Mia", sn="Lo renz", mail="a b@contoso.example")
    estate.entry("control", displayName="Mia\tLorenz", mailNickname="a b", proxyAddresses=["SMTP:ü@contoso.example"])
    estate.entry("nick", mailNickname=".mia", proxyAddresses=["mia@contoso.example", "smtp:a@lan.internal"])
    estate.entry("Team", kind="group", mail="team@@x", mailNickname="te,am", proxyAddresses=["smtp:t@x.lan", "sip:a b"])
    estate.entry("Partner", kind="contact", targetAddress="SMTP:partner", mail="p@example.net", mailNickname="p.")
    estate.entry("Two", kind="group", proxyAddresses=["SMTP:a@contoso.example", "SMTP:b@contoso.example"])
    estate.entry("two", proxyAddresses=["SMTP:c@contoso.example", "SMTP:d@contoso.example", "smtp:e@contoso.example"])
    estate.entry("long", proxyAddresses=[f"x500:{'x' * 300}", f"sip:{'y' * 253}"], givenName="a" * 65, sn="b" * 64)
    assert estate.refresh().broken == ()
    return estate


def test_sync_bad_character(bad):
    assert values(bad, "sync_bad_character") == [
        ("Team", "mailNickname", "te,am"),
        ("Team", "proxyAddresses", "sip:a b"),
        ("control", "displayName", "Mia\\tLorenz"),
        ("control", "mailNickname", "a b"),
        ("control", "proxyAddresses", "SMTP:ü@contoso.example"),
        ("upn", "userPrincipalName", "Zoë@contoso.example"),
        ("upn chars", "sAMAccountName", "a;b"),
        ("upn chars", "userPrincipalName", "a&b%@contoso.example"),
    ]
    assert bad.shown("sync_bad_character")[0] == ("Team", "Team", "mailNickname", None, "te,am", None)


def test_sync_blanks(bad):
    assert values(bad, "sync_blanks") == [
        ("blanks", "displayName", "Mia "),
        ("blanks", "givenName", " Mia"),
        ("blanks", "mail", "a b@contoso.example"),
    ]


def test_sync_bad_format(bad):
    assert values(bad, "sync_bad_format") == [
        ("Partner", "mailNickname", "p."),
        ("Partner", "targetAddress", "SMTP:partner"),
        ("Team", "mail", "team@@x"),
        ("nick", "mailNickname", ".mia"),
        ("nick", "proxyAddresses", "mia@contoso.example"),
        ("upn at", "mail", "a@b@contoso.example"),
        ("upn at", "userPrincipalName", "nobody"),
    ]


def test_sync_bad_local_part(bad):
    assert values(bad, "sync_bad_local_part") == [
        ("upn dot", "mail", ".a@contoso.example"),
        ("upn dot", "userPrincipalName", "nobody.@contoso.example"),
    ]


def test_sync_bad_domain_part(bad):
    assert values(bad, "sync_bad_domain_part") == [
        ("upn domain", "mail", "a@-contoso.example"),
        ("upn domain", "userPrincipalName", "nobody@contoso..example"),
        ("upn flat", "mail", "a@corp"),
    ]


def test_not_routable(bad):
    assert bad.shown("upn_not_routable") == [
        ("upn flat", "nobody@corp", "userPrincipalName", None, "nobody@corp", None),
        ("upn local", "nobody@Corp.LOCAL", "userPrincipalName", None, "nobody@Corp.LOCAL", None),
    ]
    assert values(bad, "address_not_routable") == [
        ("Team", "proxyAddresses", "smtp:t@x.lan"),
        ("nick", "proxyAddresses", "smtp:a@lan.internal"),
        ("upn local", "mail", "a@corp.local"),
    ]


def test_sync_too_long(bad):
    assert [(row[0], row[2], len(row[4])) for row in bad.shown("sync_too_long")] == [
        ("long", "givenName", 65),
        ("long", "proxyAddresses", 257),
        ("upn long", "sAMAccountName", 21),
        ("upn long", "userPrincipalName", 81),
    ]


def test_several_primary_smtp(bad):
    assert values(bad, "several_primary_smtp") == [
        ("Two", "proxyAddresses", "a@contoso.example, b@contoso.example"),
        ("two", "proxyAddresses", "c@contoso.example, d@contoso.example"),
    ]


def test_missing_values(estate):
    mailed = {"proxyAddresses": ["smtp:a@contoso.example"], "mail": "a@contoso.example"}
    estate.entry("nothing")
    estate.entry("named", displayName="Ü", mailNickname="a", userPrincipalName="a@contoso.example", **mailed)
    estate.entry("user", sAMAccountName="User", **mailed)
    estate.entry("off", userAccountControl=514)
    estate.entry("sip", proxyAddresses=["sip:a@contoso.example"], userPrincipalName="b@contoso.example")
    estate.entry("critical", **mailed, **CRITICAL)
    estate.entry("group", kind="group", sAMAccountName="Group", mail="g@contoso.example")
    estate.entry("named group", kind="group", displayName="G", mail="h@contoso.example")
    estate.entry("plain group", kind="group")
    estate.entry("contact", kind="contact", **mailed)
    estate.entry("whole", kind="contact", mailNickname="w", targetAddress="smtp:A@contoso.example", **mailed)
    estate.entry("internal", kind="contact")
    assert estate.found("upn_missing") == [
        ("nothing", "nothing", "userPrincipalName", None, None, None),
        ("user", "User", "userPrincipalName", None, None, None),
    ]
    assert [row[0] for row in estate.shown("mailnickname_missing")] == ["contact", "user"]
    assert estate.shown("displayname_missing") == [
        ("group", "Group", "displayName", None, None, None),
        ("user", "User", "displayName", None, None, None),
    ]
    assert estate.shown("contact_targetaddress_missing") == [
        ("contact", "contact", "targetAddress", None, "a@contoso.example", None)
    ]


def test_contact_targetaddress_differs(estate):
    estate.entry("same", kind="contact", mail="Ä@Example.net", targetAddress="smtp:ä@example.net")
    estate.entry("other", kind="contact", mail="a@example.net", targetAddress="SMTP:á@example.net")
    estate.entry("kind", kind="contact", mail="a@example.net", targetAddress="x400:a@example.net")
    estate.entry("bare", kind="contact", mail="a@example.net", targetAddress="a@example.net")
    estate.entry("empty", kind="contact", mail="a@example.net", targetAddress="SMTP:")
    estate.entry("no mail", kind="contact", targetAddress="SMTP:a@example.net")
    estate.entry("no target", kind="contact", mail="a@example.net")
    estate.entry("user", mail="a@example.net", targetAddress="SMTP:b@example.net")
    assert estate.found("contact_targetaddress_differs") == [
        ("bare", "bare", "targetAddress", None, "a@example.net", None),
        ("empty", "empty", "targetAddress", None, "SMTP:", None),
        ("kind", "kind", "targetAddress", None, "x400:a@example.net", None),
        ("other", "other", "targetAddress", None, "SMTP:á@example.net", None),
    ]


def test_mail_and_its_addresses(estate):
    for name, proxies in (
        ("primary", ["SMTP:ZOË@Example.com", "smtp:b@example.com"]),
        ("secondary", ["SMTP:b@example.com", "smtp:zoë@example.com"]),
        ("absent", ["SMTP:zoe@example.com"]),
        ("only sip", ["sip:zoe@example.com"]),
        ("as sip", ["SMTP:b@example.com", "sip:zoë@example.com"]),
        ("no primary", ["smtp:zoë@example.com"]),
        ("none", None),
    ):
        estate.entry(name, mail="Zoë@example.com", proxyAddresses=proxies)
    estate.entry("no mail", proxyAddresses=["SMTP:b@example.com"])
    estate.entry("critical", mail="a@example.com", proxyAddresses=["SMTP:b@example.com"], **CRITICAL)
    estate.entry("Team", kind="group", mail="t@example.com", proxyAddresses=["SMTP:b@example.com"])
    estate.entry("Partner", kind="contact", mail="p@example.com", proxyAddresses=["smtp:p@example.net"])
    assert estate.found("mail_not_in_proxyaddresses") == [
        ("Partner", "Partner", "mail", None, "p@example.com", None),
        ("Team", "Team", "mail", None, "t@example.com", None),
        ("absent", "absent", "mail", None, "Zoë@example.com", None),
        ("as sip", "as sip", "mail", None, "Zoë@example.com", None),
    ]
    assert estate.shown("mail_not_primary") == [("secondary", "secondary", "mail", None, "Zoë@example.com", None)]


def test_duplicate_proxyaddress(estate):
    estate.entry("user", proxyAddresses=["SMTP:Zoë@example.com", "smtp:own@example.com", "x500:/o=a"])
    estate.entry("group", kind="group", proxyAddresses=["smtp:ZOË@example.com"])
    estate.entry("contact", kind="contact", proxyAddresses=["smtp:zoë@EXAMPLE.com", "x500:/o=a", "X400:c=a"])
    estate.entry("accent", proxyAddresses=["smtp:zoe@example.com", "X400:c=a"])
    estate.entry("sip", proxyAddresses=["sip:zoë@example.com"])
    estate.entry("bare", proxyAddresses=["zoë@example.com"])
    estate.entry("none")
    assert estate.found("duplicate_proxyaddress") == [
        ("contact", "contact", "proxyAddresses", None, "smtp:zoë@EXAMPLE.com", None),
        ("group", "group", "proxyAddresses", None, "smtp:ZOË@example.com", None),
        ("user", "user", "proxyAddresses", None, "SMTP:Zoë@example.com", None),
    ]


def test_duplicate_mail_and_nickname(estate):
    estate.entry("user", mail="Zoë@example.com", mailNickname="ZOË")
    estate.entry("group", kind="group", mail="zoë@example.com", mailNickname="zoë")
    estate.entry("contact", kind="contact", mail="ZOË@EXAMPLE.COM", mailNickname="Zoë ")
    estate.entry("accent", mail="zoe@example.com", mailNickname="zoe")
    estate.entry("none")
    estate.entry("none either", kind="contact")
    expected = {"contact": "ZOË@EXAMPLE.COM", "group": "zoë@example.com", "user": "Zoë@example.com"}
    assert estate.found("duplicate_mail_ad") == [(n, n, "mail", None, v, None) for n, v in expected.items()]
    assert values(estate, "duplicate_mailnickname") == [
        ("contact", "mailNickname", "Zoë "),
        ("group", "mailNickname", "zoë"),
        ("user", "mailNickname", "ZOË"),
    ]


@pytest.mark.parametrize("kinds", [*combinations_with_replacement(("user", "group", "contact"), 2)], ids=" and ".join)
def test_duplicates_within_a_kind_and_from_one_to_another(estate, kinds):
    for name, kind in zip(("one", "other"), kinds, strict=True):
        estate.entry(
            name, kind=kind, mail="Zoë@example.com", mailNickname="zoë", proxyAddresses=["smtp:zoë@example.com"]
        )
    for number, kind in enumerate(("user", "group", "contact")):
        own = f"own{number}@example.com"
        estate.entry(own, kind=kind, mail=own, mailNickname=own, proxyAddresses=[f"smtp:{own}"])
    for code in ("duplicate_mail_ad", "duplicate_mailnickname", "duplicate_proxyaddress"):
        assert [row[0] for row in estate.found(code)] == ["one", "other"], code


@pytest.mark.parametrize("code", ["duplicate_mail_ad", "duplicate_mailnickname", "duplicate_proxyaddress"])
def test_a_value_of_many_objects_does_not_cost_their_product(tmp_path, code):
    statement = next(one for one in read_catalog().findings if one.name == code)

    def steps(holders: int) -> int:
        """How many instructions of SQLite's machine it takes where so many of each kind have one value."""
        done = []
        with Store.open(f"sqlite:///{tmp_path}/{holders}.db") as store:
            estate = Estate(store)
            for number in range(holders):
                for kind in ("user", "group", "contact"):
                    estate.entry(
                        f"{kind}{number}", kind=kind, mail="a@example.com", mailNickname="a",
                        proxyAddresses=["smtp:a@example.com"],
                    )  # fmt: skip
            assert len(estate.found(code)) == 3 * holders
            with store.read() as connection:
                driver = connection.connection.driver_connection
                driver.set_progress_handler(lambda: done.append(1) and 0, 100)
                assert len(connection.exec_driver_sql(statement.sql("sqlite")).all()) == 3 * holders
                driver.set_progress_handler(None, 0)
        return len(done)

    assert steps(400) < 8 * steps(100)


def test_duplicate_targetaddress(estate):
    estate.entry("user", targetAddress="SMTP:Zoë@example.net")
    estate.entry("contact", kind="contact", targetAddress="smtp:zoë@example.net")
    estate.entry("other kind", kind="contact", targetAddress="x400:zoë@example.net")
    estate.entry("other kind twice", kind="contact", targetAddress="X400:zoë@example.net")
    estate.entry("accent", kind="contact", targetAddress="smtp:zoe@example.net")
    estate.entry("none", kind="contact")
    assert estate.refresh().broken == ()
    assert values(estate, "duplicate_targetaddress") == [
        ("contact", "targetAddress", "smtp:zoë@example.net"),
        ("user", "targetAddress", "SMTP:Zoë@example.net"),
    ]


def test_duplicates_count_over_the_domains_of_one_tenant(estate):
    estate.source("ad2", "ad")
    name = {"userPrincipalName": "Zoë@example.com"}
    estate.entry("here", sAMAccountName="Zoe", **name)
    estate.entry("there", source="ad2", sAMAccountName="ZOE", userPrincipalName="zoË@example.com")
    estate.entry("moving", sAMAccountName="Mo")
    estate.entry("moving", source="ad2", sAMAccountName="Mo")
    estate.entry("bare", sAMAccountName="Svc")
    estate.entry("bare too", source="ad2", sAMAccountName="SVC")
    estate.entry("critical", source="ad2", userPrincipalName="zoë@example.com", **CRITICAL)
    estate.link(("ad", "entra", "workers"), ("ad2", None, "workers"))
    assert estate.found("duplicate_upn_ad") == [
        ("there", "zoË@example.com", "userPrincipalName", None, "zoË@example.com", None)
    ]
    assert estate.shown("duplicate_samaccountname") == []
    estate.link(("ad", "entra", "workers"), ("ad2", "entra", "workers"))
    assert estate.refresh().broken == ()
    assert values(estate, "duplicate_upn_ad") == [
        ("here", "userPrincipalName", "Zoë@example.com"),
        ("there", "userPrincipalName", "zoË@example.com"),
    ]
    assert values(estate, "duplicate_samaccountname") == [
        ("bare", "sAMAccountName", "Svc"),
        ("bare too", "sAMAccountName", "SVC"),
    ]

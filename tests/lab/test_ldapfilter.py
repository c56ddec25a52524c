"""Filters: read from BER as ldap3 writes them, and evaluated as AD does."""

import pytest
from ldap3.operation.search import compile_filter as ldap3_compile
from ldap3.operation.search import parse_filter as ldap3_parse
from pyasn1.codec.ber import encoder

from recon.decode.ldapvalue import escape_bytes
from recon.lab import ber
from recon.lab.adschema import KNOWN_ATTRIBUTES
from recon.lab.adserver import Directory
from recon.lab.ldapfilter import (
    And,
    Comparison,
    Extensible,
    FilterError,
    Not,
    Or,
    Present,
    Substrings,
    compile_filter,
    decode_filter,
    filter_text,
)
from tests.support.addirectory import BASE, guid, user


def read(text):
    """Let ldap3 encode the filter, as an independent writer of BER."""
    parsed = ldap3_parse(text, None, False, False, None, True)
    return decode_filter(ber.Reader(encoder.encode(ldap3_compile(parsed.elements[0]))))


DIRECTORY = Directory(
    BASE,
    [
        user(
            1,
            mail=[b"Unal.Arger@contoso.example"],
            description=[b"Straight on *", "straße".encode()],
            manager=[b"CN=Boss\\, Big,OU=Staff,DC=contoso,DC=example"],
            proxyAddresses=[b"SMTP:a@x.example", b"smtp:b@x.example"],
            groupType=[b"-2147483646"],
        )
    ],
)


def answer(text, hidden=()):
    test = compile_filter(read(text), DIRECTORY.positions, frozenset(hidden), KNOWN_ATTRIBUTES)
    first = test(DIRECTORY.entries[0])
    assert test(DIRECTORY.entries[0]) is first  # the remembered answer is the same
    return first


def test_the_tree():
    assert read("(&(a=b)(|(!(c>=1))(d<=2)(e=*)))") == And(
        (
            Comparison("a", "=", b"b"),
            Or((Not(Comparison("c", ">=", b"1")), Comparison("d", "<=", b"2"), Present("e"))),
        )
    )
    assert read("(cn=a*b*c)") == Substrings("cn", b"a", (b"b",), b"c")
    assert read("(cn=*b*)") == Substrings("cn", b"", (b"b",), b"")
    assert read("(uac:1.2.840.113556.1.4.803:=2)") == Extensible("uac", "1.2.840.113556.1.4.803", b"2")


@pytest.mark.parametrize(
    "text",
    [
        "(&(objectCategory=person)(!(cn=x)))",
        "(|(cn=a*b*c)(cn=*))",
        "(userAccountControl:1.2.840.113556.1.4.803:=2)",
        "(objectGUID=\\01\\ff\\28)",
    ],
)
def test_text_is_the_filter_again(text):
    assert filter_text(read(text)) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(cn=PERSON 0001)", True),
        ("(CN=person 0001)", True),
        ("(cn=person 000)", False),
        ("(cn~=Person 0001)", True),
        ("(description=STRASSE)", True),  # folded: ß is ss
        ("(description=straight on \\2a)", True),
        ("(description=straight*\\2a)", True),
        ("(description=*\\2a*)", True),
        ("(description=straight*strasse)", False),  # never across two values
        ("(mail=unal*@*example)", True),
        ("(mail=unal*@*nowhere)", False),
        ("(mail=*arger@contoso*)", True),
        ("(mail=unal.arger@contoso.examplE*e)", False),  # initial and final do not overlap
        ("(proxyAddresses=smtp:B@x.example)", True),
        ("(proxyAddresses=smtp:c@x.example)", False),
        ("(telephoneNumber=*)", False),
        ("(!(telephoneNumber=5))", True),  # known, absent: False, so the negation holds
        ("(noSuchAttribute=*)", None),
        ("(!(noSuchAttribute=x))", None),  # unknown: Undefined both ways
        ("(|(noSuchAttribute=x)(cn=*))", True),
        ("(&(noSuchAttribute=x)(cn=*))", None),
        ("(&(noSuchAttribute=x)(cn=y))", False),
        ("(msDS-User-Account-Control-Computed=*)", None),  # constructed: no part of a filter
        ("(objectClass=user)", True),
        ("(objectClass=USER)", True),
        ("(objectClass=computer)", False),
        ("(objectCategory=person)", True),
        ("(objectCategory=user)", True),
        ("(objectCategory=group)", False),
        ("(objectCategory=CN=person,CN=Schema,CN=Configuration,DC=Contoso,DC=Example)", True),
        ("(objectCategory=CN=person,CN=Schema,CN=Configuration,DC=other,DC=example)", False),
        ("(sAMAccountType=805306368)", True),
        ("(sAMAccountType=0805306368)", True),
        ("(userAccountControl=512)", True),
        ("(userAccountControl>=513)", False),
        ("(userAccountControl>=512)", True),
        ("(userAccountControl<=512)", True),
        ("(uSNChanged>=999)", True),  # by number: as text 999 would be above 1001
        ("(uSNChanged>=1002)", False),
        ("(userAccountControl=0x200)", False),
        ("(userAccountControl:1.2.840.113556.1.4.803:=512)", True),
        ("(userAccountControl:1.2.840.113556.1.4.803:=514)", False),
        ("(userAccountControl:1.2.840.113556.1.4.804:=514)", True),
        ("(userAccountControl:1.2.840.113556.1.4.804:=2)", False),
        ("(!(userAccountControl:1.2.840.113556.1.4.803:=2))", True),
        ("(userAccountControl:1.2.840.113556.1.4.803:=0x200)", False),
        ("(groupType:1.2.840.113556.1.4.803:=2147483648)", True),
        ("(whenChanged>=20240102030405.0Z)", True),
        ("(whenChanged>=20240102030405Z)", True),
        ("(whenChanged>=20240102030406.0Z)", False),
        ("(whenChanged<=20250101000000.0Z)", True),
        ("(whenChanged>=yesterday)", False),
        ("(manager=cn=boss\\5c, big, ou=STAFF,dc=contoso,dc=example)", True),
        ("(manager=cn=boss\\5c2C big,ou=staff,dc=contoso,dc=example)", True),
        ("(manager=cn=boss*)", False),  # no substrings of names
        ("(objectSid=S-1-5-21-2034489041-3947327283-3017199991-1)", True),
        ("(objectSid=S-1-5-21-2034489041-3947327283-3017199991-2)", False),
        ("(objectSid=S-1-5-x)", False),
        (f"(objectGUID={escape_bytes(guid(1))})", True),
        (f"(objectGUID={escape_bytes(guid(2))})", False),
    ],
)
def test_evaluation(text, expected):
    assert answer(text) is expected


def test_empty_and_is_true_and_empty_or_is_false():
    for encoded, expected in ((b"\xa0\x00", True), (b"\xa1\x00", False)):
        node = decode_filter(ber.Reader(encoded))
        test = compile_filter(node, DIRECTORY.positions, frozenset(), KNOWN_ATTRIBUTES)
        assert test(DIRECTORY.entries[0]) is expected


def test_hidden_attributes_are_undefined():
    assert answer("(mail=*)", hidden={"mail"}) is None
    assert answer("(!(mail=x))", hidden={"mail"}) is None


@pytest.mark.parametrize("text", ["(cn:caseIgnoreMatch:=x)", "(member:1.2.840.113556.1.4.1941:=CN=x)"])
def test_other_matching_rules_are_refused(text):
    with pytest.raises(FilterError, match="not supported"):
        answer(text)


@pytest.mark.parametrize(
    "data",
    [
        "87",
        "8703636e",
        "a203870163870163",  # not of two filters
        "a30604026b6b0401",
        "a4080402636e300080",  # behind the substrings
        "a4060402636e3000",  # no substring at all
        "aa00",
        "a306040163040178ff",
    ],
)
def test_malformed_filters_are_refused(data):
    def read_all():
        reader = ber.Reader(bytes.fromhex(data))
        decode_filter(reader)
        reader.close()

    with pytest.raises(ber.BerError):
        read_all()


def test_nesting_is_bounded():
    def nested(depth):
        data = ber.text("cn", 0x87)
        for _ in range(depth):
            data = ber.value(0xA2, data)
        return ber.Reader(data)

    assert isinstance(decode_filter(nested(100)), Not)
    with pytest.raises(ber.BerError, match="nested deeper than 100"):
        decode_filter(nested(101))

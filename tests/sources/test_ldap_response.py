"""The strict reader of search answers: equal to ldap3 on what is valid, an error on everything else."""

import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ldap3.strategy.base import BaseStrategy
from ldap3.utils.asn1 import decode_message_fast, ldap_result_to_dict_fast

from recon.sources.ldap import response
from recon.sources.ldap.answers import MALFORMED, raw_entry
from recon.sources.ldap.exchange import NotLdapError, RawEntry
from tests.support import berwriter as ber

ALPHABET = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-"
lengths = st.sampled_from([ber.shortest, ber.of_octets(3), ber.of_octets(4), ber.of_octets(7)])
names = st.builds(
    lambda name, option: (name + option).encode(),
    st.one_of(st.text(ALPHABET, min_size=1, max_size=12), st.text(ALPHABET, min_size=126, max_size=300)).filter(
        lambda name: name[0] != "-"
    ),
    st.sampled_from(["", "", ";binary", ";range=0-1499", ";range=1500-*"]),
)
values = st.lists(st.one_of(st.binary(max_size=20), st.binary(min_size=120, max_size=300)), max_size=4)
attributes = st.lists(st.tuples(names, values), max_size=8, unique_by=lambda one: one[0].lower())
GOOD = ber.entry(
    b"CN=Ada Example,DC=contoso,DC=example",
    [
        (b"cn", [b"Ada Example"]),
        (b"objectClass", [b"top", b"person", b"user"]),
        (b"member;range=0-1", [b"CN=a", b"CN=b"]),
        (b"jpegPhoto", [bytes(range(256)) * 2]),
        (b"description", []),
        (b"a" * 200, [b""]),
    ],
    length=ber.of_octets(4),
)


def own(data: bytes) -> RawEntry:
    _, tag, start, end = response.message(data)
    assert tag == response.ENTRY
    response.check_controls(data, end)
    return response.entry(data, start, end, response.Names())


def by_ldap3(data: bytes) -> RawEntry:
    return raw_entry(decode_message_fast(data)["payload"])


def own_done(data: bytes) -> tuple[int, str, bytes | None]:
    _, tag, start, end = response.message(data)
    assert tag == response.DONE
    return tuple(response.done(data, start, end))[:3]


def done_by_ldap3(data: bytes) -> tuple[int, str, bytes | None]:
    decoded = decode_message_fast(data)
    result = ldap_result_to_dict_fast(decoded["payload"])
    controls = dict(BaseStrategy.decode_control_fast(control[3]) for control in decoded["controls"] or ())
    paged = controls.get("1.2.840.113556.1.4.319")
    return result["result"], result["message"], None if paged is None else bytes(paged["value"]["cookie"])


# ---- valid ----------------------------------------------------------------------------------------------


@given(st.text(max_size=200), attributes, st.integers(0, 2**31 - 1), lengths)
def test_entries_equal_those_of_ldap3(dn: str, given_attributes, identity: int, length):
    dn_bytes = dn.encode()
    data = ber.entry(dn_bytes, given_attributes, identity, length)
    found = own(data)
    assert found == (dn, {name.decode().lower(): values for name, values in given_attributes})
    assert found == by_ldap3(data)
    assert response.message(data).number == identity
    assert response.message_end(data, 0) == len(data)


@given(st.sampled_from([0, 1, 3, 4, 10, 12, 32, 50, 51, 52, 53, 80]), st.text(max_size=300), st.binary(max_size=300))
def test_ends_and_cookies_equal_those_of_ldap3(code: int, text: str, cookie: bytes):
    data = ber.done(code, text.encode(), ber.paging(cookie))
    assert own_done(data) == (code, text, cookie)
    assert own_done(data) == done_by_ldap3(data)
    assert own_done(ber.done(code, text.encode(), length=ber.of_octets(4))) == (code, text, None)


def test_a_name_that_is_not_utf8_keeps_its_bytes():
    data = ber.entry(b"CN=\xff,DC=example", [])
    assert own(data) == ("CN=\\xff,DC=example", {})
    assert own(data) == by_ldap3(data)


def test_what_stands_behind_known_elements_is_passed_over():
    """RFC 4511 4: trailing elements whose tags are not known are ignored."""
    later = ber.element(0x99, b"later")
    named = ber.element(0x30, ber.element(0x04, b"cn"), ber.element(0x31, ber.element(0x04, b"x")), later)
    operation = ber.element(0x64, ber.element(0x04, b"CN=x"), ber.element(0x30, named), later)
    assert own(ber.message(7, operation, ber.paging(b"c"), later)) == ("CN=x", {"cn": [b"x"]})
    referral = ber.element(0xA3, ber.element(0x04, b"ldap://dc2.contoso.example"))
    parts = (ber.number(10, 0x0A), ber.element(0x04, b"DC=x"), ber.element(0x04, b"elsewhere"), referral)
    assert own_done(ber.message(7, ber.element(0x65, *parts))) == (10, "elsewhere", None)


def test_other_controls_do_not_hide_the_cookie():
    other = ber.element(0x30, ber.element(0x04, b"1.2.3"), b"\x01\x01\xff", ber.element(0x04, b"?"))
    paged = ber.paging(b"next")[2:]
    assert own_done(ber.done(0, b"", ber.element(0xA0, other, paged))) == (0, "", b"next")


def test_a_notice_of_disconnection_says_why():
    data = ber.disconnection()
    number, tag, start, end = response.message(data)
    assert (number, tag) == (0, response.EXTENDED)
    assert response.disconnection(data, start, end)[:2] == (52, "going down")


# ---- malformed ------------------------------------------------------------------------------------------


def test_no_beginning_of_a_message_is_taken_for_the_whole():
    for size in range(len(GOOD)):
        with pytest.raises(NotLdapError):
            own(GOOD[:size])
        end = response.message_end(GOOD[:size], 0)
        assert end is None or end == len(GOOD)


def with_attribute(*parts: bytes) -> bytes:
    operation = ber.element(0x64, ber.element(0x04, b"CN=x"), ber.element(0x30, *parts))
    return ber.message(7, operation)


CN = ber.element(0x04, b"cn")
VALUE = ber.element(0x31, ber.element(0x04, b"x"))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "missing or truncated"),
        (b"\x30\x80\x02\x01\x07\x64\x00\x00\x00", "indefinite length"),
        (b"\x30\xff" + bytes(127), "reserved length"),
        (b"\x31\x03\x02\x01\x07", "expected tag 0x30, found 0x31"),
        (b"\x30\x03\x02\x01\x07", "truncated message"),
        (GOOD + b"\x00", "bytes behind the message"),
        (ber.element(0x30, ber.element(0x02, b"\x80"), GOOD[11:]), "number out of its range"),
        (ber.element(0x30, ber.element(0x02, b""), b"\x64\x00"), "number out of its range"),
        (ber.element(0x30, ber.element(0x02, bytes(9)), b"\x64\x00"), "number out of its range"),
        (ber.message(7, b"\x64\x00"), "missing or truncated"),
        (ber.message(7, ber.element(0x64, ber.element(0x24, b""))), "expected tag 0x04, found 0x24"),
        (ber.message(7, ber.element(0x64, ber.element(0x04, b"CN=x"))), "missing or truncated"),
        (ber.message(7, ber.element(0x64, ber.element(0x04, b"CN=x"), b"\x31\x00")), "expected tag 0x30"),
        (with_attribute(ber.element(0x31, CN, VALUE)), "an attribute begins with 0x30, not 0x31"),
        (with_attribute(ber.element(0x30, CN)), "truncated message|reach"),
        (with_attribute(ber.element(0x30, ber.element(0x0C, b"cn"), VALUE)), "name has tag 0x0c"),
        (with_attribute(ber.element(0x30, CN, ber.element(0x30, b""))), "the values of cn have tag 0x30"),
        (with_attribute(ber.element(0x30, CN, ber.element(0x31, b"\x02\x01\x05"))), "a value of cn has tag 0x02"),
        (with_attribute(ber.element(0x30, CN, ber.element(0x31, b"\x24\x03\x04\x01x"))), "value of cn has tag 0x24"),
        (with_attribute(ber.element(0x30, CN, ber.element(0x31, b"\x04\x80x\x00\x00"))), "indefinite length"),
        (with_attribute(ber.element(0x30, CN, ber.element(0x31, b"\x04\x05x"), b"\x05\x00")), "beyond its attribute"),
        (with_attribute(ber.element(0x30, CN, b"\x31\x05\x04\x01x")), "reach beyond their attribute"),
        (with_attribute(b"\x30\x70" + CN + VALUE), "an attribute reaches beyond its entry"),
        (with_attribute(b"\x30\x84\x00"), "truncated"),
        (with_attribute(ber.element(0x30, ber.element(0x04, b""), VALUE)), "an attribute is called ''"),
        (with_attribute(ber.element(0x30, ber.element(0x04, b"c n"), VALUE)), "an attribute is called 'c n'"),
        (with_attribute(ber.element(0x30, ber.element(0x04, b"c\xc3\xa9"), VALUE)), "an attribute is called"),
        (with_attribute(ber.element(0x30, CN, VALUE), ber.element(0x30, CN, VALUE)), "comes twice in one entry"),
        (with_attribute(ber.element(0x30, CN, VALUE), ber.element(0x30, ber.element(0x04, b"CN"), VALUE)), "twice"),
    ],
)  # fmt: skip
def test_malformed_entries_are_refused(data: bytes, reason: str):
    with pytest.raises(NotLdapError, match=reason):
        own(data)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (ber.message(7, ber.element(0x65, ber.number(0, 0x02))), "expected tag 0x0a"),
        (ber.message(7, ber.element(0x65, ber.number(0, 0x0A))), "missing or truncated"),
        (ber.message(7, ber.element(0x65, ber.element(0x0A, b"\xff"), b"\x04\x00\x04\x00")), "out of its range"),
        (ber.message(7, ber.element(0x65, ber.number(0, 0x0A), b"\x04\x00\x04\x00\x1f\x00")), "tag of several octets"),
        (ber.done(0, b"", ber.paging(b"a") + ber.element(0x04, b"")[:1]), "missing or truncated"),
        (ber.done(0, b"", ber.element(0xA0, ber.paging(b"a")[2:], ber.paging(b"b")[2:])), "two paging controls"),
        (ber.done(0, b"", ber.paging(b""), ber.paging(b"next")), "controls twice"),
        (ber.done(0, b"", ber.element(0x04, b"new"), ber.paging(b"next")), "not where they belong"),
        (ber.done(0, b"", ber.element(0xA0, ber.element(0x30, ber.element(0x04, b"1.2"), b"\x01\x00"))), "truth value"),
        (
            ber.done(0, b"", ber.element(0xA0, ber.element(0x30, ber.element(0x04, b"1.2.840.113556.1.4.319")))),
            "missing or truncated",
        ),
    ],
)
def test_malformed_ends_are_refused(data: bytes, reason: str):
    with pytest.raises(NotLdapError, match=reason):
        own_done(data)


@pytest.mark.parametrize(
    "data", [ber.disconnection(name=b"1.2.3"), ber.message(0, ber.element(0x78, ber.number(0, 0x0A)))]
)
def test_other_notices_are_refused(data: bytes):
    _, _, start, end = response.message(data)
    with pytest.raises(NotLdapError):
        response.disconnection(data, start, end)


def test_a_reference_needs_an_address():
    for content, is_good in ((ber.element(0x04, b"ldap://x"), True), (b"", False), (b"\x02\x01\x05", False)):
        data = ber.message(7, ber.element(0x73, content))
        _, _, start, end = response.message(data)
        if is_good:
            response.check_reference(data, start, end)
            continue
        with pytest.raises(NotLdapError):
            response.check_reference(data, start, end)


def test_a_message_that_claims_too_much_is_refused_by_its_header():
    assert response.message_end(b"\x30\x83\xff\xff\xff", 0) == 5 + 0xFFFFFF
    for header in (b"\x30\x84\x01\x00\x00\x01", b"\x30\x88" + b"\x7f" * 8, b"\x30\xfe" + b"\xff" * 126):
        with pytest.raises(NotLdapError, match="at most"):
            response.message_end(header, 0)
    for header in (b"\x30\x80", b"\x30\xff", b"\x04"):
        with pytest.raises(NotLdapError):
            response.message_end(header, 0)
    for header in (b"", b"\x30", b"\x30\x84\x00\x00"):
        assert response.message_end(header, 0) is None


def test_names_are_kept_up_to_a_number():
    names = response.Names()
    for number in range(10_000):
        assert names[b"Name-%d" % number] == f"name-{number}"
    assert len(names) < 5_000


# ---- damaged at random ----------------------------------------------------------------------------------


def damaged(data: bytes, chance: random.Random) -> bytes:
    mutable = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 5))):
        place = chance.randrange(len(mutable) or 1)
        match chance.randrange(6):
            case 0:
                mutable[place : place + 1] = bytes((chance.randrange(256),))
            case 1:
                mutable[place : place + 1] = bytes((chance.choice((0, 4, 0x24, 0x30, 0x31, 0x7F, 0x80, 0x84, 0xFF)),))
            case 2:
                del mutable[place : place + chance.randrange(1, 9)]
            case 3:
                mutable[place:place] = chance.randbytes(chance.randrange(1, 9))
            case 4:
                mutable[place : place + 1] = bytes((mutable[place : place + 1] or b"\0")[0:1]) * 2
            case _:
                other = chance.randrange(len(mutable) or 1)
                mutable[place:place] = mutable[other : other + chance.randrange(1, 40)]
    return bytes(mutable)


def whole_again(data: bytes) -> bytes:
    """The damaged content in a message whose own length is right, so that the damage lies deeper."""
    return ber.element(0x30, data[6:])


@pytest.mark.parametrize(
    ("sound", "read", "oracle"),
    [
        pytest.param(GOOD, own, by_ldap3, id="entry"),
        pytest.param(
            ber.done(0, b"fine", ber.paging(b"cookie" * 30), length=ber.of_octets(4)),
            lambda data: own_done(data)[::2],  # ldap3 guesses encodings of texts
            lambda data: done_by_ldap3(data)[::2],
            id="done",
        ),
    ],
)
def test_damaged_messages_are_refused_or_read_as_ldap3_reads_them(sound: bytes, read: Callable, oracle: Callable):
    chance = random.Random(20_240_229)
    refused, read_alike = 0, 0
    for _ in range(12_000):
        data = whole_again(damaged(sound, chance))
        try:
            if response.message(data).tag != sound[9]:
                continue
            found = read(data)
        except NotLdapError:
            refused += 1
            continue
        try:
            expected = oracle(data)
        except MALFORMED:  # it knows fewer trailing elements and result codes
            continue
        if None in (found[1], expected[1]):  # ldap3 takes any third element for controls, and none of four
            continue
        assert found == expected, data.hex()
        read_alike += 1
    assert refused > 1_000
    assert read_alike > 1_000

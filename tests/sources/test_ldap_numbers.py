"""Numbers that a server writes as text: read, or refused in words, however long they are."""

from types import SimpleNamespace

import pytest

from recon.errors import SourceError
from recon.objects import ReadReport
from recon.sources.ldap.bind_errors import bind_refused
from recon.sources.ldap.rootdse import read_root_dse
from recon.sources.ldap.search import Entry, Searcher
from recon.sources.ldap.session import Answer
from recon.sources.ldap.untracked import untracked_attributes

LONG = b"9" * 5000  # Python refuses to read or write so many digits
ODD = [LONG, b"", b"abc", b"1_0", b" 1", "١٢".encode(), b"\xff", b"0x10"]


def searcher(**attributes: list[bytes]) -> Searcher:
    """One whose server answers every search with one entry."""
    answer = Answer([("CN=G,DC=x", attributes)], 1)
    session = SimpleNamespace(host="dc1:389", search=lambda *_: answer)
    return Searcher(SimpleNamespace(connect=lambda: session), ReadReport(), lambda seconds: None)


@pytest.mark.parametrize(("text", "usn"), [*((odd, None) for odd in ODD), (b"9223372036854775807", 2**63 - 1)])
def test_the_usn_of_the_root_dse(text: bytes, usn: int | None):
    found = read_root_dse(lambda *_: Answer([("", {"highestcommittedusn": [text]})], 1), "dc1:389")
    assert found.highest_usn == usn


@pytest.mark.parametrize("bounds", [f"0-{'9' * 5000}", f"{'9' * 5000}-*", "0-x", "-*", "a-*", "1", "0--1", "0-5"])
def test_the_bounds_of_a_range(bounds: str):
    with pytest.raises(SourceError, match="range") as refused:
        searcher(**{f"member;range={bounds}": [b"CN=A,DC=x"]}).one("CN=G,DC=x", ["member"])
    assert len(str(refused.value)) < 200


@pytest.mark.parametrize(
    ("values", "is_told"),
    [
        *(({"systemflags": [odd]}, True) for odd in ODD),
        *(({"linkid": [odd]}, True) for odd in ODD),
        ({}, False),
        ({"systemflags": [b"16"], "linkid": [b"42"]}, False),
        ({"systemflags": [b"-2147483644"]}, True),  # constructed
        ({"systemflags": [b"-2147483648"]}, False),
        ({"systemflags": [b"1"]}, True),  # not replicated
        ({"linkid": [b"43"]}, True),  # a back link
    ],
)
def test_what_the_schema_says_of_an_attribute(values: dict[str, list[bytes]], is_told: bool):
    entry = Entry("CN=Pager,DC=x", {"ldapdisplayname": [b"pager"], **values}, {})
    schema = SimpleNamespace(pages=lambda *_: [[entry]])
    told = untracked_attributes(schema, SimpleNamespace(schema="CN=Schema,DC=x"), ("pager",))
    assert ("pager" in told) == is_told


def test_a_sub_code_that_is_none_is_not_explained():
    assert "Windows error" not in str(bind_refused("dc1:389", "reader", 49, f"data {'7' * 5000}, v4563"))

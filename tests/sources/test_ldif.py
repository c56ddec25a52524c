"""LDIF exports: RFC 2849 as the three usual tools write it, and every damage named with file and line."""

import base64
import gzip
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recon.config import AdSource
from recon.decode.keys import EmployeeIdRules
from recon.errors import SourceError
from recon.objects import TABLES, Row
from recon.sources.ldif import MAX_VALUE, LdifReading, read_ldif

IDS = EmployeeIdRules()
GUID = "12345678-9abc-def0-1122-334455667788"
USER = f"""dn: CN=Ada,OU=People,DC=ad,DC=contoso,DC=example
objectClass: top
objectClass: user
sAMAccountType: 805306368
objectGUID: {GUID}
sAMAccountName: ada

"""


def written(folder: Path, content: str | bytes, name: str = "export.ldif") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def reading(path: Path, **settings: object) -> LdifReading:
    return LdifReading(AdSource(ldif=path, **settings), IDS)


def rows(folder: Path, content: str | bytes, **settings: object) -> list[Row]:
    return list(reading(written(folder, content), **settings).rows())


def column(row: Row, name: str) -> object:
    return row.values[TABLES[row.table].position[name]]


def test_every_form_of_a_line(tmp_path):
    content = (
        "version: 1\n"
        "# a comment\n"
        "#  folded\n"
        "  over two lines\n"
        "dn:: " + base64.b64encode("CN=Jürgen,DC=ad".encode()).decode() + "\n"
        "cn: Jür\n gen\n"
        "description:\n"
        "title:    leading blanks\n"
        "info:: " + base64.b64encode(b" a\r\nb").decode()[:4] + "\n " + base64.b64encode(b" a\r\nb").decode()[4:] + "\n"
        "# between values\n"
        "member: CN=a\n"
        "member: CN=b: c\n"
        "userCertificate;binary:: /9g=\n"
        "\n\n\n"
        "dn: CN=Second,DC=ad\n"
        "changetype: add\n"
        "cn: Second\n"
    )
    expected = [
        (
            "CN=Jürgen,DC=ad",
            {
                "cn": ["Jürgen".encode()],
                "description": [b""],
                "title": [b"leading blanks"],
                "info": [b" a\r\nb"],
                "member": [b"CN=a", b"CN=b: c"],
                "userCertificate;binary": [b"\xff\xd8"],
            },
        ),
        ("CN=Second,DC=ad", {"cn": [b"Second"]}),
    ]
    assert list(read_ldif(written(tmp_path, content))) == expected
    windows = content.replace("\n", "\r\n").encode()
    assert list(read_ldif(written(tmp_path, windows))) == expected
    assert list(read_ldif(written(tmp_path, b"\xef\xbb\xbf" + windows))) == expected
    assert list(read_ldif(written(tmp_path, windows.decode().encode("utf-16")))) == expected
    assert list(read_ldif(written(tmp_path, gzip.compress(windows), "export.ldif.gz"))) == expected


def test_what_ldapsearch_adds_is_no_entry(tmp_path):
    content = (
        "# extended LDIF\n#\n\n"
        + USER
        + "# search reference\nref: ldap://ad.contoso.example/CN=Configuration\n\n"
        + "# search result\nsearch: 2\nresult: 0 Success\ncontrol: 1.2.840.113556.1.4.319 false MAUCAQAEAA==\n"
        + "pagedresults: cookie=\n\n# numResponses: 3\n# numEntries: 1\n"
    )
    assert [row.table for row in rows(tmp_path, content)] == ["ad_user"]


# the end of a page as ldapsearch writes it: without -L, and with -L, -LL or -LLL
PAGES = [
    (
        "# search result\nsearch: 2\nresult: 0 Success\ncontrol: 1.2.840.113556.1.4.319 false MAUCAQAEAA==\n"
        "pagedresults: {}\n# extended LDIF\n#\n\n"
    ),
    "# search result\n# control: 1.2.840.113556.1.4.319 false MAUCAQAEAA==\n# pagedresults: {}\nversion: 1\n\n",
    "# pagedresults: {}\n",
]


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("more", ["cookie=z+1ogk4K", "estimate=7 cookie=z+1ogk4K"])
def test_an_export_that_ends_between_its_pages_is_refused(tmp_path, page, more):
    entry = "dn: CN=a\ncn: a\n\n"
    first, last = entry + page.format(more), entry + page.format("cookie=")
    assert len(list(read_ldif(written(tmp_path, first + first + last)))) == 3
    assert len(list(read_ldif(written(tmp_path, last + last)))) == 2
    assert len(list(read_ldif(written(tmp_path, entry + last)))) == 2
    for cut in (first, first + entry, first + last + entry, last + entry):
        with pytest.raises(SourceError) as refused:
            list(read_ldif(written(tmp_path, cut)))
        where = f"{tmp_path / 'export.ldif'}, line {cut.count(chr(10)) + 1}"
        assert str(refused.value).startswith(f"{where}: the export ends before its search did")


@pytest.mark.parametrize(
    ("head", "tail"),
    [
        ("# extended LDIF\n#\n# LDAPv3\n#\n\n", "# search result\nsearch: 2\nresult: 0 Success\n\n# numEntries: 1\n"),
        ("version: 1\n\n#\n# LDAPv3\n#\n\n", "# search result\n\n# numResponses: 2\n# numEntries: 1\n"),
    ],
)
def test_a_search_that_was_cut_off_on_its_first_page_is_refused(tmp_path, head, tail):
    cut = head + "dn: CN=a\ncn: a\n\n"
    whole = cut + tail
    assert len(list(read_ldif(written(tmp_path, whole + "\n" + whole)))) == 2
    with pytest.raises(SourceError, match=f"line {cut.count(chr(10)) + 1}: the export ends before its search did"):
        list(read_ldif(written(tmp_path, cut)))
    with pytest.raises(SourceError, match="the search before this line has no result"):
        list(read_ldif(written(tmp_path, cut + whole)))
    with pytest.raises(SourceError, match="the search before this line has no result"):
        list(read_ldif(written(tmp_path, head + whole)))


def test_a_search_without_pages_ends_with_its_result(tmp_path):
    whole = USER + "search: 2\nresult: 0 Success\n\n# numResponses: 2\n"
    assert len(rows(tmp_path, whole)) == 1
    with pytest.raises(SourceError, match="the export ends before its search did"):
        rows(tmp_path, whole + USER)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "dn: CN=a\ncn: a\n\nsearch: 2\nresult: 4 Size limit exceeded\n",
            "line 5: the export itself ended with result 4",
        ),
        ("dn: CN=a\nnonsense\n", "line 2: not `attribute: value`"),
        ("dn: CN=a\n\x00\xff: x\n", "line 2: not `attribute: value`"),
        ("dn: CN=a\ndescription: see\n\thttp://intranet\n", "line 3: not `attribute: value`"),
        ("dn: CN=a\nmail : a@contoso.example\n", "line 2: not `attribute: value`"),
        ("dn: CN=a\nma\0il: a@contoso.example\n", "line 2: not `attribute: value`"),
        ("dn: CN=a\njpegPhoto:< file:///etc/passwd\n", "line 2: a value by URL"),
        ("dn: CN=a\ncn:: ab!d\n", "line 2: not valid base64"),
        ("dn: CN=a\ncn:: YQ\n", "line 2: not valid base64"),
        ("dn:: /w==\n", "line 1: the distinguished name is not UTF-8"),
        ("cn: a\n", "line 1: a record begins with 'cn'"),
        ("version: 2\ndn: CN=a\n", "line 1: only LDIF version 1"),
        ("\n x\n", "line 2: a continuation line"),
        ("dn: CN=a\nchangetype: modify\nreplace: cn\ncn: b\n-\n", "line 2: a file of changes"),
        ("dn: CN=a\ncn: cut o", "line 2: the last line has no end"),
        ("", "no entry in the file"),
        ("# nothing\n", "no entry in the file"),
        ("dn: CN=a,DC=ad\nobjectClass: group\nmember;range=0-1499: CN=b\n", "only a part (member;range=0-1499)"),
    ],
)
def test_a_damaged_file_is_refused_with_file_and_line(tmp_path, content, message):
    with pytest.raises(SourceError) as refused:
        rows(tmp_path, content)
    assert message in str(refused.value)
    assert str(tmp_path / "export.ldif") in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("dn: CN=a\ncn: a\ndn: CN=b\ncn: b\n", 3),
        ("dn: CN=a\ncn: a\nDN:: Q049Yg==\ncn: b\n", 3),
        ("version: 1\ndn: CN=a\ncn: a\nversion: 1\n\ndn: CN=b\ncn: b\n", 4),
        ("dn: CN=a\ncn: a\nsearch: 2\nresult: 4 Size limit exceeded\n", 3),
        ("dn: CN=a\ncn: a\nresult: 4 Size limit exceeded\n", 3),
        ("search: 2\nresult: 0 Success\ndn: CN=b\ncn: b\n", 3),
        ("search: 2\nresult: 0 Success\nversion: 1\ndn: CN=b\ncn: b\n", 3),
        ("ref: ldap://ad.contoso.example/CN=Configuration\ndn: CN=b\ncn: b\n", 2),
    ],
)
def test_records_without_a_blank_line_between_them_are_refused(tmp_path, content, line):
    with pytest.raises(SourceError) as refused:
        list(read_ldif(written(tmp_path, content)))
    where = f"{tmp_path / 'export.ldif'}, line {line}"
    assert str(refused.value) == f"{where}: a second record begins: a blank line is missing"
    assert "blank line" in str(refused.value.hint)


def test_a_record_that_another_runs_into_is_refused(tmp_path):
    cut = USER.rstrip("\n")  # no line end: the next file's dn goes on in its last value
    other = USER.replace("CN=Ada", "CN=Bob").replace("12345678", "87654321").replace(": ada", ": bob")
    with pytest.raises(SourceError, match=r"export\.ldif: CN=Ada,.* has several values of objectGUID"):
        rows(tmp_path, cut + other)
    with pytest.raises(SourceError, match="has several values of objectGUID"):
        rows(tmp_path, cut + other.replace("objectGUID", "objectguid"))


def test_a_cut_off_gzip_file_is_refused(tmp_path):
    whole = gzip.compress(USER.encode() * 100)
    for content in (whole[: len(whole) // 2], b"no gzip", whole[:-4]):
        with pytest.raises(SourceError, match="not a whole gzip file"):
            list(read_ldif(written(tmp_path, content, "export.ldif.gz")))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(SourceError, match=r"gone\.ldif: cannot be read: No such file"):
        list(reading(tmp_path / "gone.ldif").rows())


def test_an_endless_value_is_refused_in_bounded_memory(tmp_path):
    path = written(tmp_path, b"dn: CN=a\ncn: " + b"x" * (2 * MAX_VALUE) + b"\n")
    with pytest.raises(SourceError, match="line 2: a line longer than"):
        list(read_ldif(path))
    folded = written(tmp_path, b"dn: CN=a\ncn: x\n" + (b" " + b"x" * 4000 + b"\n") * (MAX_VALUE // 4000 + 10))
    with pytest.raises(SourceError, match="line 2: a value longer than"):
        list(read_ldif(folded))


def test_text_and_bytes_of_sids_and_guids_give_the_same_row(tmp_path):
    text = USER.replace(
        "sAMAccountName", "objectSid: S-1-5-32-544\nmS-DS-ConsistencyGuid: " + GUID + "\nsAMAccountName"
    )
    raw = text.replace("objectGUID: " + GUID, "objectGUID:: eFY0Erya8N4RIjNEVWZ3iA==")
    raw = raw.replace("Guid: " + GUID, "Guid:: eFY0Erya8N4RIjNEVWZ3iA==")
    raw = raw.replace("objectSid: S-1-5-32-544", "objectSid:: AQIAAAAAAAUgAAAAIAIAAA==")
    (first,), (second,) = rows(tmp_path, text), rows(tmp_path, raw)
    assert first == second
    assert column(first, "guid") == GUID
    assert column(first, "sid") == "S-1-5-32-544"
    assert column(first, "immutable_id") == "eFY0Erya8N4RIjNEVWZ3iA=="


def test_text_that_is_no_sid_is_a_defect(tmp_path):
    (row,) = rows(tmp_path, USER.replace("sAMAccountName", "objectSid: S-1-5-x\nsAMAccountName"))
    assert column(row, "sid") is None
    assert ("ad_value_defect", ("objectsid", 0, "bad_sid", "S-1-5-x")) in row.children


def test_members_stand_before_their_group_and_are_counted(tmp_path):
    content = (
        "dn: CN=G,DC=ad\nobjectClass: group\nobjectGUID: " + GUID + "\n"
        "member;range=0-*: CN=a,DC=ad\nmember;range=0-*: CN=B,DC=ad\n"
    )
    found = rows(tmp_path, content)
    assert found[:2] == [
        Row("ad_member", (GUID, "CN=a,DC=ad", "cn=a,dc=ad")),
        Row("ad_member", (GUID, "CN=B,DC=ad", "cn=b,dc=ad")),
    ]
    assert found[2].table == "ad_group"
    assert column(found[2], "member_count") == 2


@pytest.mark.parametrize(
    ("lines", "members"),
    [
        ("member;range=0-*: CN=a\nmember;Range=0-*: CN=b\n", ["CN=a", "CN=b"]),
        ("member: CN=a\nmember;range=0-*: CN=b\n", ["CN=a", "CN=b"]),
        ("member;range=0-*: CN=a\nmember;range=0-*: CN=b\nMember: CN=b\n", ["CN=a", "CN=b"]),
        ("member:\nmember;range=0-*: CN=a\n", ["CN=a"]),
        ("member: CN=a\nMember: CN=b\n", ["CN=a", "CN=b"]),
    ],
)
def test_members_in_several_spellings_are_all_read_once(tmp_path, lines, members):
    *found, group = rows(tmp_path, f"dn: CN=G,DC=ad\nobjectClass: group\nobjectGUID: {GUID}\n{lines}")
    assert sorted(str(row.values[1]) for row in found) == members
    assert column(group, "member_count") == len(members)


def test_values_under_several_spellings_of_an_attribute_are_all_read(tmp_path):
    spelled = "proxyAddresses: SMTP:a@contoso.example\nproxyaddresses: smtp:b@contoso.example\nPROXYADDRESSES: x500:c\n"
    (row,) = rows(tmp_path, USER.replace("sAMAccountName", spelled + "sAMAccountName"))
    addresses = [values[1] for table, values in row.children if table == "ad_user_proxyaddress"]
    assert sorted(map(str, addresses)) == ["SMTP:a@contoso.example", "smtp:b@contoso.example", "x500:c"]


def test_sids_under_several_spellings_are_all_bytes(tmp_path):
    history = "sIDHistory: S-1-5-32-544\nsidhistory: S-1-5-32-545\n"
    (row,) = rows(tmp_path, USER.replace("sAMAccountName", history + "sAMAccountName"))
    found = [values for table, values in row.children if table == "ad_user_sidhistory"]
    assert len(found) == 2
    assert not [values for table, values in row.children if table == "ad_value_defect"]


def test_only_the_configured_kinds_and_bases(tmp_path):
    content = (
        USER
        + USER.replace("OU=People", "OU=Other")
        + "dn: CN=C,DC=ad\nobjectClass: contact\nobjectGUID: "
        + GUID
        + "\n"
    )
    assert len(rows(tmp_path, content)) == 3
    assert [row.table for row in rows(tmp_path, content, objects=("contacts",))] == ["ad_contact"]
    below = rows(tmp_path, content, bases=("ou=people, dc=AD,dc=contoso,dc=example",))
    assert [column(row, "ou_path") for row in below] == ["OU=People,DC=ad,DC=contoso,DC=example"]


def test_an_entry_that_cannot_be_classified_is_rejected_not_skipped(tmp_path):
    (row,) = rows(tmp_path, f"dn: CN=a,DC=ad\nobjectGUID: {GUID}\n")
    assert row.table == "load_reject"
    assert row.values[3] == "no_objectclass"


def test_other_objects_are_left_out(tmp_path):
    assert rows(tmp_path, "dn: OU=x,DC=ad\nobjectClass: organizationalUnit\n") == []


def test_deleted_objects_are_left_out_and_counted(tmp_path):
    def deleted(text: str, value: str) -> str:
        return text.replace("objectClass: user", f"objectClass: user\n{value}")

    stripped = f"dn: CN=a\\0ADEL:x,CN=Deleted Objects,DC=ad\nisDeleted: TRUE\nobjectGUID: {GUID}\n\n"
    content = (
        deleted(USER, "isDeleted: TRUE")
        + deleted(USER, "ISDELETED: true")
        + stripped
        + deleted(USER, "isDeleted: FALSE")
        + USER
    )
    read = reading(written(tmp_path, content))
    assert [row.table for row in read.rows()] == ["ad_user", "ad_user"]
    assert read.report.warnings == ["export.ldif: 3 deleted objects left out; only a server gives ad_deleted"]


def test_the_report_proves_the_read(tmp_path):
    path = written(tmp_path, USER + f"dn: CN=G,DC=ad\nobjectClass: group\nobjectGUID: {GUID}\ndisplayName:: /w==\n")
    read = reading(path)
    assert read.domain == "ad.contoso.example"
    assert len(list(read.rows())) == 2
    assert read.report.bytes_read == path.stat().st_size
    assert read.report.table("ad_member").filter == "export.ldif"
    assert read.report.warnings == ["ad_group: 1 values of displayname left empty (not_utf8), first in CN=G,DC=ad"]


def test_memory_stays_constant(tmp_path):
    small, large = written(tmp_path, USER * 5_000, "small.ldif"), written(tmp_path, USER * 15_000, "large.ldif")
    peaks = []
    for path in (small, small, large):
        tracemalloc.start()
        assert sum(1 for _ in reading(path).rows()) in (5_000, 15_000)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[2] < 1.2 * peaks[1] + 100_000


_TEXT = st.text(st.characters(blacklist_categories=("Cs",)), min_size=1, max_size=60)


@given(st.lists(st.tuples(_TEXT, st.lists(st.binary(max_size=200), min_size=1, max_size=4)), min_size=1, max_size=4))
def test_any_value_survives_folded_base64(tmp_path_factory, entries):
    lines = []
    for dn, values in entries:
        for name, value in (("dn", dn.encode()), *(("value", value) for value in values)):
            text = f"{name}:: {base64.b64encode(value).decode()}"
            lines += [text[:76], *(f" {text[place : place + 75]}" for place in range(76, len(text), 75))]
        lines.append("")
    path = written(tmp_path_factory.getbasetemp(), "\n".join(lines) + "\n", "any.ldif")
    assert list(read_ldif(path)) == [(dn, {"value": values}) for dn, values in entries]

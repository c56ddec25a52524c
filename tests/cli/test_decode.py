"""`recon decode`: what stands on stdout, what is refused, and how long the command takes to start."""

import csv
import io
import json
import re
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from recon.cli.decode import app
from recon.errors import DecodeError, UsageError
from tests.support import certificates

PERSON = "0x010500000000000515000000D1D64379336F47EB77D1D6B32D760C00"
PERSON_TEXT = "S-1-5-21-2034489041-3947327283-3017199991-816685"
PERSON_BASE64 = "AQUAAAAAAAUVAAAA0dZDeTNvR+t30dazLXYMAA=="
PERSON_FILTER = r"(objectSid=\01\05\00\00\00\00\00\05\15\00\00\00\d1\d6\43\79\33\6f\47\eb\77\d1\d6\b3\2d\76\0c\00)"
GUID = "12345678-9abc-def0-1122-334455667788"
GUID_LINES = (
    f"{GUID}\neFY0Erya8N4RIjNEVWZ3iA==\n0x78563412BC9AF0DE1122334455667788\n"
    r"(objectGUID=\78\56\34\12\bc\9a\f0\de\11\22\33\44\55\66\77\88)"
    "\n"
)


def decode(*arguments, stdin=None):
    """What the command writes to stdout; its errors come through as they are raised."""
    result = CliRunner().invoke(app, [str(one) for one in arguments], input=stdin, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.parametrize(
    "value",
    [PERSON, PERSON[2:], PERSON_BASE64, PERSON_FILTER[len("(objectSid=") : -1], f" {PERSON} "],
)
def test_a_sid_in_bytes_prints_its_text_and_nothing_else(value):
    assert decode("sid", value) == PERSON_TEXT + "\n"
    assert decode("sid", "-", stdin=value + "\r\n") == PERSON_TEXT + "\n"


def test_a_sid_in_text_prints_its_bytes():
    assert decode("sid", PERSON_TEXT) == f"{PERSON}\n{PERSON_BASE64}\n{PERSON_FILTER}\n"


def test_what_sid_prints_leads_back():
    for line in decode("sid", PERSON_TEXT).splitlines()[:2]:
        assert decode("sid", line) == PERSON_TEXT + "\n"


def test_several_sids_are_a_table():
    lines = decode("sid", "S-1-5-18", PERSON_BASE64).splitlines()
    assert lines[0].split() == ["value", "sid", "hex", "base64", "filter"]
    assert lines[2].split()[:3] == ["S-1-5-18", "S-1-5-18", "0x010100000000000512000000"]
    assert lines[3].split()[:2] == [PERSON_BASE64, PERSON_TEXT]


def test_sids_as_json_and_csv_from_stdin():
    rows = json.loads(decode("sid", "-", "--format", "json", stdin=f"{PERSON}\n\n S-1-5-18 \n"))
    assert [row["value"] for row in rows] == [PERSON, "S-1-5-18"]
    assert [row["sid"] for row in rows] == [PERSON_TEXT, "S-1-5-18"]
    rows = list(csv.DictReader(io.StringIO(decode("sid", PERSON, "-f", "csv"))))
    assert rows == [
        {"value": PERSON, "sid": PERSON_TEXT, "hex": PERSON, "base64": PERSON_BASE64, "filter": PERSON_FILTER}
    ]


def test_no_values_on_stdin_are_no_rows():
    assert decode("sid", "-", "--format", "json", stdin="\n") == "[\n]\n"


def test_a_malformed_value_among_good_ones_prints_nothing():
    result = CliRunner().invoke(app, ["sid", "-"], input=f"{PERSON}\nS-1-5-x\n")
    assert result.stdout == ""
    assert isinstance(result.exception, DecodeError)
    assert str(result.exception) == "line 2: not a SID: 'S-1-5-x' has a part that is not a plain decimal number"


def test_stdin_stands_alone():
    with pytest.raises(UsageError, match="nothing beside it"):
        decode("sid", "-", "S-1-5-18", stdin="")


@pytest.mark.parametrize(
    "value",
    [GUID, "{" + GUID.upper() + "}", "eFY0Erya8N4RIjNEVWZ3iA==", "0x78563412BC9AF0DE1122334455667788",
     r"\78\56\34\12\bc\9a\f0\de\11\22\33\44\55\66\77\88"],
)  # fmt: skip
def test_a_guid_in_every_spelling(value):
    assert decode("guid", value) == GUID_LINES


def test_bare_hexadecimal_digits_are_ambiguous():
    with pytest.raises(DecodeError, match="may be raw bytes or a GUID without its hyphens") as caught:
        decode("guid", GUID.replace("-", ""))
    assert caught.value.hint is not None
    assert "0x" + GUID.replace("-", "") in caught.value.hint


@pytest.mark.parametrize(
    "value", ["", "0x1234", "eFY0Erya8N4RIjNEVWZ3iA", "RS00NzEx", GUID[:-1], "{}", "0x" + 34 * "0"]
)
def test_other_values_are_no_guid(value):
    with pytest.raises(DecodeError, match=r"^not a GUID: "):
        decode("guid", value)


def test_guids_as_json():
    rows = json.loads(decode("guid", "eFY0Erya8N4RIjNEVWZ3iA==", "-f", "json"))
    assert rows[0]["guid"] == GUID
    assert list(rows[0]) == ["value", "guid", "immutable_id", "hex", "filter"]


def test_one_uac_value_is_explained_flag_by_flag():
    lines = decode("uac", "546").splitlines()
    assert lines[0] == "disabled"
    assert lines[1].split() == ["bit", "value", "flag", "meaning"]
    assert [line.split()[:3] for line in lines[3:]] == [
        ["1", "2", "ACCOUNTDISABLE"],
        ["5", "32", "PASSWD_NOTREQD"],
        ["9", "512", "NORMAL_ACCOUNT"],
    ]
    assert decode("uac", "0x222") == decode("uac", "546")


def test_a_uac_value_with_a_computed_bit_warns():
    lines = decode("uac", "528").splitlines()
    assert lines[0] == "enabled"
    assert lines[-1] == "warning: computed bit in stored value: LOCKOUT proves nothing here"


def test_uac_values_as_json():
    assert json.loads(decode("uac", "8389120", "4", "514", "--format", "json")) == [
        {
            "value": "8389120",
            "state": "enabled",
            "flags": "NORMAL_ACCOUNT PASSWORD_EXPIRED",
            "warnings": "computed bit in stored value: PASSWORD_EXPIRED proves nothing here",
        },
        {"value": "4", "state": "enabled", "flags": None, "warnings": "undocumented bit 2"},
        {"value": "514", "state": "disabled", "flags": "ACCOUNTDISABLE NORMAL_ACCOUNT", "warnings": None},
    ]


@pytest.mark.parametrize(
    "value", ["", "x", "5l2", "0x", "512.0", "+512", "1e3", "٥١٢", "4294967296", "-2147483649", "--", "9" * 30]
)
def test_other_values_are_no_uac(value):
    result = CliRunner().invoke(app, ["uac", value])
    assert result.stdout == ""
    assert isinstance(result.exception, DecodeError) or result.exit_code == 2


def test_group_types_signed_and_unsigned():
    assert json.loads(decode("grouptype", "-2147483646", "2147483650", "8", "--format", "json")) == [
        {"value": value, "scope": scope, "kind": kind, "signed": signed, "flags": flags}
        for value, scope, kind, signed, flags in [
            ("-2147483646", "global", "security", -2147483646, "ACCOUNT_GROUP SECURITY_ENABLED"),
            ("2147483650", "global", "security", -2147483646, "ACCOUNT_GROUP SECURITY_ENABLED"),
            ("8", "universal", "distribution", 8, "UNIVERSAL_GROUP"),
        ]
    ]
    assert decode("grouptype", "-2147483643").splitlines()[2].split()[1:4] == ["builtin", "local", "security"]


@pytest.mark.parametrize(
    ("value", "printed"),
    [
        ("133206768000000000", "2023-02-12T12:00:00Z"),
        ("133206768123456789", "2023-02-12T12:00:12.345678Z"),
        ("0", "never"),
        ("9223372036854775807", "never"),
        ("20230212100000.0Z", "2023-02-12T10:00:00Z"),
        ("2023-02-12T10:00:00+02:00", "2023-02-12T08:00:00Z"),
        ("2023-02-12T10:00:00.1000000Z", "2023-02-12T10:00:00.100000Z"),
    ],
)
def test_one_time_prints_itself_in_utc(value, printed):
    assert decode("time", value) == printed + "\n"


def test_times_as_json():
    assert json.loads(decode("time", "0", "20230212100000.0Z", "-f", "json")) == [
        {"value": "0", "form": "filetime", "utc": None},
        {"value": "20230212100000.0Z", "form": "generalized time", "utc": "2023-02-12T10:00:00Z"},
    ]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("20230212", "may be a FILETIME or a date"),
        ("20230212100000", "may be a FILETIME or a date"),
        ("-1", "below 0"),
        ("20230230100000.0Z", "a day that does not exist"),
        ("20230212100000Z", "has no fraction"),
        ("2023-02-12", "does not have the form"),
        ("yesterday", "does not have the form"),
        ("", "does not have the form"),
    ],
)
def test_other_times_are_refused(value, reason):
    with pytest.raises(DecodeError, match=reason):
        decode("time", value)


def recon(*arguments):
    return subprocess.run([sys.executable, "-m", "recon", *arguments], capture_output=True, text=True, timeout=60)


def test_the_command_prints_the_sid_and_ends_with_0():
    done = recon("decode", "sid", PERSON)
    assert (done.returncode, done.stdout, done.stderr) == (0, PERSON_TEXT + "\n", "")


def test_a_malformed_value_is_one_line_and_exit_code_2():
    done = recon("decode", "sid", "0x0105\x1b[2J")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "recon: not a SID: '0x0105\\x1b[2J' is not pairs of hexadecimal digits behind 0x\n"


def test_an_ambiguous_value_says_how_to_write_it():
    done = recon("decode", "guid", GUID.replace("-", ""))
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "Write 0x123456789abcdef01122334455667788 for raw bytes" in done.stderr


def test_decoding_loads_nothing_heavy():
    script = (
        "import sys\n"
        "from recon.cli.main import run\n"
        "try:\n"
        f"    run(['decode', 'sid', '{PERSON}'])\n"
        "except SystemExit as end:\n"
        "    assert not end.code, end.code\n"
        "heavy = {'recon.config', 'sqlalchemy', 'pandas', 'azure', 'ldap3', 'requests', 'jinja2', 'rich', 'orjson'}\n"
        "sys.exit(' '.join(sorted(heavy & set(sys.modules))) or 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, PERSON_TEXT + "\n", "")


def test_bits_name_both_kinds_unless_one_is_told():
    assert decode("bits", "514").splitlines()[0] == "signed 514, unsigned 514"
    assert decode("bits", "514").splitlines()[3].split() == ["1", "2", "0x2", "ACCOUNTDISABLE", "ACCOUNT_GROUP"]
    assert decode("bits", "0") == "signed 0, unsigned 0\n"
    signed, unsigned = (decode("bits", value, "--as", "grouptype") for value in ("-2147483646", "0x80000002"))
    assert signed == unsigned
    assert signed.splitlines()[0] == "signed -2147483646, unsigned 2147483650"
    assert "SECURITY_ENABLED" in signed


def test_bits_of_sixty_four():
    (row,) = json.loads(decode("bits", "0x8000000000000000", "-f", "json"))
    assert row == {
        "value": "0x8000000000000000", "power": 63, "bit_value": 2**63, "hex": "0x8000000000000000",
        "useraccountcontrol": None, "grouptype": None, "signed": -(2**63), "unsigned": 2**63,
    }  # fmt: skip


@pytest.mark.parametrize("value", ["18446744073709551616", "-9223372036854775809", "0x1FFFFFFFFFFFFFFFF", "2**3", ""])
def test_bits_refuse(value):
    with pytest.raises(DecodeError):
        decode("bits", value)


STRONG = "X509:<I>DC=com,DC=contoso,CN=CONTOSO-DC-CA<SR>1200000000AC11000000002B"


def test_certmap_of_issuer_and_serial():
    shown = decode("certmap", "--issuer", "CN=CONTOSO-DC-CA,DC=contoso,DC=com", "--serial", "2b0000000011ac0000000012")
    assert shown.splitlines()[0].split(None, 1) == ["value", STRONG]
    assert "strength  strong" in shown.replace("strength      ", "strength  ")


def test_certmap_of_values():
    rows = json.loads(decode("certmap", "-", "-f", "json", stdin=f"X509:<S>CN=Jane\n\n{STRONG}\n"))
    assert [(row["kind"], row["strength"], row["serial"]) for row in rows] == [
        ("X509SubjectOnly", "weak", None),
        ("X509IssuerSerialNumber", "strong", "2B0000000011AC0000000012"),
    ]


def test_certmap_of_a_file(tmp_path):
    ca = certificates.name("DC=com", "DC=contoso", "CN=CONTOSO-DC-CA")
    path = tmp_path / "jane.cer"
    path.write_bytes(certificates.certificate(subject=ca, issuer=ca, serial=0x2B0000000011AC0000000012))
    (row,) = json.loads(decode("certmap", path, "-f", "json"))
    assert (row["X509IssuerSerialNumber"], row["sid_extension"]) == (STRONG, None)
    assert decode("certmap", path).splitlines()[-1].startswith("note: no SID in the certificate")


def test_certmap_says_what_is_malformed(tmp_path):
    ca = certificates.name("DC=com", "DC=contoso", "CN=CONTOSO-DC-CA")
    path = tmp_path / "jane.cer"
    der = certificates.certificate(subject=ca, issuer=ca, serial=1, sid=certificates.sid_extension(b"S-1-\x1b"))
    path.write_bytes(certificates.pem(der).decode().encode("utf-16"))
    (row,) = json.loads(decode("certmap", path, "-f", "json"))
    assert (row["serial"], row["sid_extension"]) == ("01", None)
    assert row["malformed"].startswith("SID extension 1.3.6.1.4.1.311.25.2: not a SID: 'S-1-\\x1b'")
    assert "\nmalformed  " in re.sub(" +", "  ", decode("certmap", path))


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((), UsageError),
        (("--serial", "12"), UsageError),
        ((STRONG, "--issuer", "CN=a", "--serial", "12"), UsageError),
        (("-", STRONG), UsageError),
        (("nowhere.cer",), DecodeError),
        (("--issuer", "CN=a", "--serial", "xyz"), DecodeError),
    ],
)
def test_certmap_refuses(arguments, error):
    with pytest.raises(error):
        decode("certmap", *arguments, stdin="")

import base64
import contextlib
import hashlib
import re

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from recon.decode.certificate import holds_certificate, read_certificate_file, read_certificates
from recon.decode.certmap import read_mapping
from recon.errors import DecodeError
from tests.support.certificates import KEY, certificate, name, pem, sid_extension

SID = "S-1-5-21-2034489041-3947327283-3017199991-816685"
CA = name("DC=com", "DC=contoso", "CN=CONTOSO-DC-CA")
JANE = name("DC=com", "DC=contoso", "CN=Doe, Jane", "E=jane@contoso.com")
SERIAL = 0x2B0000000011AC0000000012


def whole() -> bytes:
    return certificate(
        subject=JANE, issuer=CA, serial=SERIAL, sid=sid_extension(SID.encode()), key_identifier=bytes(range(20)),
        alternatives=(
            x509.RFC822Name("jane@contoso.com"),
            x509.UniformResourceIdentifier("https://contoso.com"),
            x509.UniformResourceIdentifier(f"tag:microsoft.com,2022-09-14:sid:{SID}"),
        ),
    )  # fmt: skip


@pytest.mark.parametrize("form", [lambda der: der, pem, lambda der: b"Bag Attributes\n" + pem(der)])
def test_everything_that_a_certificate_says(form):
    (found,) = read_certificates(form(whole()))
    assert found.issuer == "DC=com,DC=contoso,CN=CONTOSO-DC-CA"
    assert found.subject == 'DC=com,DC=contoso,CN="Doe, Jane",E=jane@contoso.com'
    assert found.serial == "2B0000000011AC0000000012"
    assert (found.not_before, found.not_after) == ("2024-01-01 00:00:00.000000", "2030-01-01 00:00:00.000000")
    assert (found.sid_extension, found.sid_san) == (SID, SID)
    key = KEY.public_key().public_bytes_raw()
    assert found.mappings == (
        ("X509IssuerSerialNumber", "X509:<I>DC=com,DC=contoso,CN=CONTOSO-DC-CA<SR>1200000000AC11000000002B"),
        ("X509SKI", "X509:<SKI>000102030405060708090a0b0c0d0e0f10111213"),
        ("X509SHA1PublicKey", f"X509:<SHA1-PUKEY>{hashlib.sha1(key).hexdigest()}"),
        ("X509IssuerSubject", f"X509:<I>{found.issuer}<S>{found.subject}"),
        ("X509SubjectOnly", f"X509:<S>{found.subject}"),
        ("X509RFC822", "X509:<RFC822>jane@contoso.com"),
    )
    assert [read_mapping(value).kind for _, value in found.mappings] == [kind for kind, _ in found.mappings]


def test_a_bare_certificate():
    (found,) = read_certificates(certificate(subject=name(), issuer=CA, serial=0xABC))
    assert (found.subject, found.serial, found.sid_extension, found.sid_san) == ("", "0ABC", None, None)
    assert [kind for kind, _ in found.mappings] == ["X509IssuerSerialNumber", "X509SHA1PublicKey"]
    assert found.mapping("X509IssuerSerialNumber") == "X509:<I>DC=com,DC=contoso,CN=CONTOSO-DC-CA<SR>BC0A"


def test_a_long_sid():
    text = "S-1-5-" + "-".join(["4294967295"] * 15)
    (found,) = read_certificates(certificate(subject=JANE, issuer=CA, serial=1, sid=sid_extension(text.encode())))
    assert found.sid_extension == text


def test_several_in_one_file(tmp_path):
    path = tmp_path / "chain.pem"
    path.write_bytes(pem(whole()) + pem(certificate(subject=CA, issuer=CA, serial=1)))
    assert [found.serial for found in read_certificate_file(path)] == ["2B0000000011AC0000000012", "01"]


TAG = "tag:microsoft.com,2022-09-14:sid:"


@pytest.mark.parametrize(
    ("sid", "why"),
    [
        (b"", "another element"), (b"\x30", "another element"), (b"\x30\x80", "a length that DER does not write"),
        (sid_extension(b"S-1-"), "not a SID: 'S-1-'"), (sid_extension(b""), "not a SID: ''"),
        (sid_extension(b"\xff"), "the SID is not ASCII"),
        (sid_extension(b"S-1-5-21-\x1b[2J"), r"not a SID: 'S-1-5-21-\\x1b\[2J'"),
        (sid_extension(SID.encode()) + b"\0", "another length"), (sid_extension(SID.encode())[:-1], "another length"),
        (sid_extension(SID.encode(), bytes.fromhex("060a2b060104018237140203")), "another object identifier"),
    ],
)  # fmt: skip
def test_a_damaged_sid_extension_is_named_and_the_rest_is_read(sid, why):
    der = certificate(
        subject=JANE, issuer=CA, serial=1, sid=sid, alternatives=(x509.UniformResourceIdentifier(f"{TAG}{SID}"),)
    )
    (found,) = read_certificates(der)
    assert (found.serial, found.sid_extension, found.sid_san) == ("01", None, SID)
    assert found.mapping("X509IssuerSerialNumber") == "X509:<I>DC=com,DC=contoso,CN=CONTOSO-DC-CA<SR>01"
    (said,) = found.malformed
    assert re.match(rf"SID extension 1\.3\.6\.1\.4\.1\.311\.25\.2: {why}", said), said


def test_a_damaged_sid_tag_is_named_and_the_rest_is_read():
    tags = tuple(x509.UniformResourceIdentifier(f"{TAG}{end}") for end in ("", "S-1-5-x", SID, f"{SID}0"))
    (found,) = read_certificates(
        certificate(subject=JANE, issuer=CA, serial=1, sid=sid_extension(SID.encode()), alternatives=tags)
    )
    assert (found.sid_extension, found.sid_san) == (SID, SID)
    assert [re.sub("(not a SID: '.*?').*", r"\1", said) for said in found.malformed] == [
        "SID tag in subjectAltName: not a SID: ''",
        "SID tag in subjectAltName: not a SID: 'S-1-5-x'",
        "2 SID tags in subjectAltName: the first is shown",
    ]


def test_extensions_that_cannot_be_read_leave_issuer_and_serial_number():
    der = whole().replace(b"\x82\x10jane@contoso.com", b"\x82\x10\xff\xfe\xfd\xfcaaaaaaaaaaaa")
    der = der.replace(b"\x81\x10jane@contoso.com", b"\x81\x10\xff\xfe\xfd\xfcaaaaaaaaaaaa")
    assert der != whole()
    (found,) = read_certificates(der)
    assert (found.serial, found.sid_extension, found.sid_san) == ("2B0000000011AC0000000012", None, None)
    assert next(kind for kind, _ in found.mappings) == "X509IssuerSerialNumber"
    (said,) = found.malformed
    assert said.startswith("extensions, subjectAltName and SID with them: ")


def wide(text: bytes, order: str = "utf-16") -> bytes:
    return text.decode().encode(order)


@pytest.mark.parametrize(
    "form",
    [
        lambda der: wide(pem(der)),
        lambda der: b"\xfe\xff" + wide(pem(der), "utf-16-be"),
        lambda der: wide(pem(der), "utf-16-le"),
        lambda der: wide(pem(der), "utf-16-be"),
        lambda der: b"\xef\xbb\xbf" + pem(der).replace(b"\n", b"\r\n"),
        lambda der: pem(der).replace(b" CERTIFICATE", b" X509 CERTIFICATE"),
        base64.b64encode,
        lambda der: b"\xef\xbb\xbf" + base64.encodebytes(der).replace(b"\n", b"\r\n"),
        lambda der: wide(base64.encodebytes(der)),
    ],
)
def test_what_windows_tools_write(form):
    data = form(whole())
    assert holds_certificate(data)
    assert read_certificates(data) == read_certificates(whole())


@pytest.mark.parametrize(
    "data", [b"", b"0", b"0815\n", b"X509:<S>CN=Jane\n", b"Kerberos:jane@CONTOSO\n", b"\xff\xfeX", b"\0"]
)
def test_values_are_no_certificates(data):
    assert not holds_certificate(data)


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\x30", b"hello", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        b"-----BEGIN CERTIFICATE-----", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        whole()[:-1], whole() + b"\0", bytes(2_000_000),
    ],
)  # fmt: skip
def test_what_is_no_certificate(data, tmp_path):
    path = tmp_path / "odd.cer"
    path.write_bytes(data)
    with pytest.raises(DecodeError, match=r"odd.cer: not a certificate: [^\n]*$"):
        read_certificate_file(path)


@given(st.data())
def test_no_damage_is_anything_but_one_error(data):
    der = bytearray(whole())
    for _ in range(data.draw(st.integers(1, 3))):
        der[data.draw(st.integers(0, len(der) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(DecodeError):
        (found,) = read_certificates(bytes(der))
        assert found.mappings

"""Certificates as a company's own authority issues them: any names, serial number, SID; signed alike each time."""

from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509.oid import NameOID, ObjectIdentifier

SID_EXTENSION = ObjectIdentifier("1.3.6.1.4.1.311.25.2")
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))  # signs alike each time
PARTS = {"DC": NameOID.DOMAIN_COMPONENT, "CN": NameOID.COMMON_NAME, "C": NameOID.COUNTRY_NAME,
         "O": NameOID.ORGANIZATION_NAME, "E": NameOID.EMAIL_ADDRESS, "S": NameOID.STATE_OR_PROVINCE_NAME}  # fmt: skip


def name(*parts: str) -> x509.Name:
    """A name from its parts, root first: name("DC=com", "CN=CA")."""
    pairs = (part.partition("=")[::2] for part in parts)
    return x509.Name([x509.NameAttribute(PARTS[kind], value, _validate=False) for kind, value in pairs])


def sid_extension(text: bytes, oid: bytes = bytes.fromhex("060a2b060104018237190201")) -> bytes:
    """The DER of the SID extension around these bytes."""

    def element(tag: int, data: bytes) -> bytes:
        size = bytes((len(data),)) if len(data) < 128 else b"\x81" + bytes((len(data),))
        return bytes((tag,)) + size + data

    return element(0x30, element(0xA0, oid + element(0xA0, element(0x04, text))))


def certificate(
    *,
    subject: x509.Name,
    issuer: x509.Name,
    serial: int,
    sid: bytes | None = None,
    alternatives: tuple[x509.GeneralName, ...] = (),
    key_identifier: bytes | None = None,
    until: datetime = datetime(2030, 1, 1, tzinfo=UTC),
) -> bytes:
    """The certificate in DER. `sid`: the raw value of the SID extension."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .serial_number(serial)
        .public_key(KEY.public_key())
        .not_valid_before(datetime(2024, 1, 1, tzinfo=UTC))
        .not_valid_after(until)
    )
    if sid is not None:
        builder = builder.add_extension(x509.UnrecognizedExtension(SID_EXTENSION, sid), critical=False)
    if alternatives:
        builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
    if key_identifier is not None:
        builder = builder.add_extension(x509.SubjectKeyIdentifier(key_identifier), critical=False)
    return builder.sign(KEY, None).public_bytes(serialization.Encoding.DER)

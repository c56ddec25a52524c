"""A certificate as a domain controller maps it: issuer, serial number, the SID inside, and its mapping strings.

Read with `cryptography`; whatever a file holds, the answer is a certificate or one DecodeError.
"""

import warnings
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509.oid import NameOID, ObjectIdentifier

from recon.decode.certmap import reversed_bytes
from recon.decode.sid import sid_bytes, sid_text
from recon.decode.times import from_datetime
from recon.errors import DecodeError

SID_EXTENSION = "1.3.6.1.4.1.311.25.2"
SID_TAG = "tag:microsoft.com,2022-09-14:sid:"
_SID_OID = bytes.fromhex("060a2b060104018237190201")  # 1.3.6.1.4.1.311.25.2.1 as an OBJECT IDENTIFIER
_LONGEST = 1 << 20
# names as Windows writes them, where RFC 4514 has others
_TYPES = {
    NameOID.COMMON_NAME: "CN",
    NameOID.LOCALITY_NAME: "L",
    NameOID.STATE_OR_PROVINCE_NAME: "S",
    NameOID.STREET_ADDRESS: "STREET",
    NameOID.ORGANIZATION_NAME: "O",
    NameOID.ORGANIZATIONAL_UNIT_NAME: "OU",
    NameOID.COUNTRY_NAME: "C",
    NameOID.DOMAIN_COMPONENT: "DC",
    NameOID.EMAIL_ADDRESS: "E",
    NameOID.SERIAL_NUMBER: "SERIALNUMBER",
    NameOID.SURNAME: "SN",
    NameOID.GIVEN_NAME: "G",
    NameOID.TITLE: "T",
    NameOID.INITIALS: "I",
}


class Certificate(NamedTuple):
    """What a certificate says. Names root first; `serial` in hexadecimal, not reversed; times as the store has them.

    `sid_extension`, `sid_san`: the SID of extension 1.3.6.1.4.1.311.25.2 and of the tag in subjectAltName, None
    where there is none. `mappings`: (kind, value) of every explicit mapping that can be made of it, strong ones first.
    """

    subject: str
    issuer: str
    serial: str
    not_before: str
    not_after: str
    sid_extension: str | None
    sid_san: str | None
    mappings: tuple[tuple[str, str], ...]

    def mapping(self, kind: str) -> str | None:
        """The mapping of one kind."""
        return dict(self.mappings).get(kind)


def _name(name: x509.Name) -> str:
    """Root first, as Windows writes it: values with special characters in quotation marks."""
    parts = []
    for relative in name.rdns:
        written = []
        for one in relative:
            value = one.value if isinstance(one.value, str) else one.value.hex()
            if any(mark in value for mark in ',+="\n<>#;') or value != value.strip():
                value = '"' + value.replace('"', '""') + '"'
            written.append(f"{_TYPES.get(one.oid, f'OID.{one.oid.dotted_string}')}={value}")
        parts.append("+".join(written))
    return ",".join(parts)


def _inside(data: bytes, tag: int) -> bytes:
    """The content of one DER element that is all of `data`; raises ValueError."""
    if len(data) < 2 or data[0] != tag:
        raise ValueError("another element")
    length, place = data[1], 2
    if length & 0x80:
        size = length & 0x7F
        length, place = int.from_bytes(data[2 : 2 + size], "big"), 2 + size
        if not 1 <= size <= 2 or length < 0x80:
            raise ValueError("a length that DER does not write")
    if len(data) != place + length:
        raise ValueError("another length")
    return data[place:]


def _sid_of_extension(data: bytes) -> str:
    """SEQUENCE {[0] {OID …25.2.1, [0] {OCTET STRING "S-1-5-21-…"}}}; raises DecodeError."""
    try:
        other = _inside(_inside(data, 0x30), 0xA0)
        if not other.startswith(_SID_OID):
            raise ValueError("another object identifier")
        text = _inside(_inside(other[len(_SID_OID) :], 0xA0), 0x04).decode("ascii")
    except ValueError as error:
        raise DecodeError(f"the certificate's SID extension cannot be read: {error}") from error
    return sid_text(sid_bytes(text))


def _alternatives(certificate: x509.Certificate) -> list[x509.GeneralName]:
    try:
        return list(certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except x509.ExtensionNotFound:
        return []


def _key_hash(certificate: x509.Certificate) -> str | None:
    """SHA-1 over the bits of the public key; None for keys that cannot be read."""
    try:
        return x509.SubjectKeyIdentifier.from_public_key(certificate.public_key()).digest.hex()
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None


def _mappings(certificate: x509.Certificate, names: list[x509.GeneralName], serial: str) -> list[tuple[str, str]]:
    issuer, subject = _name(certificate.issuer), _name(certificate.subject)
    found = [("X509IssuerSerialNumber", f"X509:<I>{issuer}<SR>{reversed_bytes(serial)}")] if issuer else []
    try:
        identifier = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest.hex()
        found.append(("X509SKI", f"X509:<SKI>{identifier}"))
    except x509.ExtensionNotFound:
        pass
    key_hash = _key_hash(certificate)
    if key_hash is not None:
        found.append(("X509SHA1PublicKey", f"X509:<SHA1-PUKEY>{key_hash}"))
    if issuer and subject:
        found.append(("X509IssuerSubject", f"X509:<I>{issuer}<S>{subject}"))
    if subject:
        found.append(("X509SubjectOnly", f"X509:<S>{subject}"))
    found += [("X509RFC822", f"X509:<RFC822>{each.value}") for each in names if isinstance(each, x509.RFC822Name)][:1]
    return found


def _read(certificate: x509.Certificate) -> Certificate:
    if certificate.serial_number < 0:
        raise DecodeError("the certificate has a negative serial number")
    digits = f"{certificate.serial_number:X}"
    serial = digits if len(digits) % 2 == 0 else f"0{digits}"
    names = _alternatives(certificate)
    sids = [
        sid_text(sid_bytes(each.value[len(SID_TAG) :]))
        for each in names
        if isinstance(each, x509.UniformResourceIdentifier) and each.value.startswith(SID_TAG)
    ]
    try:
        found = certificate.extensions.get_extension_for_oid(ObjectIdentifier(SID_EXTENSION)).value
        inside = _sid_of_extension(found.public_bytes())
    except x509.ExtensionNotFound:
        inside = None
    return Certificate(
        subject=_name(certificate.subject),
        issuer=_name(certificate.issuer),
        serial=serial,
        not_before=from_datetime(certificate.not_valid_before_utc),
        not_after=from_datetime(certificate.not_valid_after_utc),
        sid_extension=inside,
        sid_san=sids[0] if sids else None,
        mappings=tuple(_mappings(certificate, names, serial)),
    )


def read_certificates(data: bytes) -> list[Certificate]:
    """Every certificate of a PEM text, or the one of a DER file. Raises DecodeError."""
    if len(data) > _LONGEST:
        raise DecodeError("not a certificate: over 1 MB")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CryptographyDeprecationWarning)  # odd certificates are still shown
            if b"-----BEGIN CERTIFICATE-----" in data:
                return [_read(each) for each in x509.load_pem_x509_certificates(data)]
            return [_read(x509.load_der_x509_certificate(data))]
    except DecodeError:
        raise
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.DuplicateExtension, x509.InvalidVersion) as error:
        raise DecodeError(
            "not a certificate: neither PEM nor DER, or damaged",
            hint="give a certificate, not a key, a request, a PFX or a PKCS#7 file",
        ) from error


def read_certificate_file(path: Path) -> list[Certificate]:
    """The certificates of a file. Raises DecodeError, naming the file."""
    try:
        with path.open("rb") as file:
            data = file.read(_LONGEST + 1)
        return read_certificates(data)
    except OSError as error:
        raise DecodeError(f"{path} cannot be read: {error.strerror}") from error
    except DecodeError as error:
        raise DecodeError(f"{path}: {error}", hint=error.hint) from error

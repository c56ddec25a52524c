"""A certificate as a domain controller maps it: issuer, serial number, the SID inside, and its mapping strings.

Read with `cryptography`; whatever a file holds, the answer is a certificate or one DecodeError. A certificate whose
extensions cannot be read still has an issuer and a serial number: `malformed` says what is missing and why.
"""

import base64
import binascii
import codecs
import re
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple, TypeVar

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509.oid import NameOID

from recon.decode.certmap import reversed_bytes
from recon.decode.sid import sid_bytes, sid_text
from recon.decode.text import printable
from recon.decode.times import from_datetime
from recon.errors import DecodeError

_Extension = TypeVar("_Extension", bound=x509.ExtensionType)

SID_EXTENSION = "1.3.6.1.4.1.311.25.2"
SID_TAG = "tag:microsoft.com,2022-09-14:sid:"
_SID_OID = bytes.fromhex("060a2b060104018237190201")  # 1.3.6.1.4.1.311.25.2.1 as an OBJECT IDENTIFIER
_LONGEST = 1 << 20
_PEM = re.compile(rb"-----BEGIN (?:X509 )?CERTIFICATE-----")
_DER = re.compile(rb"\x30[\x81-\x83]")  # a SEQUENCE of more than 127 bytes
_UNREADABLE = (ValueError, TypeError, UnsupportedAlgorithm, x509.DuplicateExtension, x509.InvalidVersion)
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
    where there is none that can be read. `mappings`: (kind, value) of every explicit mapping that can be made of it,
    strong ones first. `malformed`: what of it cannot be read, and why.
    """

    subject: str
    issuer: str
    serial: str
    not_before: str
    not_after: str
    sid_extension: str | None
    sid_san: str | None
    mappings: tuple[tuple[str, str], ...]
    malformed: tuple[str, ...] = ()

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
    """SEQUENCE {[0] {OID …25.2.1, [0] {OCTET STRING "S-1-5-21-…"}}}; raises ValueError, DecodeError."""
    other = _inside(_inside(data, 0x30), 0xA0)
    if not other.startswith(_SID_OID):
        raise ValueError("another object identifier")
    return sid_text(sid_bytes(_inside(_inside(other[len(_SID_OID) :], 0xA0), 0x04).decode("ascii")))


def _sids(
    extensions: Iterable[x509.Extension[x509.ExtensionType]], names: list[x509.GeneralName], malformed: list[str]
) -> tuple[str | None, str | None]:
    """The SID of the extension and of the tag; what cannot be read is added to `malformed`."""
    inside = None
    for each in extensions:
        if each.oid.dotted_string == SID_EXTENSION:
            try:
                inside = _sid_of_extension(each.value.public_bytes())
            except UnicodeDecodeError:
                malformed.append(f"SID extension {SID_EXTENSION}: the SID is not ASCII")
            except (ValueError, DecodeError) as error:
                malformed.append(f"SID extension {SID_EXTENSION}: {error}")
    tagged = []
    for name in names:
        if isinstance(name, x509.UniformResourceIdentifier) and name.value.startswith(SID_TAG):
            try:
                tagged.append(sid_text(sid_bytes(name.value[len(SID_TAG) :])))
            except DecodeError as error:
                malformed.append(f"SID tag in subjectAltName: {error}")
    if len(set(tagged)) > 1:
        malformed.append(f"{len(tagged)} SID tags in subjectAltName: the first is shown")
    return inside, tagged[0] if tagged else None


def _of_type(extensions: Iterable[x509.Extension[x509.ExtensionType]], wanted: type[_Extension]) -> _Extension | None:
    return next((each.value for each in extensions if isinstance(each.value, wanted)), None)


def _key_hash(certificate: x509.Certificate) -> str | None:
    """SHA-1 over the bits of the public key; None for keys that cannot be read."""
    try:
        return x509.SubjectKeyIdentifier.from_public_key(certificate.public_key()).digest.hex()
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None


def _mappings(
    certificate: x509.Certificate,
    identifier: x509.SubjectKeyIdentifier | None,
    names: list[x509.GeneralName],
    serial: str,
) -> list[tuple[str, str]]:
    issuer, subject = _name(certificate.issuer), _name(certificate.subject)
    found = [("X509IssuerSerialNumber", f"X509:<I>{issuer}<SR>{reversed_bytes(serial)}")] if issuer else []
    if identifier is not None:
        found.append(("X509SKI", f"X509:<SKI>{identifier.digest.hex()}"))
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
    malformed: list[str] = []
    try:
        extensions = list(certificate.extensions)
    except _UNREADABLE as error:
        extensions = []
        malformed.append(f"extensions, subjectAltName and SID with them: {printable(str(error))}")
    names = list(_of_type(extensions, x509.SubjectAlternativeName) or ())
    inside, tagged = _sids(extensions, names, malformed)
    return Certificate(
        subject=_name(certificate.subject),
        issuer=_name(certificate.issuer),
        serial=serial,
        not_before=from_datetime(certificate.not_valid_before_utc),
        not_after=from_datetime(certificate.not_valid_after_utc),
        sid_extension=inside,
        sid_san=tagged,
        mappings=tuple(_mappings(certificate, _of_type(extensions, x509.SubjectKeyIdentifier), names, serial)),
        malformed=tuple(malformed),
    )


def _plain(data: bytes) -> bytes:
    """PEM or DER out of what tools write: text in UTF-16 (PowerShell's >), base64 without its BEGIN and END."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        data = data.decode("utf-16", "replace").encode()
    elif data[:1] == b"\0" or data[1:2] == b"\0":
        data = data.replace(b"\0", b"")
    if _PEM.search(data) or _DER.match(data):
        return data
    try:
        found = base64.b64decode(b"".join(data.removeprefix(codecs.BOM_UTF8).split()), validate=True)
    except binascii.Error:
        return data
    return found if _DER.match(found) else data


def holds_certificate(data: bytes) -> bool:
    """True for what read_certificates would try: PEM, DER or base64 of DER."""
    plain = _plain(data)
    return b"-----BEGIN" in plain or _DER.match(plain) is not None


def read_certificates(data: bytes) -> list[Certificate]:
    """Every certificate of a PEM text, or the one of DER or of its base64. Raises DecodeError."""
    if len(data) > _LONGEST:
        raise DecodeError("not a certificate: over 1 MB")
    plain = _plain(data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CryptographyDeprecationWarning)  # odd certificates are still shown
            if _PEM.search(plain):
                return [_read(each) for each in x509.load_pem_x509_certificates(plain)]
            return [_read(x509.load_der_x509_certificate(plain))]
    except DecodeError:
        raise
    except _UNREADABLE as error:
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

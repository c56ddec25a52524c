"""altSecurityIdentities: which certificate may sign in as an account, and how strongly that is said (KB5014754).

Three forms are strong, three weak: since 2025 domain controllers refuse weak ones. A strong form names the certificate
or its key; a weak one names what another certificate can carry too. The issuer stands root first and the serial number
is reversed by byte (A1B2C3 becomes C3B2A1). Implicit mappings (a SID in the certificate) are not in this attribute.
"""

import re
from typing import NamedTuple

from recon.decode.keys import dn_parts
from recon.decode.text import quoted
from recon.errors import DecodeError

WEAK, STRONG, OTHER = "weak", "strong", "other"
MALFORMED = "malformed"

# the tags of a value, in order: (kind, strength)
_FORMS: dict[tuple[str, ...], tuple[str, str]] = {
    ("I", "S"): ("X509IssuerSubject", WEAK),
    ("S",): ("X509SubjectOnly", WEAK),
    ("RFC822",): ("X509RFC822", WEAK),
    ("I", "SR"): ("X509IssuerSerialNumber", STRONG),
    ("SKI",): ("X509SKI", STRONG),
    ("SHA1-PUKEY",): ("X509SHA1PublicKey", STRONG),
}
_TAG = re.compile(r"<(I|S|SR|SKI|SHA1-PUKEY|RFC822)>", re.IGNORECASE)
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2})+")
_SERIAL = re.compile(r"(?:0[xX])?([0-9A-Fa-f]+)")
_ROOTS = frozenset({"DC", "C"})
_LONGEST = 8_192


class CertificateMapping(NamedTuple):
    """One value of altSecurityIdentities. What it does not name is None.

    `kind`: one of Microsoft's six names, kerberos, malformed (X509: and none of the six) or other. `strength`: strong,
    weak or other. `serial`: as the certificate has it, not reversed. `value`: mail address, key identifier or hash.
    `strong_value`: what to write instead, where the value itself tells; `note`: why.
    """

    kind: str
    strength: str
    issuer: str | None = None
    subject: str | None = None
    serial: str | None = None
    value: str | None = None
    strong_value: str | None = None
    note: str = ""


def read_mapping(text: str) -> CertificateMapping:
    """What one value says; never raises: what is no mapping is told so."""
    head, colon, rest = text.partition(":")
    scheme = head.strip().upper()
    if not colon or scheme not in ("X509", "KERBEROS"):
        return CertificateMapping("other", OTHER, note="begins with neither X509: nor Kerberos:")
    if scheme == "KERBEROS":
        return CertificateMapping("kerberos", OTHER, note="a name of another Kerberos realm, no certificate")
    if len(text) > _LONGEST:
        return CertificateMapping(MALFORMED, OTHER, note=f"over {_LONGEST} characters")
    before, *parts = _TAG.split(rest.strip())
    tags = tuple(tag.upper() for tag in parts[::2])
    values = [part.strip() for part in parts[1::2]]
    form = _FORMS.get(tags)
    if before or form is None:
        return CertificateMapping(MALFORMED, OTHER, note="its parts are none of the six forms")
    for tag, value in zip(tags, values, strict=True):
        if not value:
            return CertificateMapping(MALFORMED, OTHER, note=f"nothing stands behind <{tag}>")
        if tag in ("SR", "SKI", "SHA1-PUKEY") and not _HEX.fullmatch(value):
            return CertificateMapping(MALFORMED, OTHER, note=f"<{tag}> is no hexadecimal number of whole bytes")
    named = dict(zip(tags, values, strict=True))
    if "SHA1-PUKEY" in named and len(named["SHA1-PUKEY"]) != 40:
        return CertificateMapping(MALFORMED, OTHER, note="<SHA1-PUKEY> does not have 20 bytes")
    issuer, reversed_serial = named.get("I"), named.get("SR")
    strong_value, note = None, ""
    if issuer is not None and is_leaf_first(issuer):
        note = "the issuer begins with the name of the authority: it is written root first"
        if reversed_serial is not None:
            strong_value = f"X509:<I>{root_first(issuer)}<SR>{reversed_serial}"
    return CertificateMapping(
        kind=form[0],
        strength=form[1],
        issuer=issuer,
        subject=named.get("S"),
        serial=None if reversed_serial is None else reversed_bytes(reversed_serial).upper(),
        value=named.get("RFC822") or named.get("SKI") or named.get("SHA1-PUKEY"),
        strong_value=strong_value,
        note=note,
    )


def reversed_bytes(digits: str) -> str:
    """Hexadecimal digits in the order of bytes turned round: A1B2C3 becomes C3B2A1; an odd number gets a 0 in front."""
    whole = digits if len(digits) % 2 == 0 else f"0{digits}"
    return "".join(whole[place : place + 2] for place in range(len(whole) - 2, -1, -2))


def _names(dn: str) -> list[str]:
    """The relative names as written, the first first; raises DecodeError where it is no distinguished name."""
    names: list[str] = []
    begun, is_quoted, is_escaped = 0, False, False
    for place, mark in enumerate(dn):
        if is_escaped:
            is_escaped = False
        elif mark == "\\":
            is_escaped = True
        elif mark == '"':
            is_quoted = not is_quoted
        elif mark == "," and not is_quoted:
            names.append(dn[begun:place].strip())
            begun = place + 1
    names.append(dn[begun:].strip())
    if is_quoted or not all(re.match(r"[A-Za-z0-9.]+\s*=", name) for name in names):
        raise DecodeError(f"not a distinguished name: {quoted(dn)}")
    if '"' not in dn:
        dn_parts(dn)  # its escapes and types too
    return names


def _kind(name: str) -> str:
    return name.partition("=")[0].strip().upper()


def is_leaf_first(dn: str) -> bool:
    """True when a name begins with the authority's own part and ends with the root: CN=…,DC=contoso,DC=com."""
    try:
        names = _names(dn)
    except DecodeError:
        return False
    return len(names) > 1 and _kind(names[0]) not in _ROOTS and _kind(names[-1]) in _ROOTS | {"O"}


def root_first(dn: str) -> str:
    """A distinguished name as mappings have it: DC=com,DC=contoso,CN=…; blanks around the commas are dropped.

    A name that already begins with its root stays. Raises DecodeError where it is no distinguished name.
    """
    names = _names(dn)
    return ",".join(reversed(names) if is_leaf_first(dn) else names)


def serial_digits(text: str) -> str:
    """The hexadecimal digits of a serial number as tools show it: with colons, blanks or 0x. Raises DecodeError."""
    bare = re.sub(r"[\s:]", "", text)
    match = _SERIAL.fullmatch(bare)
    if match is None or len(match.group(1)) > 80:
        raise DecodeError(
            f"not a serial number: {quoted(text)}", hint="give it in hexadecimal, as the certificate shows it"
        )
    digits = match.group(1)
    return digits if len(digits) % 2 == 0 else f"0{digits}"


def issuer_serial(issuer: str, serial: str) -> str:
    """The strong mapping of an issuer and a serial number, both as a certificate shows them.

    CN=CONTOSO-DC-CA,DC=contoso,DC=com and 2B0000000011AC0000000012 give
    X509:<I>DC=com,DC=contoso,CN=CONTOSO-DC-CA<SR>1200000000AC11000000002B. Raises DecodeError.
    """
    return f"X509:<I>{root_first(issuer)}<SR>{reversed_bytes(serial_digits(serial)).upper()}"

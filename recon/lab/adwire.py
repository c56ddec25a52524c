"""The frame of LDAP messages: results and controls (RFC 4511 4.1.9, 4.1.11)."""

from dataclasses import dataclass

from recon.lab import ber
from recon.lab.addirsync import DirSync
from recon.lab.adsearch import CONTROLS, DIRSYNC, PAGED

CONTROLS_TAG = 0xA0


@dataclass
class Controls:
    """What a request carries. `paged`: size and cookie (RFC 2696)."""

    oids: frozenset[str] = frozenset()
    paged: tuple[int, bytes] | None = None
    dirsync: DirSync | None = None
    has_unknown_critical: bool = False


def result(
    message_id: bytes,
    tag: int,
    code: int,
    text: str,
    *,
    matched: str = "",
    tail: bytes = b"",
    paged: bytes | None = None,
    dirsync: bytes | None = None,
) -> bytes:
    """A whole message with an LDAPResult; `tail`: what follows in it; `paged`, `dirsync`: values of these controls."""
    parts = [ber.integer(code, ber.ENUMERATED), ber.text(matched), ber.text(text), tail]
    answers = [
        ber.value(ber.SEQUENCE, ber.text(oid), ber.octets(value))
        for oid, value in ((PAGED, paged), (DIRSYNC, dirsync))
        if value is not None
    ]
    controls = ber.value(CONTROLS_TAG, *answers) if answers else b""
    return ber.value(ber.SEQUENCE, message_id, ber.value(tag, *parts), controls)


def decode_controls(reader: ber.Reader) -> Controls:
    """Read what follows the operation in a message, up to its end. Raises BerError."""
    controls = Controls()
    if not reader.has_more:
        return controls
    inside = reader.inside(CONTROLS_TAG)
    reader.close()
    oids = set()
    while inside.has_more:
        control = inside.inside(ber.SEQUENCE)
        oid = control.text()
        is_critical = control.has_more and control.next_tag() == ber.BOOLEAN and control.boolean()
        content = control.octets() if control.has_more else b""
        control.close()
        if oid == PAGED:
            paged = ber.Reader(content)
            sequence = paged.inside(ber.SEQUENCE)
            paged.close()
            controls.paged = (max(0, sequence.integer()), sequence.octets())
            sequence.close()
        elif oid == DIRSYNC:
            controls.dirsync = DirSync.decode(content)
        elif oid not in CONTROLS and is_critical:
            controls.has_unknown_critical = True
        oids.add(oid)
    controls.oids = frozenset(oids)
    return controls

"""The bits of a number, one by one, up to 64 of them, from its signed or its unsigned form."""

from collections.abc import Mapping
from typing import NamedTuple

from recon.decode import grouptype, uac
from recon.errors import DecodeError


class Bit(NamedTuple):
    """One bit that is set. `power`: its place from 0; `value`: 2^power; `name`: '' where it has none."""

    power: int
    value: int
    name: str
    note: str


# what a number may be: bit to (name, note)
KINDS: dict[str, Mapping[int, tuple[str, str]]] = {
    "uac": {flag.bit: (flag.name, flag.note) for flag in uac.FLAGS},
    "grouptype": {flag.bit: (flag.name, flag.note) for flag in grouptype.FLAGS},
    "number": {},
}
_WIDTHS = {"uac": (32,), "grouptype": (32,), "number": (32, 64)}


class Number(NamedTuple):
    """A number in both forms. `width`: 32 or 64 bits, the smaller that holds it."""

    signed: int
    unsigned: int
    width: int
    bits: tuple[Bit, ...]


def bits(value: int, kind: str = "number") -> Number:
    """Every bit that is set in a number, lowest first. Raises DecodeError when the kind has no room for it."""
    for width in _WIDTHS[kind]:
        if -(1 << width - 1) <= value < 1 << width:
            unsigned = value & (1 << width) - 1
            names = KINDS[kind]
            listed = tuple(
                Bit(power, 1 << power, *names.get(power, ("", "undocumented" if names else "")))
                for power in range(width)
                if unsigned >> power & 1
            )
            signed = unsigned - (1 << width) if unsigned >> width - 1 else unsigned
            return Number(signed, unsigned, width, listed)
    what = {"uac": "a userAccountControl value", "grouptype": "a groupType value"}.get(kind, "a number for this")
    raise DecodeError(f"not {what}: {value} needs more than {_WIDTHS[kind][-1]} bits")

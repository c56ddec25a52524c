"""groupType and sAMAccountType in words ([MS-ADTS] 2.2.12; Microsoft's sAMAccountType page)."""

from typing import NamedTuple

from recon.errors import DecodeError

_SYSTEM, _GLOBAL, _DOMAIN_LOCAL, _UNIVERSAL, _APP_BASIC, _APP_QUERY = 1, 2, 4, 8, 16, 32
_SECURITY = 0x80000000


class GroupFlag(NamedTuple):
    """One flag. `bit`: its place from 0; `value`: 2^bit, unsigned; AD stores the number signed."""

    bit: int
    name: str
    value: int
    note: str


FLAGS: tuple[GroupFlag, ...] = tuple(
    GroupFlag(value.bit_length() - 1, name, value, note)
    for value, name, note in (
        (_SYSTEM, "BUILTIN_LOCAL_GROUP", "made by the system"),
        (_GLOBAL, "ACCOUNT_GROUP", "a global group"),
        (_DOMAIN_LOCAL, "RESOURCE_GROUP", "a domain local group"),
        (_UNIVERSAL, "UNIVERSAL_GROUP", "a universal group"),
        (_APP_BASIC, "APP_BASIC_GROUP", "of Authorization Manager: members are listed"),
        (_APP_QUERY, "APP_QUERY_GROUP", "of Authorization Manager: members are asked for"),
        (_SECURITY, "SECURITY_ENABLED", "a security group; in a signed number the sign"),
    )
)
_SCOPES = {
    _GLOBAL: "global",
    _DOMAIN_LOCAL: "domain local",
    _UNIVERSAL: "universal",
    _APP_BASIC: "app basic",
    _APP_QUERY: "app query",
}
_KNOWN = sum(flag.value for flag in FLAGS)

SAM_ACCOUNT_TYPES: dict[int, str] = {
    0x10000000: "security group",
    0x10000001: "distribution group",
    0x20000000: "domain local security group",
    0x20000001: "domain local distribution group",
    0x30000000: "user",
    0x30000001: "computer",
    0x30000002: "trust",
    0x40000000: "app basic group",
    0x40000001: "app query group",
}


class GroupType(NamedTuple):
    """A decoded groupType. `scope`: global, domain local, universal, builtin local, app basic, app query.

    `value` is the signed 32-bit number that AD stores: below 0 is a security group.
    """

    scope: str
    is_security: bool
    value: int
    flags: tuple[str, ...]


def describe(value: int) -> GroupType:
    """Scope, kind and flags of a groupType, from its signed or its unsigned form.

    Raises DecodeError for more than 32 bits, unknown bits, and unless exactly one scope is named.
    """
    if not -(1 << 31) <= value < 1 << 32:
        raise DecodeError(f"not a groupType value: {value} needs more than 32 bits")
    bits = value & 0xFFFFFFFF
    if bits & ~_KNOWN:
        raise DecodeError(f"not a groupType value: {value} has unknown bits 0x{bits & ~_KNOWN:x}")
    scopes = [name for bit, name in _SCOPES.items() if bits & bit]
    if len(scopes) != 1:
        raise DecodeError(f"not a groupType value: {value} names {len(scopes) or 'no'} scope{'s' * (len(scopes) > 1)}")
    is_builtin = bits & _SYSTEM and bits & _DOMAIN_LOCAL
    return GroupType(
        scope="builtin local" if is_builtin else scopes[0],
        is_security=bits & _SECURITY != 0,
        value=bits - (1 << 32) if bits & _SECURITY else bits,
        flags=tuple(flag.name for flag in FLAGS if bits & flag.value),
    )


def sam_account_type(value: int) -> str:
    """What kind of account a sAMAccountType names; raises DecodeError for an unknown number."""
    try:
        return SAM_ACCOUNT_TYPES[value]
    except KeyError as error:
        raise DecodeError(f"not a sAMAccountType value: {value}") from error

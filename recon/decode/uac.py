"""userAccountControl: which flags a stored value has, and what it cannot tell.

LOCKOUT and PASSWORD_EXPIRED live in the constructed msDS-User-Account-Control-Computed alone; in a stored
value they prove nothing ([MS-ADTS] 2.2.16; Microsoft, "UserAccountControl property flags").
"""

from typing import NamedTuple

from recon.errors import DecodeError

ACCOUNTDISABLE = 0x2


class Flag(NamedTuple):
    """One flag. `bit`: its place from 0; `value`: 2^bit; `is_computed`: only in the constructed attribute."""

    bit: int
    name: str
    value: int
    note: str
    is_computed: bool


def _flag(bit: int, name: str, note: str, *, is_computed: bool = False) -> Flag:
    return Flag(bit, name, 1 << bit, note, is_computed)


FLAGS: tuple[Flag, ...] = (
    _flag(0, "SCRIPT", "the logon script runs"),
    _flag(1, "ACCOUNTDISABLE", "the account is disabled"),
    _flag(3, "HOMEDIR_REQUIRED", "a home folder is required"),
    _flag(4, "LOCKOUT", "locked out: only in the computed attribute; else see lockoutTime", is_computed=True),
    _flag(5, "PASSWD_NOTREQD", "no password is required"),
    _flag(6, "PASSWD_CANT_CHANGE", "an access control entry, not a stored flag"),
    _flag(7, "ENCRYPTED_TEXT_PWD_ALLOWED", "the password is stored reversibly"),
    _flag(8, "TEMP_DUPLICATE_ACCOUNT", "local account of a user whose main account is in another domain"),
    _flag(9, "NORMAL_ACCOUNT", "a user account"),
    _flag(11, "INTERDOMAIN_TRUST_ACCOUNT", "account of a trust"),
    _flag(12, "WORKSTATION_TRUST_ACCOUNT", "a computer account"),
    _flag(13, "SERVER_TRUST_ACCOUNT", "a domain controller's account"),
    _flag(16, "DONT_EXPIRE_PASSWORD", "the password never expires"),
    _flag(17, "MNS_LOGON_ACCOUNT", "majority node set logon account"),
    _flag(18, "SMARTCARD_REQUIRED", "a smart card is required to log on"),
    _flag(19, "TRUSTED_FOR_DELEGATION", "trusted for unconstrained Kerberos delegation"),
    _flag(20, "NOT_DELEGATED", "sensitive: never delegated"),
    _flag(21, "USE_DES_KEY_ONLY", "DES keys only"),
    _flag(22, "DONT_REQ_PREAUTH", "no Kerberos pre-authentication"),
    _flag(23, "PASSWORD_EXPIRED", "expired: only in the computed attribute; else see pwdLastSet", is_computed=True),
    _flag(24, "TRUSTED_TO_AUTH_FOR_DELEGATION", "may delegate after protocol transition"),
    _flag(25, "NO_AUTH_DATA_REQUIRED", "tickets carry no authorization data"),
    _flag(26, "PARTIAL_SECRETS_ACCOUNT", "a read-only domain controller's account"),
    _flag(27, "USE_AES_KEYS", "AES keys: only in the computed attribute", is_computed=True),
)  # fmt: skip

_BY_BIT = {flag.bit: flag for flag in FLAGS}


def _bits(value: int) -> list[int]:
    if not -(1 << 31) <= value < 1 << 32:
        raise DecodeError(f"not a userAccountControl value: {value} needs more than 32 bits")
    return [bit for bit in range(32) if value >> bit & 1]


def flags(value: int) -> list[str]:
    """The names of the flags that are set, lowest bit first; undocumented bits have none (see warnings).

    Raises DecodeError when the value needs more than 32 bits.
    """
    return [_BY_BIT[bit].name for bit in _bits(value) if bit in _BY_BIT]


def is_disabled(value: int) -> bool:
    """True when ACCOUNTDISABLE is set; the one bit that says so."""
    return value & ACCOUNTDISABLE != 0


def warnings(value: int) -> list[str]:
    """What a reader must not conclude from this stored value: computed, never stored and undocumented bits."""
    found = []
    for bit in _bits(value):
        flag = _BY_BIT.get(bit)
        if flag is None:
            found.append(f"undocumented bit {bit}")
        elif flag.is_computed:
            found.append(f"computed bit in stored value: {flag.name} proves nothing here")
        elif flag.name == "PASSWD_CANT_CHANGE":
            found.append("PASSWD_CANT_CHANGE is an access control entry: the stored bit proves nothing")
    return found

"""What a refused bind means: LDAP result and Active Directory's own sub-code, in words with a next step.

A refused bind is never repeated, here or elsewhere: each try counts towards the account's lockout.
"""

import re

from recon.decode.text import printable
from recon.errors import SignInError

_SUB_CODE = re.compile(r"\bdata ([0-9a-fA-F]{1,8})\b")
_CHANNEL_BINDING = "80090346"
_TLS = 'use ldaps:// or ldap:// with tls = "verify" (StartTLS)'
_SAMBA = "; Samba: ldap server require strong auth = allow_sasl_over_tls"
_CREDENTIALS = "check the password, the spelling of the user name, and the spelling of the domain"

# sub-code (hexadecimal Windows error): reason, next step
SUB_CODES: dict[str, tuple[str, str]] = {
    "525": ("the user does not exist", "check the spelling of the user name and of the domain"),
    "52e": ("wrong password, user name or domain", f"{_CREDENTIALS} (DOMAIN\\user, user@suffix or a DN)"),
    "530": ("the account may not sign in at this hour", "ask for other logon hours"),
    "531": ("the account may not sign in from this machine", "ask for this machine to be allowed"),
    "532": ("the password has expired", "set a new password for the account"),
    "533": ("the account is disabled", "enable it, or configure another user"),
    "701": ("the account has expired", "extend it, or configure another user"),
    "773": ("the password must be changed first", "sign in once as this user and change it"),
    "775": ("the account is locked out", "unlock it, and find what tried wrong passwords before you try again"),
    _CHANNEL_BINDING: (
        "the domain controller demands channel binding, which a simple bind does not have",
        'the password is not the cause: sign_in = "kerberos" over TLS has it, or ask for LdapEnforceChannelBinding = 1',
    ),
}

_KERBEROS_BINDING = (
    "the domain controller demands channel binding, and the ticket is bound to no channel or to another one",
    "use ldaps:// or StartTLS; with TLS: does a load balancer end it? or ask for LdapEnforceChannelBinding = 1",
)


def sub_code(message: str) -> str | None:
    """AD's sub-code of a bind refusal, lower-case hexadecimal; None where the text has none."""
    match = _SUB_CODE.search(message)
    return match.group(1).lower() if match else None


def bind_refused(host: str, user: str, result: int, message: str, *, is_kerberos: bool = False) -> SignInError:
    """The error for a bind that was answered with `result` and the server's diagnostic text."""
    who = f"{host} refused to sign in {printable(user)}"
    if result in (8, 13):
        return SignInError(
            f"{who}: it demands signing or TLS (result {result})",
            hint=f"{_TLS}{_SAMBA}" if is_kerberos else _TLS,
        )
    code = sub_code(message)
    if is_kerberos and _CHANNEL_BINDING in message:
        reason, hint = _KERBEROS_BINDING
        return SignInError(f"{who}: {reason} ({_CHANNEL_BINDING})", hint=hint)
    if code in SUB_CODES:
        reason, hint = SUB_CODES[code]
        return SignInError(f"{who}: {reason} (data {code})", hint=hint)
    if _CHANNEL_BINDING in message:
        reason, hint = SUB_CODES[_CHANNEL_BINDING]
        return SignInError(f"{who}: {reason} ({_CHANNEL_BINDING})", hint=hint)
    if code is not None:
        return SignInError(f"{who}: Windows error {int(code, 16)} (data {code})", hint=f"net helpmsg {int(code, 16)}")
    if result in (32, 34):
        return SignInError(
            f"{who}: not a name it knows (result {result})", hint="give DOMAIN\\user, user@suffix or a DN"
        )
    text = printable(message.strip("\0 \n"))[:200]
    return SignInError(f"{who}: result {result}" + (f": {text}" if text else ""), hint=_CREDENTIALS)


def layers_demanded(host: str) -> SignInError:
    """The error for a server that would go on by Kerberos with a security layer alone, which we do not have."""
    return SignInError(
        f"{host} refused to sign in the Kerberos account: it demands signing or TLS (security layers)",
        hint=f"{_TLS}{_SAMBA}",
    )

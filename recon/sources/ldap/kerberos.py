"""Signing in with a Kerberos ticket instead of a stored password (SASL GSSAPI, RFC 4752), through ldap3.

On Linux and macOS by gssapi: the default credential cache, or the keytab that KRB5_CLIENT_KTNAME names. On Windows by
winkerberos: whoever runs the process, a group managed service account in a scheduled task for one. Over TLS the ticket
is bound to the channel; without TLS nothing is signed, and a domain controller that demands signing refuses it.
"""

import importlib
import ipaddress
from typing import Any

import ldap3
from ldap3.core.exceptions import LDAPCommunicationError, LDAPPackageUnavailableError

from recon.config import AdSource
from recon.decode.text import printable
from recon.errors import ConfigError, SignInError
from recon.sources.ldap.bind_errors import layers_demanded

# what the library says (lower case): the reason and the next step, in our words
_REASONS = (
    (("no kerberos credentials", "no credentials", "credentials cache", "no credential"), "no ticket",
     "kinit as the account that reads, or name its keytab in KRB5_CLIENT_KTNAME"),
    (("expired",), "the ticket has expired", "kinit again, or name a keytab in KRB5_CLIENT_KTNAME"),
    (("clock skew", "time skew"), "the clocks differ too much",
     "set the clock of this machine: Kerberos allows five minutes"),
    (("server not found", "not found in kerberos database", "target is unknown", "unknown spn"),
     "the domain knows no such service",
     "use the domain controller's full host name in `url`, or set `kerberos_host`; setspn -L lists its names"),
    (("cannot contact any kdc", "cannot find kdc", "cannot resolve", "no authentication authority"),
     "no domain controller answers for the ticket", "check the realm in krb5.conf, DNS, and port 88"),
    (("client not found", "preauthentication failed", "password incorrect"), "the keytab does not fit the account",
     "make the keytab anew: the account's password or name has changed"),
)  # fmt: skip


def prepare(connection: Any, source: AdSource) -> None:
    """Set up ldap3's connection for a bind with a ticket for the host of `url`, or `kerberos_host`."""
    connection.authentication = ldap3.SASL
    connection.sasl_mechanism = ldap3.KERBEROS
    connection.sasl_credentials = (source.kerberos_host,) if source.kerberos_host else None


def library_errors() -> tuple[type[Exception], ...]:
    """What the installed Kerberos library raises; ldap3 lets it through."""
    found: list[type[Exception]] = [LDAPPackageUnavailableError]
    for module, name in (("gssapi.exceptions", "GSSError"), ("winkerberos", "GSSError")):
        try:
            found.append(getattr(importlib.import_module(module), name))
        except (ImportError, AttributeError):
            continue
    return tuple(found)


def ticket_error(host: str, source: AdSource, name: str, error: Exception) -> ConfigError | SignInError:
    """The error for a ticket that could not be had. `name`: the host it was asked for."""
    if isinstance(error, LDAPPackageUnavailableError):
        return ConfigError(
            f'[ad] {source.name}: sign_in = "kerberos" needs a Kerberos library',
            hint="pip install 'directory-recon[kerberos]' (on Debian first apt install libkrb5-dev gcc)",
        )
    text = " ".join(str(error).split())
    folded = text.lower()
    who = f"{host}: no sign-in by Kerberos as ldap/{printable(name)}"
    for signs, reason, hint in _REASONS:
        if any(sign in folded for sign in signs):
            if _is_address(name) and "service" in reason:
                hint = "`url` names an address: Kerberos needs the full host name there, or in `kerberos_host`"
            return SignInError(f"{who}: {reason}", hint=hint)
    return SignInError(
        f"{who}: {printable(text)[:300]}", hint="klist shows the tickets; KRB5_TRACE=/dev/stderr the steps"
    )


def negotiation_error(host: str, error: Exception) -> SignInError | None:
    """The error for what ldap3 does not negotiate (RFC 4752 3.1); None where `error` is of the connection."""
    if type(error) is not LDAPCommunicationError:  # the classes below it are lost connections
        return None
    if "requires a security layer" in str(error):
        return layers_demanded(host)
    return SignInError(f"{host}: no sign-in by Kerberos: {printable(str(error))[:200]}")


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True

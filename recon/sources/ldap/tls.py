"""TLS to a domain controller, verified by the standard library: chain, dates, host name or address.

ldap3's own TLS verifies nothing by default and compares names by itself; here it only sends the request.
"""

import ssl
from typing import Any

import ldap3

from recon.config import AdSource
from recon.decode.text import printable
from recon.errors import ConfigError, SourceError


class VerifiedTls(ldap3.Tls):  # type: ignore[misc]
    """TLS by the standard library's own rules, kept failure included: ldap3 passes on its text alone."""

    def __init__(self, context: ssl.SSLContext, host: str) -> None:
        super().__init__(validate=ssl.CERT_REQUIRED)
        self._context = context
        self._host = host
        self.failure: Exception | None = None

    def wrap_socket(self, connection: Any, do_handshake: bool = False) -> None:
        """Replace the connection's socket by a verified TLS socket."""
        try:
            connection.socket = self._context.wrap_socket(
                connection.socket, server_hostname=self._host, do_handshake_on_connect=do_handshake
            )
        except (OSError, ValueError) as error:
            self.failure = error
            raise


def tls_context(source: AdSource) -> ssl.SSLContext:
    """A context that demands a valid certificate for the host; trusts ca_file alone where one is given."""
    try:
        context = ssl.create_default_context(cafile=None if source.ca_file is None else str(source.ca_file))
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            f"[ad] {source.name}: ca_file {source.ca_file} cannot be used: {network_reason(error)}",
            hint="a PEM file with the certificate of the CA that signed the domain controllers' certificates",
        ) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def certificate_error(host: str, failure: ssl.SSLCertVerificationError, source: AdSource) -> SourceError:
    """The error for a certificate that was not accepted, with what to change."""
    reason = printable(failure.verify_message)
    if failure.verify_code in (62, 64):  # X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH
        hint = "use a name in `url` that the certificate holds (subject alternative names)"
    elif failure.verify_code in (9, 10):  # not yet valid, expired
        hint = "the certificate or the clock is wrong: ask for a renewed certificate"
    elif source.ca_file is None:
        hint = "set `ca_file` to the PEM file of the CA that signed it"
    else:
        hint = f"ca_file {source.ca_file} does not hold the CA that signed it"
    return SourceError(f"{host}: its certificate cannot be verified: {reason}", hint=hint)


def network_reason(error: Exception) -> str:
    """The cause of a failed connection for people: one line, no secret."""
    if isinstance(error, OSError) and error.strerror:
        return printable(error.strerror)
    return printable(str(error))[:200] or type(error).__name__

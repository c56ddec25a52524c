"""What a refused search means: LDAP result codes as errors with a next step (RFC 4511 appendix A)."""

from recon.decode.text import printable
from recon.errors import AccessError, RestartError, SignInError, SourceError, TransientError
from recon.sources.ldap.exchange import Received, Search


def _diagnostic(message: str) -> str:
    """The server's text for people; AD ends it with a NUL."""
    return printable(message.strip("\0 \n"))[:200]


def refused(host: str, search: Search, received: Received, *, has_cookie: bool, is_anonymous: bool) -> SourceError:
    """The error for a search that was answered with another result than success."""
    code, text = received.code, _diagnostic(received.message)
    where = f"{host}: search below {printable(search.base) or 'the rootDSE'}"
    is_range = any(";range=" in name for name in search.attributes)
    detail = f"result {code}" + (f": {text}" if text else "")
    match code:
        case 51 | 52:
            return TransientError(f"{where}: the server is busy ({detail})")
        case 12 | 53 if has_cookie:
            return RestartError(f"{where}: the server no longer knows the page ({detail})")
        case 1 | 32 if is_range:  # a range behind the last value is an operationsError
            return RestartError(f"{where}: it changed while it was read ({detail})")
        case 10 | 32 | 34:
            return SourceError(
                f"{where}: no such base ({detail})", hint="check `bases`, or leave it out for the whole domain"
            )
        case 1 if is_anonymous:
            return SignInError(f"{where}: not without signing in ({detail})", hint="set `user` and its password")
        case 50:
            return AccessError(f"{where}: no right to read it ({detail})", hint="grant the user read access")
        case 3 | 4 | 11:
            return SourceError(f"{where}: the server cut the answer off ({detail})", hint="set a smaller page_size")
        case _:
            return SourceError(f"{where}: refused ({detail})")

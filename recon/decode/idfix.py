r"""What synchronization would refuse about a value: the rules of IdFix for names and addresses, one code per cause.

IdFix (Microsoft, retired in June 2026) checked these before a directory is synchronized; docs/idfix.md maps its
errors to our codes. Where its source and Microsoft's page on preparing attributes differ, the page wins: an
apostrophe is allowed in a UPN and an address. Mail addresses are judged by recon.decode.mail.
"""

import re
from functools import lru_cache

from recon.decode.keys import fold, proxy_parts
from recon.decode.mail import mail_defects

MAX_UPN, MAX_UPN_LOCAL, MAX_UPN_DOMAIN = 113, 64, 48
MAX_ADDRESS = 256  # of one value of proxyAddresses, and of targetAddress, prefix included
MAX_USER_SAM = 20

# Never delegated in the public DNS: RFC 6761 (6.2 to 6.4), RFC 6762 (3 and appendix G), ICANN's reservation of
# .internal and its refusal of .corp, .home and .mail. `example` is reserved too, and left out: rehearsals use it.
PRIVATE_DOMAINS = frozenset(
    {"corp", "home", "internal", "intranet", "invalid", "lan", "local", "localdomain", "localhost", "mail", "private"}
    | {"test"}
)

_DOMAIN = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*", re.IGNORECASE)
_NOT_IN_UPN = re.compile(r"[^A-Za-z0-9'._!#^~@-]")
_UPN = re.compile(r"[A-Za-z0-9'._!#^~-]{0,63}[A-Za-z0-9'_!#^~-]@[A-Za-z0-9.-]{1,48}")
_NOT_IN_NICKNAME = re.compile(r"""[\s\\!#$%&*+/=?^`{}|~<>()';:,\[\]"@]""")
_NOT_IN_SAM = re.compile(r'["\\/\[\]:;|=,+*?<>]')
_NOT_IN_ADDRESS = re.compile(r'[\s<>(),\[\]"]')
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


@lru_cache(maxsize=4096)
def is_private_domain(domain: str) -> bool:
    """True for a domain that the public DNS cannot hold: without a dot, or below a private name such as .local."""
    first, dot, top = domain.rstrip(".").rpartition(".")
    return not dot or not first or top.lower() in PRIVATE_DOMAINS


@lru_cache(maxsize=4096)
def _ends_private(domain: str) -> bool:
    """A domain with a dot inside and a private name behind the last one; blanks and a dot at its end aside."""
    _, dot, top = domain.strip().rstrip(".").rpartition(".")
    return bool(dot) and top.lower() in PRIVATE_DOMAINS


def _private(address: str) -> bool:
    """An address below a private name; one without a dot is a defect of its domain already."""
    return _ends_private(address.rpartition("@")[2])


@lru_cache(maxsize=4096)
def _is_domain(domain: str) -> bool:
    return _DOMAIN.fullmatch(domain) is not None


def upn_defects(upn: str) -> tuple[str, ...]:
    """What is wrong with a user principal name, () when it may be synchronized as it is.

    no_at, several_ats, empty_local
    bad_character   a letter with an accent, a blank, or one of \\ % & * + / = ? { } | < > ( ) ; : , [ ] " $ `
    bad_local       ends with a period
    bad_domain      an empty label, a hyphen at a label's ends
    too_long        over 113 characters, over 64 before or 48 behind the @
    not_routable    the suffix has no dot or ends in a private name such as .local
    """
    local, at, domain = upn.rpartition("@")
    if _UPN.fullmatch(upn) and _is_domain(domain):
        return ("not_routable",) if is_private_domain(domain) else ()
    found = []
    if not at:
        local, domain = upn, ""
        found.append("no_at")
    elif "@" in local:
        found.append("several_ats")
    elif not local:
        found.append("empty_local")
    if _NOT_IN_UPN.search(upn.strip()):
        found.append("bad_character")
    if local.endswith("."):
        found.append("bad_local")
    if len(upn) > MAX_UPN or len(local) > MAX_UPN_LOCAL or len(domain) > MAX_UPN_DOMAIN:
        found.append("too_long")
    if at:
        bare = _NOT_IN_UPN.sub("x", domain.strip())
        if not _is_domain(bare):
            found.append("bad_domain")
        elif is_private_domain(bare):
            found.append("not_routable")
    return tuple(found)


def address_defects(mail: str) -> tuple[str, ...]:
    """What is wrong with attribute mail: mail_defects, and not_routable for an address below a private name."""
    found = mail_defects(mail)
    return (*found, "not_routable") if _private(mail) else found


def proxy_defects(value: str) -> tuple[str, ...]:
    """What is wrong with one value of proxyAddresses or targetAddress, prefix and all.

    no_prefix for a value without a type; X400 and X500 values are skipped; an address of SMTP is judged as a mail
    address and by its domain, any other by the characters that no address may have (bad_character). Of those and of
    values without a type also control, and blanks for white space at the ends. too_long: over 256 characters with its
    prefix.
    """
    return parted_defects(value, *proxy_parts(value))


def _text_defects(value: str) -> tuple[str, ...]:
    """control, and blanks at the ends: what no value may have."""
    found = ("control",) if not value.isprintable() and _CONTROL.search(value) else ()
    return (*found, "blanks") if value != value.strip() else found


def parted_defects(value: str, prefix: str | None, address: str) -> tuple[str, ...]:
    """proxy_defects of a value whose parts are known."""
    kind = None if prefix is None else prefix.upper()
    if kind in ("X400", "X500"):
        return ()
    long = ("too_long",) if len(value) > MAX_ADDRESS else ()
    if kind is None:
        return ("no_prefix", *_text_defects(value), *long)
    if kind != "SMTP":
        refused = ("bad_character",) if _NOT_IN_ADDRESS.search(address) else ()
        return (*refused, *_text_defects(value), *long)
    found = mail_defects(address)
    if "too_long" in found:
        found = tuple(defect for defect in found if defect != "too_long")
    return found + long + (("not_routable",) if _private(address) else ())


def nickname_defects(nickname: str) -> tuple[str, ...]:
    """bad_character, and bad_period for a period at one of the ends; its length is the schema's."""
    found = ("bad_character",) if _NOT_IN_NICKNAME.search(nickname.strip()) else ()
    return (*found, "bad_period") if nickname[:1] == "." or nickname[-1:] == "." else found


def user_sam_defects(name: str) -> tuple[str, ...]:
    """bad_character, and too_long over the 20 characters that a user's sAMAccountName may have."""
    found = ("bad_character",) if _NOT_IN_SAM.search(name) else ()
    return (*found, "too_long") if len(name) > MAX_USER_SAM else found


def target_key(value: str, size: int | None = None) -> str | None:
    """targetAddress as it is compared: the folded address of an SMTP value, so that it meets mail; else all of it."""
    prefix, address = proxy_parts(value)
    return fold(address if prefix is not None and prefix.upper() == "SMTP" else value, size)

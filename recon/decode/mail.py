"""What is wrong with a mail address, in words SQL can group by.

The limits are Graph's for otherMails (250 characters, ASCII) and those of RFC 5321 and 5322 for what can be
delivered. Quoted local parts and address literals are legal there, but no personal address: they are defects here.
"""

import re
from functools import lru_cache

MAX_LENGTH = 250

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LOCAL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_DOMAIN = re.compile(rf"(?:{_LABEL}\.)+(?![0-9]+\Z){_LABEL}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_BLANK = re.compile(r"\s+")
_OTHER_LETTER = re.compile(r"[^\x00-\x7f]")


@lru_cache(maxsize=4096)  # people share few domains
def _is_sound_domain(domain: str) -> bool:
    return _DOMAIN.fullmatch(domain) is not None


def mail_defects(text: str) -> tuple[str, ...]:
    """The defects of an address, () for a sound one. Each says one thing; one cause gives one defect.

    control     control characters
    blanks      white space before, behind or inside
    non_ascii   characters beyond ASCII: Graph refuses them in otherMails
    too_long    over 250 characters
    no_at, several_ats, empty_local
    bad_local   illegal characters, dots at the ends or doubled, over 64 characters
    bad_domain  no dot, an empty label, illegal characters, hyphens at a label's ends, digits at the end
    """
    local, at, domain = text.partition("@")
    if at and len(local) <= 64 and len(text) <= MAX_LENGTH and _LOCAL.fullmatch(local) and _is_sound_domain(domain):
        return ()
    found = []
    if _CONTROL.search(text):
        found.append("control")
    if _BLANK.search(_CONTROL.sub("", text)):
        found.append("blanks")
    if not text.isascii():
        found.append("non_ascii")
    if len(text) > MAX_LENGTH:
        found.append("too_long")
    # what has been named already is taken out, so that it is not named again as a bad part
    bare = _OTHER_LETTER.sub("x", _BLANK.sub("", _CONTROL.sub("", text)))
    ats = bare.count("@")
    if ats != 1:
        found.append("several_ats" if ats else "no_at")
        return tuple(found)
    local, _, domain = bare.partition("@")
    if not local:
        found.append("empty_local")
    elif len(local) > 64 or not _LOCAL.fullmatch(local):
        found.append("bad_local")
    if not _DOMAIN.fullmatch(domain):
        found.append("bad_domain")
    return tuple(found)

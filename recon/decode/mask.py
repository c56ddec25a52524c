"""Mail addresses made unreadable for reports and reader views; the form stays, the person goes."""

import re

_WORD = r"[^\s@<>()\[\]{},;:\"|/=?&]"
# Addresses in URLs have %40 for the @. The look-behind lets a match begin only where a word begins: one pass.
_ADDRESS = re.compile(rf"(\"[^\"@\n]{{1,64}}\"(?=@)|(?<!{_WORD}){_WORD}+?)((?:(?:@|%40){_WORD}*)+)")


def _part(text: str) -> str:
    return f"{text[0]}***" if len(text) > 1 and text[0].isalnum() else "***"


def mask_mail(text: str) -> str:
    """j***@g***.com of jane@gmail.com: the first letters and the top-level domain.

    A part of one letter is masked whole; text without an @ keeps its first letter only.
    """
    local, at, domain = text.strip().rpartition("@")
    if not at:
        return _part(domain)
    name, dot, top = domain.rpartition(".")
    return f"{_part(local)}@{_part(name)}.{top}" if dot else f"{_part(local)}@{_part(domain)}"


def mask_value(text: str) -> str:
    """The same for a value that ought to be one address and may be none: blanks at the ends stay to be seen."""
    bare = text.strip()
    if not bare:
        return text
    start = text.index(bare)
    return f"{text[:start]}{mask_mail(bare)}{text[start + len(bare) :]}"


def _masked(match: re.Match[str]) -> str:
    found = match.group()
    bare = found.strip("'")  # the quotes of OData and Python around it
    before = found[: len(found) - len(found.lstrip("'"))]
    address = bare.rstrip(".!'")
    behind = found[len(before) + len(address) :]
    return before + mask_mail(address.replace("%40", "@")) + behind


def mask_text(text: str) -> str:
    """The text with every mail address in it masked, also as %40 in a URL; the rest stays."""
    return _ADDRESS.sub(_masked, text) if "@" in text or "%40" in text else text

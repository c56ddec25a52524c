"""Mail addresses made unreadable for reports and reader views; the form stays, the person goes."""

import re

_STOP = r"\s@<>()\[\],;:\"|"
# The look-behind lets a match begin only where a word begins: linear on any input.
_ADDRESS = re.compile(rf"(?<![^{_STOP}])[^{_STOP}]+@[^{_STOP}'/\\]+|\"[^\"@\n]{{1,64}}\"@[^{_STOP}'/\\]+")


def _part(text: str) -> str:
    return f"{text[0]}***" if len(text) > 1 else "***"


def mask_mail(text: str) -> str:
    """j***@g***.com of jane.doe@gmail.example.com: first letters and the top-level domain.

    One letter alone is masked too; text without an @ keeps its first letter only.
    """
    local, at, domain = text.strip().rpartition("@")
    if not at:
        return _part(domain)
    name, dot, top = domain.rpartition(".")
    return f"{_part(local)}@{_part(name)}.{top}" if dot else f"{_part(local)}@{_part(domain)}"


def _masked(match: re.Match[str]) -> str:
    found = match.group()
    address = found.rstrip(".!?")
    return mask_mail(address) + found[len(address) :]


def mask_text(text: str) -> str:
    """The text with every mail address in it masked; the rest stays."""
    return _ADDRESS.sub(_masked, text) if "@" in text else text

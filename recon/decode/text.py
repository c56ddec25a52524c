"""Text on its way to a terminal or a spreadsheet: what would act there is made visible or harmless.

Nothing here changes what is stored; these are the last steps before a person sees a value.
"""

import json
import re

_ACTING = re.compile(
    "["
    "\x00-\x1f\x7f-\x9f"  # C0, DEL, C1: cursor movement, colours, window titles
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # bidi marks, overrides and isolates
    "\u200b\u2060-\u2064\ufeff\ufff9-\ufffb"  # invisible: two names that look alike
    "\u2028\u2029"  # line ends that are not \n
    "\ud800-\udfff"  # lone surrogates cannot be written as UTF-8
    "\U000e0000-\U000e007f"  # tag characters
    "]"
)
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_FORMULA_START = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_NEGATIVE_NUMBER = re.compile(r"-[0-9]+(?:\.[0-9]+)?")
_SHOWN = 80


def _visible(match: re.Match[str]) -> str:
    character = match.group()
    if character in _SHORT:
        return _SHORT[character]
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def printable(text: str) -> str:
    """The text with everything visible that would steer a terminal or reverse what is read.

    Control characters, bidi overrides, invisible characters and lone surrogates become \\x1b, \\u202e …;
    line ends and tabs too. Letters of every script and the joiners that some need stay. Not reversible.
    """
    return text if text.isprintable() else _ACTING.sub(_visible, text)


def _json_escape(match: re.Match[str]) -> str:
    units = match.group().encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[place : place + 2].hex()}" for place in range(0, len(units), 2))


def json_text(value: object) -> str:
    """The value as JSON in one line: the characters that printable() shows are escaped, so that nothing is lost."""
    return _ACTING.sub(_json_escape, json.dumps(value, ensure_ascii=False))


def quoted(text: str) -> str:
    """The value as an error message shows it: visible characters, at most 80 of them, in quotes."""
    shown = printable(text[: _SHOWN + 1])
    return f"'{shown}'" if len(shown) <= _SHOWN - 2 else f"'{shown[: _SHOWN - 3]}…'"


def cell(text: str) -> str:
    """The text as a spreadsheet cell that never becomes a formula: a leading = + - @ gets a ' before it.

    Also tab and line ends, and the full-width forms (OWASP, CSV Injection). A negative number stays a number.
    """
    if text.startswith(_FORMULA_START) and not _NEGATIVE_NUMBER.fullmatch(text):
        return "'" + text
    return text

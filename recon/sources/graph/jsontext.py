"""Graph's JSON to plain Python values that every database can hold, fast where the text is as it should be.

Two things that JSON can write and no database takes are replaced by U+FFFD: the NUL character and halves of
surrogate pairs. A text that is cut off stays an error.
"""

import json
from typing import Any

import orjson

REPLACEMENT = "�"


def clean_text(text: str) -> str:
    """The text with NULs and lone surrogates replaced by U+FFFD; the same object where there are none."""
    if "\0" in text:
        text = text.replace("\0", REPLACEMENT)
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, list):
        return [_clean(item) for item in value]
    if isinstance(value, dict):
        return {_clean(name): _clean(item) for name, item in value.items()}
    return value


def read_json(data: bytes) -> Any:
    """The value of a JSON text. Raises ValueError when it is not JSON, or not all of it."""
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        if b"\\u" not in data and b"\\U" not in data:
            raise
        # orjson refuses lone surrogates, the standard library reads them; both refuse a text that is cut off
        try:
            return _clean(json.loads(data))
        except RecursionError as error:
            raise ValueError("nested too deeply") from error
    return _clean(value) if b"\\u0000" in data else value

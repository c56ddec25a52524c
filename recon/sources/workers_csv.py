"""Records of a CSV extract, read strictly: nothing is guessed that would move a value into another column.

Every value is text: leading zeros stay, and what looks like a formula is data. A file that is not what it should
be (encoding, quotes, number of fields) raises SourceError with the line or record.
"""

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from recon.config import WorkerSource
from recon.errors import ConfigError, SourceError
from recon.sources.worker_columns import check_headers

_DELIMITERS = (",", ";", "\t", "|")
_NAMED = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}
_BOMS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)


class CsvFile(NamedTuple):
    """An extract whose header has been read."""

    path: Path
    headers: list[str]
    records: Iterator[tuple[int, dict[str, str]]]  # record number (the header is 1), header to text


def open_csv(source: WorkerSource, path: Path) -> CsvFile:
    """The header and the records of the extract at `path`.

    Raises SourceError when it cannot be read or is empty, ConfigError for an encoding or delimiter that does not exist.
    """
    encoding = source.encoding or _encoding(path)
    rows = _rows(source, path, encoding)
    try:
        number, first = next(rows)
    except StopIteration:
        raise SourceError(f"{path}: the file is empty: no workers", hint="check the export") from None
    headers = _headers(first)
    check_headers(headers, str(path))
    return CsvFile(path, headers, _records(path, headers, number, rows))


def _headers(fields: list[str]) -> list[str]:
    # a blank header names nothing; what stands under it must not be lost
    return [field.removeprefix("\ufeff").strip() or f"column {place}" for place, field in enumerate(fields, 1)]


def _records(
    path: Path, headers: list[str], number: int, rows: Iterator[tuple[int, list[str]]]
) -> Iterator[tuple[int, dict[str, str]]]:
    width = len(headers)
    names = set(headers)
    for line, fields in rows:
        number += 1
        if len(fields) != width:
            raise SourceError(
                f"{path}: record {number} (line {line}) has {len(fields)} fields, the header has {width}",
                hint="an unquoted delimiter inside a value, or a record that was cut off",
            )
        # the columns of a second file may stand in another order
        if fields[0].strip("\ufeff ") in names and set(_headers(fields)) == names:
            raise SourceError(
                f"{path}: record {number} (line {line}) is a header again: several files were joined",
                hint="give one extract with one header",
            )
        yield number, dict(zip(headers, fields, strict=True))


def _rows(source: WorkerSource, path: Path, encoding: str) -> Iterator[tuple[int, list[str]]]:
    """(line number, fields) of every record that is not blank; the first is the header, with number 1."""
    try:
        with path.open(encoding=encoding, newline="") as stream:
            lines = _without_nul(stream, path)
            head = next((line for line in lines if line.strip("\ufeff \t\r\n")), "").removeprefix("\ufeff")
            delimiter = _delimiter(source, head)
            reader = csv.reader(_chained(head, lines), delimiter=delimiter, strict=True)
            is_header = True
            for fields in reader:
                if not fields:
                    continue
                yield (1 if is_header else reader.line_num), fields
                is_header = False
    except LookupError as error:
        raise ConfigError(f"[workers] encoding: {encoding!r} is not known") from error
    except UnicodeError as error:
        raise _undecodable(path, encoding, error) from error
    except csv.Error as error:
        raise SourceError(f"{path}: line {reader.line_num}: {error}", hint="a quote that does not end?") from error
    except OSError as error:
        raise SourceError(f"{path}: cannot be read: {error.strerror}", hint="check file in [workers]") from error


def _without_nul(stream: io.TextIOBase, path: Path) -> Iterator[str]:
    for number, line in enumerate(stream, 1):
        if "\0" in line:
            raise SourceError(
                f"{path}: line {number}: a NUL character", hint='UTF-16 without a mark? encoding = "utf-16-le"'
            )
        if not line.isascii():
            line.encode()  # some encodings can write half of a surrogate pair, which no database takes
        yield line


def _chained(head: str, lines: Iterator[str]) -> Iterator[str]:
    if head:
        yield head
    yield from lines


def _encoding(path: Path) -> str:
    """The encoding that the file's mark names; UTF-8 without one."""
    try:
        with path.open("rb") as stream:
            start = stream.read(4)
    except OSError as error:
        raise SourceError(f"{path}: cannot be read: {error.strerror}", hint="check file in [workers]") from error
    return next((encoding for mark, encoding in _BOMS if start.startswith(mark)), "utf-8")


def _delimiter(source: WorkerSource, head: str) -> str:
    if source.delimiter is not None:
        delimiter = _NAMED.get(source.delimiter.lower(), source.delimiter)
        if len(delimiter) != 1 or delimiter in '"\r\n':
            raise ConfigError(f"[workers] delimiter: {source.delimiter!r} is not one character")
        return delimiter
    # what stands between quotes is a name, not a separator
    bare = "".join(head.split('"')[::2])
    return max(_DELIMITERS, key=bare.count)


def _undecodable(path: Path, encoding: str, error: UnicodeError) -> SourceError:
    hint = 'set encoding in [workers], such as "cp1252"'
    if not encoding.lower().replace("_", "-").startswith("utf-8"):
        return SourceError(f"{path}: not {encoding}: {error.__class__.__name__}", hint=hint)
    with path.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as found:
                byte = line[found.start]
                return SourceError(f"{path}: line {number}: byte 0x{byte:02X} is not UTF-8", hint=hint)
    return SourceError(f"{path}: not {encoding}", hint=hint)

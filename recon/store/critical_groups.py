"""A site's list of groups whose loss would hurt (table critical_group): put on it, taken off it, read from a CSV."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, delete, insert, select

from recon.decode.guid import guid_bytes, guid_text
from recon.decode.keys import fold
from recon.decode.text import quoted
from recon.errors import DecodeError, UsageError
from recon.store.match_tables import clock
from recon.store.site_tables import critical_group
from recon.store.tables import LOADED

_COLUMNS = ("id", "owner", "contact", "note")
_LENGTH = 256


@dataclass(frozen=True, slots=True)
class CriticalGroup:
    """One listed group. `id`: its object id, in lower case."""

    id: str
    owner: str | None = None
    contact: str | None = None
    note: str | None = None


def object_id_of(text: str) -> str | None:
    """The object id in lower case, None for a text that is none."""
    try:
        return guid_text(guid_bytes(text.strip()))
    except DecodeError:
        return None


def find_group(connection: Connection, named: str) -> str:
    """The object id of a group given by its id, or by the name of exactly one loaded or deleted group.

    An id need not be loaded. Raises UsageError for a name that no group or several have.
    """
    key = object_id_of(named)
    if key is not None:
        return key
    found: set[str] = set()
    name = fold(named, _LENGTH)
    for table in (LOADED["entra_group"], LOADED["entra_deleted"]):
        rows = connection.scalars(select(table.c.id).where(table.c.name_key == name))
        found.update(str(each) for each in rows)
    if not found:
        raise UsageError(f"no loaded group is called {quoted(named)}", hint="give its object id, or load the tenant")
    if len(found) > 1:
        raise UsageError(
            f"{len(found)} groups are called {quoted(named)}", hint=f"give one id: {', '.join(sorted(found)[:5])}"
        )
    return found.pop()


def listed(connection: Connection) -> list[CriticalGroup]:
    """The whole list, by id."""
    rows = connection.execute(select(*(critical_group.c[name] for name in _COLUMNS)).order_by(critical_group.c.id))
    return [CriticalGroup(*row) for row in rows]


def put(connection: Connection, groups: Sequence[CriticalGroup]) -> None:
    """Put groups on the list, each in place of the row that its id had."""
    for group in groups:
        connection.execute(delete(critical_group).where(critical_group.c.id == group.id))
        connection.execute(
            insert(critical_group).values(id=group.id, owner=group.owner, contact=group.contact, note=group.note)
        )


def take_off(connection: Connection, key: str) -> None:
    """Take one group off the list. Raises UsageError when it is not on it."""
    rows = connection.execute(
        delete(critical_group).where(critical_group.c.id == key), execution_options={"preserve_rowcount": True}
    ).rowcount
    if not rows:
        raise UsageError(f"{key} is no critical group", hint="recon groups critical list")


def read_csv(path: Path) -> Iterator[CriticalGroup]:
    """The rows of a CSV file with a header: id, and owner, contact, note as far as they are there.

    Raises UsageError with file and line for the first row that cannot be used.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream, strict=True)
            header = [name.strip().lower() for name in reader.fieldnames or ()]
            if "id" not in header or not set(header) <= set(_COLUMNS) or len(set(header)) != len(header):
                raise UsageError(f"{path}:1: the header is {', '.join(_COLUMNS)}, the last three as needed")
            reader.fieldnames = header
            seen: dict[str, int] = {}
            for row in reader:
                yield _read_row(f"{path}:{reader.line_num}", row, seen, reader.line_num)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a CSV file in UTF-8"
        raise UsageError(f"{path}: cannot be read: {reason}") from error


def _read_row(where: str, row: dict[str, str | None], seen: dict[str, int], line: int) -> CriticalGroup:
    if None in row or None in row.values():
        raise UsageError(f"{where}: not as many values as the header has names")
    key = object_id_of(row["id"] or "")
    if key is None:
        raise UsageError(f"{where}: {quoted(row['id'] or '')} is no object id")
    if key in seen:
        raise UsageError(f"{where}: {key} stands in line {seen[key]} already")
    seen[key] = line
    values = {name: checked(where, name, row.get(name)) for name in _COLUMNS[1:]}
    return CriticalGroup(key, **values)


def checked(where: str, name: str, value: str | None) -> str | None:
    """A text without blanks around it, None for an empty one. Raises UsageError for one that is too long."""
    text = (value or "").strip()
    if len(text) > _LENGTH:
        raise UsageError(f"{where}: {name} has more than {_LENGTH} characters")
    return text or None


def check_loaded(connection: Connection) -> None:
    """Raise UsageError where nothing can be said about groups: none was loaded, or there was no refresh."""
    tables = (LOADED["entra_group"], LOADED["entra_deleted"])
    if all(connection.execute(select(table.c.id).limit(1)).first() is None for table in tables):
        raise UsageError(
            "no groups of a tenant are loaded",
            hint="recon load entra, with groups and deleted in [entra] objects",
        )
    if connection.scalar(select(clock.c.as_of_date)) is None:
        raise UsageError("no refresh yet: days are counted from the last one", hint="recon refresh")

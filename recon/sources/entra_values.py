"""Single values of Graph's JSON, typed: what does not fit becomes None and a defect, never an error."""

from typing import Any

from recon import objects
from recon.decode.mask import mask_text
from recon.decode.times import iso_text
from recon.errors import DecodeError

Child = tuple[str, tuple[object, ...]]

_DEFECT = "entra_value_defect"
_LONGEST_DEFECT = 1_000  # characters of a value that are kept in its defect
_PERSONAL = frozenset({"othermails"} | {c.name for c in objects.TABLES["entra_user"].columns if c.personal})


class Defects:
    """The defects of one object, as children."""

    __slots__ = ("rows",)

    def __init__(self) -> None:
        self.rows: list[Child] = []

    def add(self, attribute: str, defect: str, value: object, position: int = 0) -> None:
        """Note a defect of one value; a personal value is masked or left out."""
        text = None if value is None or value == "" else str(value)[:_LONGEST_DEFECT]
        if text is not None and attribute in _PERSONAL:
            text = mask_text(text) if attribute == "othermails" else None
        self.rows.append((_DEFECT, (attribute, position, defect, text)))


def is_longer(text: str, size: int) -> bool:
    """True when the text has more than `size` UTF-16 units, which is what nvarchar counts."""
    length = len(text)
    if length > size:
        return True
    return 2 * length > size and not text.isascii() and length + sum(c > "\uffff" for c in text) > size


def _cut(text: str, size: int) -> str:
    return text.encode("utf-16-le")[: 2 * size].decode("utf-16-le", "ignore")


class Columns:
    """The columns of one table that take a property as it is, compiled once for speed."""

    def __init__(self, table: str, *, derived: frozenset[str]) -> None:
        self.width = len(objects.TABLES[table].columns)
        self.place = objects.TABLES[table].position
        self.texts: list[tuple[int, str, int, str, bool]] = []
        self.flags: list[tuple[int, str, str]] = []
        self.times: list[tuple[int, str, str]] = []
        self.nested: dict[str, list[tuple[int, str, int, str, bool]]] = {}
        for place, column in enumerate(objects.TABLES[table].columns):
            if column.attribute is None or column.name in derived:
                continue
            name, _, member = column.attribute.partition(".")
            size = column.size or 1 << 30
            if member:
                self.nested.setdefault(name, []).append((place, member, size, column.name, False))
            elif column.type in ("text", "anchor"):
                self.texts.append((place, name, size, column.name, column.type == "anchor"))
            elif column.type == "flag":
                self.flags.append((place, name, column.name))
            elif column.type == "time":
                self.times.append((place, name, column.name))
            else:
                raise ValueError(f"{table}.{column.name}: no reader for type {column.type}")

    def read(self, item: dict[str, Any], defects: Defects) -> list[Any]:
        """The values in column order; derived columns are None."""
        values: list[Any] = [None] * self.width
        get = item.get
        _read_texts(self.texts, item, values, defects)
        for place, name, column in self.flags:
            value = get(name)
            if value is True:
                values[place] = 1
            elif value is False:
                values[place] = 0
            elif value is not None:
                defects.add(column, "not_true_or_false", value)
        for place, name, column in self.times:
            value = get(name)
            if value is not None:
                values[place] = time_of(column, value, defects)
        for name, members in self.nested.items():
            value = get(name)
            if type(value) is dict:
                _read_texts(members, value, values, defects)
            elif value is not None:
                defects.add(name.lower(), "not_an_object", value)
        return values


def _read_texts(
    columns: list[tuple[int, str, int, str, bool]], item: dict[str, Any], values: list[Any], defects: Defects
) -> None:
    get = item.get
    for place, name, size, column, is_exact in columns:
        value = get(name)
        if value is None:
            continue
        if type(value) is not str:
            defects.add(column, "not_text", value)
        elif value:
            # 2 * size: no text can be too long below it, whatever its characters
            if 2 * len(value) > size and is_longer(value, size):
                defects.add(column, "too_long", value)
                # half an anchor is another person's: none is better
                values[place] = None if is_exact else _cut(value, size)
            else:
                values[place] = value


def time_of(column: str, value: Any, defects: Defects, position: int = 0) -> str | None:
    if type(value) is str:
        try:
            return iso_text(value)
        except DecodeError:
            pass
    if value != "":
        defects.add(column, "bad_time", value, position)
    return None


def list_of(item: dict[str, Any], name: str, defects: Defects) -> list[Any]:
    value = item.get(name)
    if value is None:
        return []
    if type(value) is not list:
        defects.add(name.lower(), "not_a_list", value)
        return []
    return value


def texts_of(item: dict[str, Any], name: str, defects: Defects) -> list[tuple[int, str]]:
    """The texts of a collection with their positions; anything else in it is a defect."""
    found = []
    for position, value in enumerate(list_of(item, name, defects)):
        if type(value) is not str:
            defects.add(name.lower(), "not_text", value, position)
        elif not value:
            defects.add(name.lower(), "empty", value, position)
        else:
            found.append((position, value))
    return found


def records_of(item: dict[str, Any], name: str, defects: Defects) -> list[tuple[int, dict[str, Any]]]:
    found = []
    for position, value in enumerate(list_of(item, name, defects)):
        if type(value) is dict:
            found.append((position, value))
        else:
            defects.add(name.lower(), "not_an_object", value, position)
    return found


class Members:
    """Texts of the records in a collection (identities, licences …), cut to their columns."""

    def __init__(self, table: str, attribute: str, names: tuple[str, ...]) -> None:
        places = objects.TABLES[table].position
        columns = objects.TABLES[table].columns
        self.columns = [
            (place, name, columns[places[name.lower()]].size or 1 << 30, f"{attribute}_{name.lower()}"[:128], False)
            for place, name in enumerate(names)
        ]

    def read(self, record: dict[str, Any], defects: Defects) -> list[Any]:
        values: list[Any] = [None] * len(self.columns)
        _read_texts(self.columns, record, values, defects)
        return values

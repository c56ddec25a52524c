"""Single values of Graph's JSON, typed: what does not fit becomes None and a defect, never an error."""

from collections.abc import Callable, Iterable, Sequence
from operator import gt, itemgetter
from types import NoneType
from typing import Any

from recon import objects
from recon.decode.keys import cut_units
from recon.decode.mask import mask_value
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
            text = mask_value(text) if attribute == "othermails" else None
        self.rows.append((_DEFECT, (attribute, position, defect, text)))


def is_longer(text: str, size: int) -> bool:
    """True when the text has more than `size` UTF-16 units, which is what nvarchar counts."""
    length = len(text)
    if length > size:
        return True
    return 2 * length > size and not text.isascii() and length + sum(c > "\uffff" for c in text) > size


_TEXTS = frozenset({str, NoneType})
_FLAGS = frozenset({bool, NoneType})

TextColumn = tuple[int, str, int, str, bool]  # place, property, size, column, is_exact


class Texts:
    """Text properties of one object, read together: no loop looks at values that are as they should be."""

    def __init__(self, columns: list[tuple[str, int, str, bool]]) -> None:
        self._columns: list[TextColumn] = [(place, *column) for place, column in enumerate(columns)]
        self._get = _getter([column[0] for column in columns])
        self.nothing: tuple[str | None, ...] = (None,) * len(columns)
        # no text can be too long up to half the size, whatever its characters
        self._halves = [column[1] // 2 for column in columns]

    def read(self, item: dict[str, Any], defects: Defects) -> Sequence[str | None]:
        """The values in the order of the columns, None for what is missing or does not fit."""
        values = self._get(item)
        if _TEXTS.issuperset(map(type, values)) and "" not in values:
            lengths = [0 if value is None else len(value) for value in values]
            if not any(map(gt, lengths, self._halves)):
                return values
        checked: list[str | None] = [*self.nothing]
        _read_texts(self._columns, item, checked, defects)
        return checked


def _getter(names: list[str]) -> Callable[[dict[str, Any]], tuple[Any, ...]]:
    """The values of several properties at once, None where one is missing."""
    if len(names) < 2:
        return lambda item: tuple([item.get(name) for name in names])
    get = itemgetter(*names)

    def read(item: dict[str, Any]) -> tuple[Any, ...]:
        try:
            return get(item)  # type: ignore[no-any-return]
        except KeyError:
            return tuple([item.get(name) for name in names])

    return read


class Columns:
    """The columns of one table that take a property as it is, compiled once for speed."""

    def __init__(self, table: str, *, derived: frozenset[str]) -> None:
        self.place = objects.TABLES[table].position
        texts: list[tuple[str, int, str, bool]] = []
        nested: dict[str, list[tuple[str, int, str, bool]]] = {}
        flags: list[tuple[str, str]] = []
        times: list[tuple[str, str]] = []
        for column in objects.TABLES[table].columns:
            if column.attribute is None or column.name in derived:
                continue
            name, _, member = column.attribute.partition(".")
            size = column.size or 1 << 30
            if member:
                nested.setdefault(name, []).append((member, size, column.name, False))
            elif column.type in ("text", "anchor"):
                texts.append((name, size, column.name, column.type == "anchor"))
            elif column.type == "flag":
                flags.append((name, column.name))
            elif column.type == "time":
                times.append((name, column.name))
            else:
                raise ValueError(f"{table}.{column.name}: no reader for type {column.type}")
        self._texts = Texts(texts)
        self._flags, self._get_flags = flags, _getter([name for name, _ in flags])
        self._times, self._get_times = times, _getter([name for name, _ in times])
        self._nested = {name: Texts(columns) for name, columns in nested.items()}
        read = [column for _, _, column, _ in texts] + [column for _, column in flags + times]
        read += [column for columns in nested.values() for _, _, column, _ in columns]
        found = {column: number for number, column in enumerate(read)}
        # what is derived takes the None that stands behind all that was read
        self._arrange = itemgetter(*(found.get(column.name, len(read)) for column in objects.TABLES[table].columns))

    def read(self, item: dict[str, Any], defects: Defects) -> list[Any]:
        """The values in column order; derived columns are None."""
        flags: Iterable[Any] = self._get_flags(item)
        flags = map(_FLAG.get, flags) if _FLAGS.issuperset(map(type, flags)) else self._checked_flags(item, defects)
        times = [
            None if value is None else time_of(column, value, defects)
            for (_, column), value in zip(self._times, self._get_times(item), strict=True)
        ]
        nested: list[str | None] = []
        for name, texts in self._nested.items():
            value = item.get(name)
            if type(value) is dict:
                nested += texts.read(value, defects)
            else:
                nested += texts.nothing
                if value is not None:
                    defects.add(name.lower(), "not_an_object", value)
        return list(self._arrange((*self._texts.read(item, defects), *flags, *times, *nested, None)))

    def _checked_flags(self, item: dict[str, Any], defects: Defects) -> list[int | None]:
        values: list[int | None] = []
        for name, column in self._flags:
            value = item.get(name)
            if value is not None and type(value) is not bool:
                defects.add(column, "not_true_or_false", value)
                value = None
            values.append(_FLAG[value])
        return values


_FLAG = {None: None, True: 1, False: 0}


def _read_texts(columns: list[TextColumn], item: dict[str, Any], values: list[str | None], defects: Defects) -> None:
    get = item.get
    for place, name, size, column, is_exact in columns:
        value = get(name)
        if value is None:
            continue
        if type(value) is not str:
            defects.add(column, "not_text", value)
        elif value:
            if is_longer(value, size):
                defects.add(column, "too_long", value)
                # half an anchor is another person's: none is better
                values[place] = None if is_exact else cut_units(value, size)
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
        self._texts = Texts(
            [
                (name, columns[places[name.lower()]].size or 1 << 30, f"{attribute}_{name.lower()}"[:128], False)
                for name in names
            ]
        )

    def read(self, record: dict[str, Any], defects: Defects) -> Sequence[str | None]:
        return self._texts.read(record, defects)

"""Rows for the store's tests, named by column: what is not named is None."""

from collections.abc import Iterable

from recon.objects import TABLES, Gone, Row, Withdrawn, Yielded


def kept(rows: Iterable[Yielded], found: list[Row | Gone] | None = None) -> list[Row | Gone]:
    """What a reading yields without what it withdrew; in `found`, also where it ends with an error."""
    found = [] if found is None else found
    for row in rows:
        if isinstance(row, Withdrawn):
            del found[len(found) - row.rows :]
        else:
            found.append(row)
    return found


def make_row(table: str, *children: tuple, **values: object) -> Row:
    """A Row of `table`; children are (child table, values after the parent's key)."""
    spec = TABLES[table]
    unknown = set(values) - set(spec.position)
    assert not unknown, f"{table} has no column {unknown}"
    return Row(table, tuple(values.get(column.name) for column in spec.columns), tuple(children))

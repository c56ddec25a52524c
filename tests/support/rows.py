"""Rows for the store's tests, named by column: what is not named is None."""

from recon.objects import TABLES, Row


def make_row(table: str, *children: tuple, **values: object) -> Row:
    """A Row of `table`; children are (child table, values after the parent's key)."""
    spec = TABLES[table]
    unknown = set(values) - set(spec.position)
    assert not unknown, f"{table} has no column {unknown}"
    return Row(table, tuple(values.get(column.name) for column in spec.columns), tuple(children))

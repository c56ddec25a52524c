"""Table lifecycle_date: hire and leave dates of AD and Entra users, judged once a refresh, because SQL cannot.

Which AD attribute holds a date is the site's configuration ([sync]); its value is read from ad_user's own columns, or
from ad_attribute. Entra's dates are employeeHireDate and employeeLeaveDateTime.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Column, Connection, Integer, SmallInteger, Table, delete, select

from recon.decode.lifecycle import advice, read_lifecycle_date
from recon.decode.times import day
from recon.store.bulk import insert_rows
from recon.store.tables import LOADED, metadata, sql_column

_BATCH = 5_000

lifecycle_date = Table(
    "lifecycle_date",
    metadata,
    sql_column("object_type", "key", 16, primary_key=True),  # ad_user or entra_user
    Column("source_id", Integer, primary_key=True, autoincrement=False),
    sql_column("object_key", "key", 36, primary_key=True),  # guid or id
    sql_column("kind", "key", 8, primary_key=True),  # hire or leave
    sql_column("attribute", "key", 128, nullable=False),
    sql_column("value", "text"),
    sql_column("content", "key", 8, nullable=False),  # date, mail or text: what the value seems to be
    Column("is_valid", SmallInteger, nullable=False),  # 1: has the form that synchronization takes
    sql_column("proposed", "text", 32),  # the value to write instead, where nobody need guess
    sql_column("advice", "text"),  # the value with the reason why it is refused and what to write
    sql_column("at", "time"),  # NULL unless valid
    sql_column("at_day", "day"),
    comment="One row per AD user or Entra user and kind of date (hire, leave) that has a value; made by each refresh.",
)


def attribute_column(attribute: str) -> str:
    """The attribute as columns and ad_attribute spell it: lower case, hyphens dropped."""
    return attribute.lower().replace("-", "")


def _ad_values(connection: Connection, attribute: str) -> Iterator[Sequence[Any]]:
    """Batches of (place, source_id, guid, value), in order of place."""
    name = attribute_column(attribute)
    users, own = LOADED["ad_user"].c, LOADED["ad_attribute"].c
    if name in users:
        wanted = select(users.row_id, users.source_id, users.guid, users[name]).where(users[name].is_not(None))
    else:
        wanted = (
            select(users.row_id, users.source_id, users.guid, own.value)
            .where(own.guid == users.guid, own.source_id == users.source_id)
            .where(own.attribute == name, own.position == 0)
        )
    yield from _batches(connection, wanted, users.row_id)


def _batches(connection: Connection, wanted: Any, place: Any) -> Iterator[Sequence[Any]]:
    """A SELECT in pieces of constant size, so that one connection may write what it reads."""
    last = 0
    while rows := connection.execute(wanted.where(place > last).order_by(place).limit(_BATCH)).all():
        yield rows
        last = rows[-1][0]


def _ad_row(row: Sequence[Any], kind: str, attribute: str) -> tuple[object, ...]:
    """A row of the table, its values in the order of the columns."""
    _, source_id, guid, value = row
    found = read_lifecycle_date(value, kind)
    return (
        "ad_user", source_id, guid, kind, attribute, value, found.content, int(found.at is not None), found.proposed,
        advice(value, found), found.at, None if found.at is None else day(found.at),
    )  # fmt: skip


def _entra_row(row: Sequence[Any], kind: str, attribute: str) -> tuple[object, ...]:
    _, source_id, key, at = row
    value = f"{at[:19].replace(' ', 'T')}Z"
    return ("entra_user", source_id, key, kind, attribute, value, "date", 1, None, None, at, day(at))


def fill_lifecycle_dates(connection: Connection, hire: str | None, leave: str | None) -> None:
    """Make the table again. `hire`, `leave`: the AD attributes, None where the site has none."""
    connection.execute(delete(lifecycle_date))
    users = LOADED["entra_user"].c
    for kind, attribute, entra in (("hire", hire, "employeeHireDate"), ("leave", leave, "employeeLeaveDateTime")):
        if attribute is not None:
            for rows in _ad_values(connection, attribute):
                insert_rows(connection, lifecycle_date, [_ad_row(row, kind, attribute) for row in rows])
        at = users[entra.lower()]
        wanted = select(users.row_id, users.source_id, users.id, at).where(at.is_not(None))
        for rows in _batches(connection, wanted, users.row_id):
            insert_rows(connection, lifecycle_date, [_entra_row(row, kind, entra) for row in rows])

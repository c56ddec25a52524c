"""What becomes of a finding's rows from refresh to refresh: new, still there, gone; and which of them a site accepts.

`finding_seen` remembers each row by finding, object, attribute and what the finding's header calls its identity, never
by values that come and go. `finding_acceptance` is a site's own: rows may be written by hand. An acceptance hides
nothing: its rows are counted and shown as accepted, and count as open again after its last day, held against the day
of the clock. Rows without an object key can neither be followed nor accepted.
"""

from dataclasses import dataclass
from functools import cache

from sqlalchemy import (
    CheckConstraint,
    Column,
    ColumnElement,
    Connection,
    Executable,
    Identity,
    Index,
    Integer,
    Select,
    Table,
    and_,
    bindparam,
    delete,
    distinct,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)

from recon.decode.times import utc_now_text
from recon.store.match_tables import clock, finding_row
from recon.store.tables import metadata, sql_column

finding_seen = Table(
    "finding_seen",
    metadata,
    sql_column("code", "key", 64, nullable=False),
    sql_column("object_type", "key", 32, nullable=False),
    sql_column("object_key", "key", 450, nullable=False),
    sql_column("attribute", "key", 128),
    sql_column("detail", "text"),
    sql_column("object_name", "text", 1024),
    Column("first_refresh", Integer),
    sql_column("first_day", "day", nullable=False),
    Column("gone_refresh", Integer),
    Index("finding_seen_code", "code", "object_key"),
    comment="One row per row of a finding that stands, or that the last refresh found gone. first_refresh: NULL when "
    "it was there the first time the finding was looked for; gone_refresh: NULL while it stands.",
)

finding_acceptance = Table(
    "finding_acceptance",
    metadata,
    Column("acceptance_id", Integer, Identity(), primary_key=True),
    sql_column("code", "key", 64, nullable=False),
    sql_column("object_key", "key", 450, nullable=False),
    sql_column("attribute", "key", 128),
    sql_column("detail", "text"),
    sql_column("accepted_until", "date", nullable=False),
    sql_column("accepted_by", "text", 128, nullable=False),
    sql_column("why", "text", 1000, nullable=False),
    sql_column("created_at", "time"),
    Index("finding_acceptance_code", "code", "object_key"),
    # text on SQLite, where 31.12.2026 would never come to its end
    CheckConstraint("accepted_until glob '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]'").ddl_if(dialect="sqlite"),
    comment="One row per accepted object of a finding, up to and with the day accepted_until; attribute NULL: whatever "
    "the attribute; detail: the one row of several that finding_row tells apart by it, NULL: all of them. "
    "Filled by recon findings accept, or by hand.",
)


@dataclass(frozen=True, slots=True)
class Acceptance:
    """One acceptance. `until`: its last day; `detail`: of the one row it covers, None: of all the object's rows.

    `covers`: rows of the last refresh; `is_expired`: its last day has passed.
    """

    code: str
    object_key: str
    attribute: str | None
    until: str
    by: str
    why: str
    detail: str | None = None
    covers: int = 0
    is_expired: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """How the rows of one finding changed with a refresh; None where there is no refresh before."""

    new: int | None
    gone: int | None
    accepted: int


# ---- written by a refresh -----------------------------------------------------------------------------


def _same_row() -> ColumnElement[bool]:
    return and_(
        finding_seen.c.code == finding_row.c.code,
        finding_seen.c.object_key == finding_row.c.object_key,
        finding_seen.c.object_type == finding_row.c.object_type,
        func.coalesce(finding_seen.c.attribute, "") == func.coalesce(finding_row.c.attribute, ""),
        func.coalesce(finding_seen.c.detail, "") == func.coalesce(finding_row.c.detail, ""),
    )


def _is_active() -> ColumnElement[bool]:
    """The acceptance holds on the day of the clock (an implicit join with its one row)."""
    return finding_acceptance.c.accepted_until >= clock.c.as_of_date


def _accepts() -> ColumnElement[bool]:
    return and_(
        finding_acceptance.c.code == finding_row.c.code,
        finding_acceptance.c.object_key == finding_row.c.object_key,
        or_(finding_acceptance.c.attribute.is_(None), finding_acceptance.c.attribute == finding_row.c.attribute),
        or_(finding_acceptance.c.detail.is_(None), finding_acceptance.c.detail == finding_row.c.detail),
    )


@dataclass(frozen=True, slots=True)
class _Following:
    """The statements of one finding in a refresh, made once: to make them takes longer than to run them on few rows."""

    forget: Executable
    leave: Executable
    arrive: Executable
    new: Select[int]
    gone: Select[int]
    accepted: Select[int]


@cache
def _following() -> _Following:
    """Parameters: its_code, refresh, first (the refresh that new rows came with, or NULL) and today."""
    row, seen, code = finding_row.c, finding_seen.c, bindparam("its_code", type_=finding_row.c.code.type)
    mine, refresh = seen.code == code, bindparam("refresh", type_=Integer())
    identity = (row.code, row.object_type, row.object_key, row.attribute, row.detail)
    arrived = (
        select(
            *identity,
            func.min(row.object_name),
            bindparam("first", type_=Integer()),
            bindparam("today", type_=Integer()),
        )
        .where(row.code == code, row.object_key.is_not(None), ~exists().where(_same_row()).correlate(finding_row))
        .group_by(*identity)
    )
    names = ["code", "object_type", "object_key", "attribute", "detail", "object_name", "first_refresh", "first_day"]
    stands = exists().where(_same_row()).correlate(finding_seen)
    counted = select(func.count()).select_from(finding_seen)
    return _Following(
        delete(finding_seen).where(mine, seen.gone_refresh.is_not(None)),
        update(finding_seen).where(mine, ~stands).values(gone_refresh=refresh),
        insert(finding_seen).from_select(names, arrived),
        counted.where(mine, seen.first_refresh == refresh),
        counted.where(mine, seen.gone_refresh == refresh),
        _accepted().where(row.code == code, finding_acceptance.c.code == code),
    )


def follow(connection: Connection, code: str, refresh_id: int, today: int, *, is_first: bool) -> Change:
    """Hold the rows of one finding, just made, against those of its refresh before; remember them for the next.

    `is_first`: the finding was never run before, so that none of its rows is new.
    """
    its, made = {"its_code": code}, _following()
    at = {**its, "refresh": refresh_id}
    connection.execute(made.forget, its)
    connection.execute(made.leave, at)
    connection.execute(made.arrive, {**its, "first": None if is_first else refresh_id, "today": today})
    accepted = connection.scalar(made.accepted, its) or 0
    if is_first:
        return Change(None, None, accepted)
    return Change(connection.scalar(made.new, at) or 0, connection.scalar(made.gone, at) or 0, accepted)


def _accepted() -> Select[int]:
    """How many rows an acceptance covers now."""
    return (
        select(func.count(distinct(finding_row.c.finding_row_id)))
        .join_from(finding_acceptance, finding_row, _accepts())
        .join(clock, _is_active())
    )


def accepted_counts(connection: Connection) -> dict[str, int]:
    """How many rows of each finding an acceptance covers now; findings without any are left out."""
    statement = _accepted().add_columns(finding_row.c.code).group_by(finding_row.c.code)
    return {code: int(rows) for rows, code in connection.execute(statement)}


# ---- read ---------------------------------------------------------------------------------------------


def acceptances(connection: Connection, code: str | None = None) -> list[Acceptance]:
    """All acceptances, of one finding or of all; the one that lasts longest comes last of its object."""
    table = finding_acceptance.c
    today = connection.scalar(select(clock.c.as_of_date))
    covers = select(func.count()).select_from(finding_row).where(_accepts()).correlate(finding_acceptance)
    statement = select(
        table.code,
        table.object_key,
        table.attribute,
        table.accepted_until,
        table.accepted_by,
        table.why,
        table.detail,
        covers.scalar_subquery(),
    ).order_by(table.code, table.object_key, table.accepted_until, table.acceptance_id)
    if code is not None:
        statement = statement.where(table.code == code)
    return [
        Acceptance(*row, is_expired=today is not None and row.accepted_until < today)
        for row in connection.execute(statement)
    ]


def gone_names(connection: Connection, code: str, limit: int) -> list[str]:
    """Names of objects whose rows the last refresh of this finding found gone, at most so many."""
    names = (
        select(finding_seen.c.object_name, finding_seen.c.object_key)
        .where(finding_seen.c.code == code, finding_seen.c.gone_refresh.is_not(None))
        .order_by(finding_seen.c.object_key)
        .limit(limit)
    )
    return [key if name is None else name for name, key in connection.execute(names)]


def new_rows(code: str) -> ColumnElement[bool]:
    """Condition on finding_row: the row was not there at the refresh before."""
    return exists().where(
        finding_seen.c.code == code, _same_row(), finding_seen.c.first_refresh == finding_row.c.refresh_id
    )


# ---- written by a site --------------------------------------------------------------------------------


def named_keys(connection: Connection, code: str, wanted: str) -> list[str]:
    """The keys of the objects in a finding's rows that have this key or this name (without case)."""
    row = finding_row.c
    found = connection.execute(select(row.object_key, row.object_name).where(row.code == code).distinct())
    named = [(key, name) for key, name in found if key is not None]
    exact = [key for key, _ in named if key == wanted]
    return exact or sorted({key for key, name in named if (name or "").casefold() == wanted.casefold()})


def attributes_of(connection: Connection, code: str, object_key: str) -> list[str]:
    """The attributes of a finding's rows about one object."""
    row = finding_row.c
    mine = row.code == code, row.object_key == object_key, row.attribute.is_not(None)
    return list(connection.scalars(select(row.attribute).where(*mine).distinct().order_by(row.attribute)))


def details_of(connection: Connection, code: str, object_key: str, value: str) -> list[str | None]:
    """What tells the rows of one object apart that show this value; None where the finding has one row for it."""
    row = finding_row.c
    shows = or_(row.hr_value == value, row.ad_value == value, row.entra_value == value, row.detail == value)
    mine = row.code == code, row.object_key == object_key, shows
    return list(connection.scalars(select(row.detail).where(*mine).distinct()))


def accept(connection: Connection, acceptance: Acceptance) -> None:
    """Write one acceptance in place of the one that the object had for this finding, attribute and detail."""
    table = finding_acceptance.c
    connection.execute(
        delete(finding_acceptance).where(
            table.code == acceptance.code,
            table.object_key == acceptance.object_key,
            table.attribute.is_not_distinct_from(acceptance.attribute),
            table.detail.is_not_distinct_from(acceptance.detail),
        )
    )
    connection.execute(
        insert(finding_acceptance).values(
            code=acceptance.code,
            object_key=acceptance.object_key,
            attribute=acceptance.attribute,
            detail=acceptance.detail,
            accepted_until=acceptance.until,
            accepted_by=acceptance.by,
            why=acceptance.why,
            created_at=utc_now_text(),
        )
    )


def withdraw(
    connection: Connection, code: str, object_key: str, attribute: str | None, detail: str | None = None
) -> int:
    """Delete the acceptances of one object; of one attribute or detail where they are given. Returns how many."""
    table = finding_acceptance.c
    conditions = [table.code == code, table.object_key == object_key]
    if attribute is not None:
        conditions.append(table.attribute == attribute)
    if detail is not None:
        conditions.append(table.detail == detail)
    return connection.execute(
        delete(finding_acceptance).where(*conditions), execution_options={"preserve_rowcount": True}
    ).rowcount

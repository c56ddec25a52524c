"""Finding one person in the loaded tables and their history.

A person is the objects that carry the identifier asked for, and those joined to them by source anchor, SID or employee
id, as they are or as they were; a UPN or a mail address is not followed, because it is given to someone else one day.
Where two persons fit, neither is taken.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, Table, and_, false, or_, select

from recon.decode.keys import EmployeeIdRules, employee_id_key, fold
from recon.errors import UsageError
from recon.objects import TABLES
from recon.store.tables import HISTORY, LOADED, source, source_link

_SHARED = 5  # objects of one table; an employee id on more of them is a placeholder and names nobody
# what each table calls the values that join the records of a person
JOINS: Mapping[str, Mapping[str, str]] = {
    "ad_user": {"employeeid_key": "employee id", "immutable_id": "anchor", "sid": "sid"},
    "entra_user": {"employeeid_key": "employee id", "onpremisesimmutableid": "anchor", "sid": "sid"},
    "worker": {"employeeid_key": "employee id"},
}

# the columns beside employeeid_key that a person is called by
_CALLED: Mapping[str, tuple[str, ...]] = {
    "ad_user": ("guid", "upn_key", "mail_key"),
    "entra_user": ("id", "upn_key", "mail_key"),
    "worker": ("worker_key", "work_mail_key", "personal_mail_key"),
}
_WHOLE = "give a worker id, employee id, UPN, mail address or object id, whole"


class Record(NamedTuple):
    """One object of a person. `key`: guid, id or worker id."""

    table: str
    source_id: int
    key: str


def versions(name: str) -> Iterator[Table]:
    yield LOADED[name]
    yield HISTORY[name]


def _records(connection: Connection, name: str, conditions: Iterable[tuple[str, Iterable[str]]]) -> set[Record]:
    """The objects of one table of which a version, present or past, holds one of the values in one of the columns."""
    wanted = [(column, sorted(values)) for column, values in conditions if values]
    if not wanted:
        return set()
    key = TABLES[name].key[0]
    found: set[Record] = set()
    for table in versions(name):
        statement = select(table.c.source_id, table.c[key]).where(
            or_(*(table.c[column].in_(values) for column, values in wanted))
        )
        found |= {Record(name, *row) for row in connection.execute(statement)}
    return found


def is_one_of(table: Table, key: str, records: Iterable[Record]) -> ColumnElement[bool]:
    return or_(false(), *(and_(table.c.source_id == each.source_id, table.c[key] == each.key) for each in records))


def _joining(connection: Connection, records: set[Record]) -> dict[str, set[str]]:
    """The values by which the records are joined to others, by kind."""
    values: dict[str, set[str]] = {"employee id": set(), "anchor": set(), "sid": set()}
    for name, columns in JOINS.items():
        mine = [each for each in records if each.table == name]
        for table in versions(name) if mine else ():
            rows = connection.execute(
                select(*(table.c[column] for column in columns)).where(is_one_of(table, TABLES[name].key[0], mine))
            )
            for row in rows:
                for kind, value in zip(columns.values(), row, strict=True):
                    if value is not None:
                        values[kind].add(value)
    values["employee id"] = {value for value in values["employee id"] if not _is_shared(connection, value)}
    return values


def _is_shared(connection: Connection, employee_id: str) -> bool:
    return any(len(_records(connection, name, [("employeeid_key", [employee_id])])) > _SHARED for name in JOINS)


def find_person(connection: Connection, who: str, rules: EmployeeIdRules) -> set[Record]:
    """The objects of a person, named by worker id, employee id, UPN, mail address or object id.

    Raises UsageError when nobody is found, when several persons fit, or when many carry the employee id.
    """
    folded, employee = fold(who), employee_id_key(who, rules)
    text = {folded} if folded else set()
    employees = {employee} if employee else set()
    if not text:
        raise UsageError("nobody is named", hint=_WHOLE)
    if employee and _is_shared(connection, employee):
        raise UsageError(
            f"the employee id {who} is carried by more than {_SHARED} objects of one table: it names no person",
            hint="name the person by object id or UPN",
        )
    records: set[Record] = set()
    for name, columns in _CALLED.items():
        wanted = [("employeeid_key", employees), *((column, text) for column in columns)]
        records |= _records(connection, name, wanted)
    if not records:
        raise UsageError(f"nobody is known as {who}", hint=_WHOLE)
    companies = _companies(connection)
    persons: list[set[Record]] = []
    for record in sorted(records):
        if not any(record in person for person in persons):
            persons.append(_followed(connection, record, companies))
    if len(persons) > 1:
        shown = ", ".join(
            f"{each.table} {each.key}" for each in (min(person & records) for person in persons[:_SHARED])
        )
        more = ", …" if len(persons) > _SHARED else ""
        raise UsageError(
            f"{who} fits {len(persons)} persons: {shown}{more}", hint="name one by the object id that stands here"
        )
    return persons[0]


def source_names(connection: Connection) -> dict[int, str]:
    """The names of all sources, by source_id."""
    return {row.source_id: row.name for row in connection.execute(select(source.c.source_id, source.c.name))}


def _companies(connection: Connection) -> dict[int, set[int]]:
    """The sources that hold the same people as each source does, itself included; {} where no links are known."""
    found: dict[int, set[int]] = {}
    for link in connection.execute(
        select(source_link.c.ad_source_id, source_link.c.entra_source_id, source_link.c.worker_source_id)
    ):
        joined: set[int] = {each for each in link if each is not None}
        for each in tuple(joined):
            joined |= found.get(each, set())
        found |= dict.fromkeys(joined, joined)
    return found


def foreign_sources(connection: Connection, records: Iterable[Record]) -> set[int]:
    """The sources that hold the people of other companies: what stands there under a name of the person is not his."""
    companies = _companies(connection)
    mine = {each for record in records for each in companies.get(record.source_id, {record.source_id})}
    return set(companies) - mine


def _followed(connection: Connection, record: Record, companies: Mapping[int, set[int]]) -> set[Record]:
    """The record, and what is joined to it in the sources that hold the same people."""
    mine = companies.get(record.source_id, {record.source_id}) if companies else None
    records = {record}
    while True:
        values = _joining(connection, records)
        more = set(records)
        for name, columns in JOINS.items():
            found = _records(connection, name, [(column, values[kind]) for column, kind in columns.items()])
            more |= {each for each in found if mine is None or each.source_id in mine}
        if more == records:
            return records
        records = more

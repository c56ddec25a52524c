"""Finding one person in the loaded tables, their history and what was rejected.

A person is the objects that carry the identifier asked for, and those joined to them by source anchor, SID or employee
id, as they are or as they were; a UPN or a mail address is not followed, because it is given to someone else one day.
Where two persons fit, neither is taken.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, Table, and_, false, func, or_, select

from recon.decode.keys import EmployeeIdRules, employee_id_key, fold
from recon.errors import UsageError
from recon.store.tables import HISTORY, LOADED, load_reject, source, source_link

_SHARED = 5  # objects of one table; an employee id on more of them is a placeholder and names nobody
_WHOLE = "give a worker id, employee id, UPN, mail address or object id, whole"
# the tables whose objects a person is made of
RECORDS = ("ad_user", "ad_contact", "entra_user", "worker")


class _Kept(NamedTuple):
    """A table in which a person can be found, the table of the object it speaks of, and the column with its key.

    `called`: the columns that the person is named by. `joins`: the columns whose values join the records of a person,
    by kind. `only`: a column, and the value it has in rows about such an object.
    """

    table: str
    record: str
    key: str
    called: tuple[str, ...]
    joins: Mapping[str, str] = {}
    only: tuple[str, str] | None = None


_KEPT = (
    _Kept(
        "ad_user", "ad_user", "guid", ("guid", "employeeid_key", "upn_key", "mail_key"),
        {"employeeid_key": "employee id", "immutable_id": "anchor", "sid": "sid"},
    ),
    _Kept("ad_user_proxyaddress", "ad_user", "guid", ("value_key",)),
    _Kept("ad_deleted", "ad_user", "guid", ("guid",), {"sid": "sid"}, ("object_type", "user")),
    _Kept("ad_contact", "ad_contact", "guid", ("guid", "mail_key", "targetaddress_key")),
    _Kept("ad_contact_proxyaddress", "ad_contact", "guid", ("value_key",)),
    _Kept("ad_deleted", "ad_contact", "guid", ("guid",), {}, ("object_type", "contact")),
    _Kept(
        "entra_user", "entra_user", "id", ("id", "employeeid_key", "upn_key", "mail_key"),
        {"employeeid_key": "employee id", "onpremisesimmutableid": "anchor", "sid": "sid"},
    ),
    _Kept("entra_user_proxyaddress", "entra_user", "id", ("value_key",)),
    _Kept("entra_user_othermail", "entra_user", "id", ("value_key",)),
    _Kept(
        "entra_deleted", "entra_user", "id", ("id", "employeeid_key", "upn_key", "mail_key"),
        {"employeeid_key": "employee id", "onpremisesimmutableid": "anchor"}, ("object_type", "user"),
    ),
    _Kept("entra_registration", "entra_user", "id", ("id", "upn_key")),
    _Kept("entra_signin", "entra_user", "id", ("id",)),
    _Kept("entra_member", "entra_user", "member_id", ("member_id",), {}, ("member_type", "user")),
    _Kept("entra_group_owner", "entra_user", "owner_id", ("owner_id",), {}, ("owner_type", "user")),
    _Kept("entra_role_member", "entra_user", "member_id", ("member_id",), {}, ("member_type", "user")),
    _Kept(
        "worker", "worker", "worker_id", ("worker_key", "employeeid_key", "work_mail_key", "personal_mail_key"),
        {"employeeid_key": "employee id"},
    ),
)  # fmt: skip
_CARRYING = tuple(each for each in _KEPT if each.table == each.record and "employeeid_key" in each.called)
_REJECTED = {each.table: each.record for each in _KEPT if each.only is None}  # rejected records of these are called so


class Record(NamedTuple):
    """One object of a person. `key`: guid, id or worker id."""

    table: str
    source_id: int
    key: str


def versions(name: str) -> Iterator[Table]:
    yield LOADED[name]
    yield HISTORY[name]


def _of_kind(kept: _Kept, table: Table) -> list[ColumnElement[bool]]:
    return [] if kept.only is None else [table.c[kept.only[0]] == kept.only[1]]


def _records(
    connection: Connection,
    kept: _Kept,
    conditions: Iterable[tuple[str, Iterable[str]]],
    sources: set[int] | None = None,
) -> set[Record]:
    """The objects, of some sources or all, of which a row, present or past, holds a value in one of the columns."""
    wanted = [(column, sorted(values)) for column, values in conditions if values]
    if not wanted:
        return set()
    found: set[Record] = set()
    for table in versions(kept.table):
        held = or_(*(table.c[column].in_(values) for column, values in wanted))
        statement = select(table.c.source_id, table.c[kept.key]).where(held, *_of_kind(kept, table))
        if sources is not None:
            statement = statement.where(table.c.source_id.in_(sources))
        found |= {Record(kept.record, *row) for row in connection.execute(statement)}
    return found


def is_one_of(table: Table, key: str, records: Iterable[Record]) -> ColumnElement[bool]:
    return or_(false(), *(and_(table.c.source_id == each.source_id, table.c[key] == each.key) for each in records))


def _joining(connection: Connection, records: set[Record]) -> dict[str, set[str]]:
    """The values by which the records are joined to others, by kind."""
    values: dict[str, set[str]] = {"employee id": set(), "anchor": set(), "sid": set()}
    for kept in _KEPT:
        mine = [each for each in records if each.table == kept.record]
        for table in versions(kept.table) if mine and kept.joins else ():
            rows = connection.execute(
                select(*(table.c[column] for column in kept.joins)).where(is_one_of(table, kept.key, mine))
            )
            for row in rows:
                for kind, value in zip(kept.joins.values(), row, strict=True):
                    if value is not None:
                        values[kind].add(value)
    return values


def _is_shared(connection: Connection, employee_id: str, sources: set[int] | None) -> bool:
    """Many objects of one company carry it; others number their people alike. `sources`: of the company, None: all."""
    carried = (_records(connection, kept, [("employeeid_key", [employee_id])], sources) for kept in _CARRYING)
    return any(len(each) > _SHARED for each in carried)


def _called(connection: Connection, text: str, employee_ids: set[str]) -> set[Record]:
    """The objects that are called so, as they are or as they were. `text`: folded."""
    addresses = {text, f"smtp:{text}", f"sip:{text}"}
    found: set[Record] = set()
    for kept in _KEPT:
        forms = {"employeeid_key": employee_ids, "value_key": addresses}
        found |= _records(connection, kept, [(column, forms.get(column, {text})) for column in kept.called])
    for table in versions("entra_deleted"):  # Entra puts the id before the UPN of a user it deletes
        upn = func.replace(table.c.id, "-", "", type_=table.c.id.type) + text
        named = select(table.c.source_id, table.c.id).where(table.c.object_type == "user", table.c.upn_key == upn)
        found |= {Record("entra_user", *row) for row in connection.execute(named)}
    known = {(each.table, each.source_id, fold(each.key)) for each in found}
    return found | {each for each in _rejected(connection, text) if (*each[:2], text) not in known}


def _rejected(connection: Connection, text: str) -> set[Record]:
    """The objects of that key that were held back: of some nothing else is kept."""
    its = load_reject.c
    held = select(its.object, its.source_id, its.object_key).where(
        its.object.in_(_REJECTED), its.object_key.is_not(None)
    )
    return {
        Record(_REJECTED[name], source_id, key)
        for name, source_id, key in connection.execute(held.distinct())
        if fold(key) == text
    }


def _of_source(connection: Connection, records: set[Record], text: str, name: str) -> set[Record]:
    """Of the records those of one source: the one that has the text for its id, else all of them."""
    names = source_names(connection)
    if name not in names.values():
        raise UsageError(f"no source is called {name}", hint=f"sources: {', '.join(sorted(names.values()))}")
    its = {each for each in records if names.get(each.source_id) == name}
    return {each for each in its if fold(each.key) == text} or its


def find_person(
    connection: Connection, who: str, rules: EmployeeIdRules, source_name: str | None = None
) -> set[Record]:
    """The objects of a person, named by worker id, employee id, UPN, mail address or object id.

    `source_name`: the person has an object of this source that is called so; whose id it is comes before others.
    Raises UsageError when nobody is found, when several persons fit, or when many carry the employee id.
    """
    folded, employee = fold(who), employee_id_key(who, rules)
    employees = {employee} if employee else set()
    if not folded:
        raise UsageError("nobody is named", hint=_WHOLE)
    records = _called(connection, folded, employees)
    if source_name is not None:
        records = _of_source(connection, records, folded, source_name)
    if not records:
        where = "" if source_name is None else f" in {source_name}"
        raise UsageError(f"nobody is known as {who}{where}", hint=_WHOLE)
    companies = _companies(connection)
    is_by_id = source_name is not None and all(fold(each.key) == folded for each in records)
    if (
        employee
        and not is_by_id
        and any(
            _is_shared(connection, employee, _company(companies, each)) for each in {each.source_id for each in records}
        )
    ):
        raise UsageError(
            f"the employee id {who} is carried by more than {_SHARED} objects of one table: it names no person",
            hint="name the person by object id or UPN",
        )
    persons: list[set[Record]] = []
    for record in sorted(records):
        if not any(record in person for person in persons):
            persons.append(_followed(connection, record, companies))
    if len(persons) > 1:
        names = source_names(connection)
        shown = ", ".join(
            f"{each.table} {each.key} ({names.get(each.source_id)})"
            for each in (min(person & records) for person in persons[:_SHARED])
        )
        more = ", …" if len(persons) > _SHARED else ""
        raise UsageError(
            f"{who} fits {len(persons)} persons: {shown}{more}",
            hint="name one by the object id that stands here, with --source and the source behind it",
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


def _company(companies: Mapping[int, set[int]], source_id: int) -> set[int] | None:
    """The sources that hold the same people as this one; None: all, for no links are known."""
    return companies.get(source_id, {source_id}) if companies else None


def shared_employee_ids(connection: Connection, records: set[Record]) -> list[str]:
    """The employee ids of a person that were not followed, because many objects of the company carry them."""
    sources = _company(_companies(connection), min(records).source_id)
    return sorted(
        each for each in _joining(connection, records)["employee id"] if _is_shared(connection, each, sources)
    )


def foreign_sources(connection: Connection, records: Iterable[Record]) -> set[int]:
    """The sources that hold the people of other companies: what stands there under a name of the person is not his."""
    companies = _companies(connection)
    mine = {each for record in records for each in companies.get(record.source_id, {record.source_id})}
    return set(companies) - mine


def _followed(connection: Connection, record: Record, companies: Mapping[int, set[int]]) -> set[Record]:
    """The record, and what is joined to it in the sources that hold the same people."""
    mine = _company(companies, record.source_id)
    records = {record}
    while True:
        values = _joining(connection, records)
        values["employee id"] = {each for each in values["employee id"] if not _is_shared(connection, each, mine)}
        more = set(records)
        for kept in _KEPT:
            more |= _records(connection, kept, [(column, values[kind]) for column, kind in kept.joins.items()], mine)
        if more == records:
            return records
        records = more

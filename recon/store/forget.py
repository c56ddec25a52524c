"""Removing one person from all that is kept beside the loaded tables: history, findings, rejected records.

What a source still has is not touched: the next load would bring it back. A person is the objects that carry the
identifier asked for, and those joined to them by source anchor, SID or employee id, as they are or as they were; a UPN
or a mail address is not followed, because it is given to someone else one day. Where two persons fit, neither is taken.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, Table, and_, func, or_, select, update

from recon.decode.keys import EmployeeIdRules, dn_key, employee_id_key, fold, utf16_units
from recon.errors import UsageError
from recon.objects import TABLES
from recon.store.acceptance import finding_acceptance, finding_seen
from recon.store.engine import Store
from recon.store.exact import ends_with
from recon.store.history import Removed, remove
from recon.store.match_tables import finding_row
from recon.store.tables import HISTORY, LOADED, load_drift, load_reject, source, source_link

_REJECT_KEY = 450  # UTF-16 units that load_reject holds of a name
_LONG = 200  # characters of a name that was cut: no two persons' begin alike for so long but by their containers
_SHARED = 5  # objects of one table; an employee id on more of them is a placeholder and names nobody
# what each table calls the values that join the records of a person
_JOINS: Mapping[str, Mapping[str, str]] = {
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

# further tables about the person, and the column with the person's guid or id
_ABOUT: Mapping[str, tuple[tuple[str, str], ...]] = {
    "ad_user": (("ad_deleted", "guid"),),
    "entra_user": (
        ("entra_member", "member_id"),
        ("entra_group_owner", "owner_id"),
        ("entra_role_member", "member_id"),
        ("entra_registration", "id"),
        ("entra_registration_method", "id"),
        ("entra_signin", "id"),
        ("entra_deleted", "id"),
    ),
    "worker": (),
}

# whose name stands in others: the person's table, the other's, and the two columns there
_NAMED = (
    ("ad_user", "ad_user", "manager", "manager_key"),
    ("ad_user", "ad_group", "managedby", "managedby_key"),
    ("ad_user", "ad_computer", "managedby", "managedby_key"),
    ("worker", "worker", "manager_id", "manager_key"),
)


class Record(NamedTuple):
    """One object of a person. `key`: guid, id or worker id."""

    table: str
    source_id: int
    key: str


@dataclass(frozen=True, slots=True)
class Staying:
    """A record that a source still has, so that it stays in the table of that name."""

    table: str
    source: str
    key: str


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was removed (or would be), and what stays."""

    removed: list[Removed]
    stays: list[Staying]


def _versions(name: str) -> Iterator[Table]:
    yield LOADED[name]
    yield HISTORY[name]


def _records(connection: Connection, name: str, conditions: Iterable[tuple[str, Iterable[str]]]) -> set[Record]:
    """The objects of one table of which a version, present or past, holds one of the values in one of the columns."""
    wanted = [(column, sorted(values)) for column, values in conditions if values]
    if not wanted:
        return set()
    key = TABLES[name].key[0]
    found: set[Record] = set()
    for table in _versions(name):
        statement = select(table.c.source_id, table.c[key]).where(
            or_(*(table.c[column].in_(values) for column, values in wanted))
        )
        found |= {Record(name, *row) for row in connection.execute(statement)}
    return found


def _is_one_of(table: Table, key: str, records: Iterable[Record]) -> ColumnElement[bool]:
    return or_(*(and_(table.c.source_id == each.source_id, table.c[key] == each.key) for each in records))


def _joining(connection: Connection, records: set[Record]) -> dict[str, set[str]]:
    """The values by which the records are joined to others, by kind."""
    values: dict[str, set[str]] = {"employee id": set(), "anchor": set(), "sid": set()}
    for name, columns in _JOINS.items():
        mine = [each for each in records if each.table == name]
        for table in _versions(name) if mine else ():
            rows = connection.execute(
                select(*(table.c[column] for column in columns)).where(_is_one_of(table, TABLES[name].key[0], mine))
            )
            for row in rows:
                for kind, value in zip(columns.values(), row, strict=True):
                    if value is not None:
                        values[kind].add(value)
    values["employee id"] = {value for value in values["employee id"] if not _is_shared(connection, value)}
    return values


def _is_shared(connection: Connection, employee_id: str) -> bool:
    return any(len(_records(connection, name, [("employeeid_key", [employee_id])])) > _SHARED for name in _JOINS)


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


def _followed(connection: Connection, record: Record, companies: Mapping[int, set[int]]) -> set[Record]:
    """The record, and what is joined to it in the sources that hold the same people."""
    mine = companies.get(record.source_id, {record.source_id}) if companies else None
    records = {record}
    while True:
        values = _joining(connection, records)
        more = set(records)
        for name, columns in _JOINS.items():
            found = _records(connection, name, [(column, values[kind]) for column, kind in columns.items()])
            more |= {each for each in found if mine is None or each.source_id in mine}
        if more == records:
            return records
        records = more


def _dn_keys(connection: Connection, records: list[Record]) -> list[str]:
    found: set[str] = set()
    for table in _versions("ad_user") if records else ():
        found |= set(connection.scalars(select(table.c.dn_key).where(_is_one_of(table, "guid", records))))
    return sorted(value for value in found if value is not None)


def _finding_keys(connection: Connection, records: list[Record]) -> list[str]:
    """What findings call the objects: the key, with the source behind it where several sources have the same."""
    names = {row.source_id: row.name for row in connection.execute(select(source.c.source_id, source.c.name))}
    return [key for each in records for key in (each.key, f"{each.key} ({names.get(each.source_id)})")]


def _places(connection: Connection, records: set[Record]) -> Iterator[tuple[Table, ColumnElement[bool]]]:
    """Where rows of the person are kept beside the loaded tables."""
    for name in _JOINS:
        mine = sorted(each for each in records if each.table == name)
        if not mine:
            continue
        key = TABLES[name].key[0]
        for child in (name, *(each.name for each in TABLES.values() if each.parent == name)):
            yield HISTORY[child], _is_one_of(HISTORY[child], key, mine)
        keys = _finding_keys(connection, mine)
        yield finding_row, and_(finding_row.c.object_type == name, finding_row.c.object_key.in_(keys))
        yield finding_seen, and_(finding_seen.c.object_type == name, finding_seen.c.object_key.in_(keys))
        yield finding_acceptance, finding_acceptance.c.object_key.in_(keys)
        if rejected := _rejected(connection, mine, _dn_keys(connection, mine) if name == "ad_user" else []):
            sources = {each.source_id for each in mine}
            yield load_reject, and_(load_reject.c.source_id.in_(sources), load_reject.c.object_key.in_(rejected))
        yield load_drift, or_(*(_drifted(each) for each in mine))
        if name == "ad_user" and (names := _dn_keys(connection, mine)):
            yield HISTORY["ad_member"], HISTORY["ad_member"].c.member_key.in_(names)
            yield (
                HISTORY["ad_password_policy_target"],
                HISTORY["ad_password_policy_target"].c.target_key.in_(names),
            )
            about = or_(*(ends_with(load_drift.c.object_key, f" {each}") for each in names))
            yield load_drift, and_(load_drift.c.table_name == "ad_member", about)
        for other, column in _ABOUT[name]:
            yield HISTORY[other], _is_one_of(HISTORY[other], column, mine)


def _clear_names(connection: Connection, keys: Mapping[str, list[str]], *, is_dry: bool) -> Iterator[Removed]:
    """Clear the person out of the past of others, whose manager or owner they were. `keys`: by table, folded."""
    for table, held, name, key in _NAMED:
        past = HISTORY[held]
        mine = past.c[key].in_(keys[table])
        rows = int(connection.scalar(select(func.count()).select_from(past).where(mine)) or 0)
        if rows and not is_dry:
            connection.execute(update(past).where(mine).values({name: None, key: None}))
        yield Removed(f"{past.name}.{name}", rows)


def _worker_keys(connection: Connection, records: list[Record]) -> list[str]:
    found: set[str] = set()
    for table in _versions("worker") if records else ():
        found |= set(connection.scalars(select(table.c.worker_key).where(_is_one_of(table, "worker_id", records))))
    return sorted(found - {None})


def _rejected(connection: Connection, records: list[Record], dn_keys: list[str]) -> list[str]:
    """What rejected records are called that are about the objects, in whatever table: a key or a name, or one of them
    after the key of an owner (memberships). Of a name that was cut the beginning has to do.
    """
    its = load_reject.c
    known = {fold(each.key) for each in records} | set(dn_keys)
    keys = select(its.object_key).where(its.source_id.in_({each.source_id for each in records})).distinct()
    found = []
    for key in connection.scalars(keys.where(its.object_key.is_not(None))):
        forms = {made for part in (key, key.partition(" ")[2]) for made in (fold(part), dn_key(part)) if made}
        is_cut = utf16_units(key) >= _REJECT_KEY - 1  # a pair of surrogates is left out whole
        begun = tuple(made for made in forms if is_cut and len(made) > _LONG)
        if not known.isdisjoint(forms) or any(each.startswith(begun) for each in known if each):
            found.append(key)
    return found


def _drifted(record: Record) -> ColumnElement[bool]:
    """The rows of load_drift about an object, in whatever table, and those about a membership of the id."""
    key = load_drift.c.object_key
    mine = or_(key == record.key, ends_with(key, f" {record.key}"))
    return and_(load_drift.c.source_id == record.source_id, mine)


def forget(store: Store, who: str, rules: EmployeeIdRules | None = None, *, is_dry: bool = False) -> Forgotten:
    """Remove a person from history, findings and rejected records; with `is_dry` only count.

    `who`: a worker id, employee id, UPN, mail address or object id, whole, in any case. Raises UsageError when nobody
    or more than one person is found.
    """
    removed: dict[str, int] = {}
    stays = []
    with store.write() as connection:
        records = find_person(connection, who, rules or EmployeeIdRules())
        of = {name: sorted(each for each in records if each.table == name) for name in ("ad_user", "worker")}
        keys = {"ad_user": _dn_keys(connection, of["ad_user"]), "worker": _worker_keys(connection, of["worker"])}
        places = list(_places(connection, records))  # all found before the first is emptied: one leads to another
        for table, mine in places:
            removed[table.name] = removed.get(table.name, 0) + remove(connection, table, mine, is_dry=is_dry)
        for cleared in _clear_names(connection, keys, is_dry=is_dry):
            removed[cleared.table] = cleared.rows
        names = {row.source_id: row.name for row in connection.execute(select(source.c.source_id, source.c.name))}
        for each in sorted(records):
            for held, column in ((each.table, TABLES[each.table].key[0]), *_ABOUT[each.table]):
                if TABLES[held].kind != "object":
                    continue
                current = _is_one_of(LOADED[held], column, [each])
                if connection.scalar(select(func.count()).select_from(LOADED[held]).where(current)):
                    stays.append(Staying(held, names.get(each.source_id, "?"), each.key))
    return Forgotten([Removed(name, rows) for name, rows in sorted(removed.items()) if rows], stays)

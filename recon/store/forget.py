"""Removing one person from all that is kept beside the loaded tables: history, findings, rejected records.

What a source still has is not touched: the next load would bring it back. Who a person is: recon.store.person.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from typing import NamedTuple, TypeAlias

from sqlalchemy import ColumnElement, Connection, Table, and_, false, func, not_, null, or_, select, update

from recon.decode.keys import EmployeeIdRules, dn_key, fold, utf16_units
from recon.objects import TABLES
from recon.store.acceptance import finding_acceptance, finding_seen
from recon.store.backfill_tables import backfill_item
from recon.store.engine import Store
from recon.store.exact import ends_with
from recon.store.history import Removed, remove
from recon.store.lifecycle import lifecycle_date
from recon.store.match_tables import (
    finding_row,
    leaver,
    match_candidate,
    pair,
    privileged_account,
    user_match,
    worker_match,
)
from recon.store.person import (
    RECORDS,
    Record,
    find_person,
    foreign_sources,
    is_one_of,
    shared_employee_ids,
    source_names,
    versions,
)
from recon.store.tables import HISTORY, LOADED, load_drift, load_reject

_Condition: TypeAlias = ColumnElement[bool]

_REJECT_KEY = 450  # UTF-16 units that load_reject holds of a name
_LONG = 200  # characters of a name that was cut: no two persons' begin alike for so long but by their containers

# further tables about the person, and the column with the person's guid or id
_ABOUT: Mapping[str, tuple[tuple[str, str], ...]] = {
    "ad_user": (("ad_deleted", "guid"),),
    "ad_contact": (("ad_deleted", "guid"),),
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

# what a refresh makes of the objects of each table, and the column with their row_id
_MATCHED: Mapping[str, tuple[tuple[Table, str], ...]] = {
    "ad_user": tuple((table, "ad_row_id") for table in (match_candidate, user_match, pair)),
    "ad_contact": (),
    "entra_user": tuple((table, "entra_row_id") for table in (match_candidate, user_match, pair)),
    "worker": tuple((table, "worker_row_id") for table in (worker_match, leaver)),
}

# the tables of objects that have a distinguished name
_NAMES = ("ad_user", "ad_contact")

# where the names of persons stand in others: the table, and the two columns
_NAMED = (
    ("ad_user", "manager", "manager_key"),
    ("ad_group", "managedby", "managedby_key"),
    ("ad_computer", "managedby", "managedby_key"),
    ("worker", "manager_id", "manager_key"),
)


@dataclass(frozen=True, slots=True)
class Staying:
    """A record that a source still has, so that it stays in the table of that name."""

    table: str
    source: str
    key: str


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was removed (or would be), and what stays.

    `not_followed`: employee ids that many objects carry. `planned`: rows of backfill_item about the person; they are
    made from the journals of backfills and stay.
    """

    removed: list[Removed]
    stays: list[Staying]
    not_followed: list[str] = field(default_factory=list)
    planned: int = 0


class _Name(NamedTuple):
    """A folded distinguished name, and the runs in which it was the person's: `to_run` not included, None: it is now.

    Directories give a name on; what others hold of it in other runs is about somebody else.
    """

    key: str
    from_run: int
    to_run: int | None

    def had(self, column: ColumnElement[str], from_run: ColumnElement[int], to_run: ColumnElement[int]) -> _Condition:
        """The column names the person; it did so from `from_run` up to, not including, `to_run`."""
        until = [] if self.to_run is None else [from_run < self.to_run]
        return and_(column == self.key, to_run > self.from_run, *until)

    def drifted(self) -> _Condition:
        """The rows of load_drift about memberships of the person: missing in the run, or left over from before it."""
        its = load_drift.c
        came, left = [its.run_id >= self.from_run], [its.run_id > self.from_run]
        if self.to_run is not None:
            came.append(its.run_id < self.to_run)
            left.append(its.run_id <= self.to_run)
        when = or_(and_(its.what != "left over", *came), and_(its.what == "left over", *left))
        return and_(its.table_name == "ad_member", ends_with(its.object_key, f" {self.key}"), when)


def _names(connection: Connection, records: Iterable[Record]) -> list[_Name]:
    """The names of the person in Active Directory, versions that follow one another with the same name as one."""
    found: set[tuple[str, int, int | None]] = set()
    for name in _NAMES:
        of_table = [each for each in records if each.table == name]
        for table in versions(name) if of_table else ():
            runs = (table.c.from_run, table.c.to_run) if "to_run" in table.c else (table.c.run_id, null())
            mine = is_one_of(table, "guid", of_table), table.c.dn_key.is_not(None)
            named = connection.execute(select(table.c.dn_key, *runs).where(*mine))
            found |= {(key, from_run, to_run) for key, from_run, to_run in named}
    names: list[_Name] = []
    for key, from_run, to_run in sorted(found, key=itemgetter(0, 1)):
        if names and names[-1].key == key and names[-1].to_run == from_run:
            names[-1] = names[-1]._replace(to_run=to_run)
        else:
            names.append(_Name(key, from_run, to_run))
    return names


class _Names:
    """What Active Directory calls the person: in what sources and runs another row that says so means this person."""

    def __init__(self, connection: Connection, records: Iterable[Record]) -> None:
        self._names = _names(connection, records)
        self._foreign = foreign_sources(connection, records)
        self.keys = sorted({each.key for each in self._names})

    def stand_in(self, past: Table, column: str) -> _Condition:
        """The versions of which the column names the person."""
        mine = or_(false(), *(each.had(past.c[column], past.c.from_run, past.c.to_run) for each in self._names))
        return and_(past.c.source_id.not_in(self._foreign), mine)

    def drifted(self) -> _Condition:
        """The rows of load_drift about memberships of the person."""
        mine = or_(false(), *(each.drifted() for each in self._names))
        return and_(load_drift.c.source_id.not_in(self._foreign), mine)


def _finding_keys(connection: Connection, records: list[Record]) -> list[str]:
    """What findings call the objects of one table: the key, or the key and its source where several sources have it.

    The plain key is somebody else's where the object of another source has it now.
    """
    names = source_names(connection)
    found = []
    for each in records:
        table, key = LOADED[each.table], TABLES[each.table].key[0]
        holders = select(table.c.source_id).where(table.c[key] == each.key, table.c.source_id != each.source_id)
        if all(Record(each.table, its, each.key) in records for its in connection.scalars(holders)):
            found.append(each.key)
        found.append(f"{each.key} ({names.get(each.source_id)})")
    return found


def _accepted(connection: Connection, name: str, keys: list[str]) -> _Condition:
    """The acceptances of objects of one table. They say no table: the rows of their finding do, where it has some."""
    tables: dict[str, set[str]] = {}
    for each in (finding_row, finding_seen):
        for code, object_type in connection.execute(select(each.c.code, each.c.object_type).distinct()):
            tables.setdefault(code, set()).add(object_type)
    others = [code for code, found in tables.items() if name not in found]
    return and_(finding_acceptance.c.object_key.in_(keys), finding_acceptance.c.code.not_in(others))


def _places(connection: Connection, records: set[Record], named: _Names) -> Iterator[tuple[Table, _Condition]]:
    """Where rows of the person are kept beside the loaded tables."""
    for name in RECORDS:
        mine = sorted(each for each in records if each.table == name)
        if not mine:
            continue
        key = TABLES[name].key[0]
        for child in (name, *(each.name for each in TABLES.values() if each.parent == name)):
            yield HISTORY[child], is_one_of(HISTORY[child], key, mine)
        keys = _finding_keys(connection, mine)
        yield finding_row, and_(finding_row.c.object_type == name, finding_row.c.object_key.in_(keys))
        yield finding_seen, and_(finding_seen.c.object_type == name, finding_seen.c.object_key.in_(keys))
        yield finding_acceptance, _accepted(connection, name, keys)
        if rejected := _rejected(connection, mine, named.keys if name in _NAMES else []):
            sources = {each.source_id for each in mine}
            yield load_reject, and_(load_reject.c.source_id.in_(sources), load_reject.c.object_key.in_(rejected))
        yield load_drift, or_(*(_drifted(each) for each in mine))
        for other, column in _ABOUT[name]:
            yield HISTORY[other], is_one_of(HISTORY[other], column, mine)
    if named.keys:
        for other, column in (("ad_member", "member_key"), ("ad_password_policy_target", "target_key")):
            yield HISTORY[other], named.stand_in(HISTORY[other], column)
        yield load_drift, named.drifted()


def _matched(connection: Connection, records: set[Record]) -> Iterator[tuple[Table, _Condition]]:
    """Where the last refresh holds objects that have gone since; of those that are there still, the next one does."""
    for name in RECORDS:
        key, mine = TABLES[name].key[0], sorted(each for each in records if each.table == name)
        current, past = LOADED[name], HISTORY[name]
        standing = select(current.c.row_id, current.c.source_id, current.c[key]).where(is_one_of(current, key, mine))
        there = {row_id: Record(name, *its) for row_id, *its in connection.execute(standing)}
        gone = set(connection.scalars(select(past.c.row_id).where(is_one_of(past, key, mine)))) - set(there)
        for matched, column in _MATCHED[name]:
            yield matched, matched.c[column].in_(gone)
        yield (
            privileged_account,
            and_(privileged_account.c.object_type == name, privileged_account.c.account_row_id.in_(gone)),
        )
        left = [each for each in mine if each not in there.values()]
        yield lifecycle_date, and_(lifecycle_date.c.object_type == name, is_one_of(lifecycle_date, "object_key", left))


def _planned(connection: Connection, records: set[Record]) -> int:
    """Rows of backfill_item about the person."""
    names, its = source_names(connection), backfill_item.c
    users = {each.key for each in records if each.table == "entra_user"}
    workers = (
        and_(its.worker_source == names.get(each.source_id), its.worker_id == each.key)
        for each in records
        if each.table == "worker"
    )
    mine = or_(its.object_id.in_(users), *workers)
    return int(connection.scalar(select(func.count()).select_from(backfill_item).where(mine)) or 0)


def _clear_names(connection: Connection, records: set[Record], named: _Names, *, is_dry: bool) -> Iterator[Removed]:
    """Clear the person out of the past of others, whose manager or owner they were."""
    worker_keys = _worker_keys(connection, [each for each in records if each.table == "worker"])
    for held, name, key in _NAMED:
        past = HISTORY[held]
        if held == "worker":
            mine = or_(false(), *(and_(past.c.source_id == its, past.c[key] == value) for its, value in worker_keys))
        else:
            mine = named.stand_in(past, key)
        own = [each for each in records if each.table == held]
        mine = and_(mine, not_(is_one_of(past, TABLES[held].key[0], own)))  # those rows go as a whole
        rows = int(connection.scalar(select(func.count()).select_from(past).where(mine)) or 0)
        if rows and not is_dry:
            connection.execute(update(past).where(mine).values({name: None, key: None}))
        yield Removed(f"{past.name}.{name}", rows)


def _worker_keys(connection: Connection, records: list[Record]) -> list[tuple[int, str]]:
    """The person's folded worker ids, each with its source: other HR systems give the same id to others."""
    found: set[tuple[int, str]] = set()
    for table in versions("worker") if records else ():
        keys = select(table.c.source_id, table.c.worker_key).where(
            is_one_of(table, "worker_id", records), table.c.worker_key.is_not(None)
        )
        found |= {(source_id, key) for source_id, key in connection.execute(keys)}
    return sorted(found)


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


def forget(
    store: Store,
    who: str,
    rules: EmployeeIdRules | None = None,
    *,
    source_name: str | None = None,
    is_dry: bool = False,
) -> Forgotten:
    """Remove a person from history, findings and rejected records; with `is_dry` only count.

    `who`: a worker id, employee id, UPN, mail address or object id, whole, in any case; `source_name`: of an object of
    this source, its id before all else. Raises UsageError when nobody or more than one person is found.
    """
    removed: dict[str, int] = {}
    stays = []
    with store.write() as connection:
        records = find_person(connection, who, rules or EmployeeIdRules(), source_name)
        named = _Names(connection, records)
        not_followed, planned = shared_employee_ids(connection, records), _planned(connection, records)
        places: dict[Table, list[_Condition]] = {}  # all found before the first is emptied: one leads to another
        for table, mine in (*_places(connection, records, named), *_matched(connection, records)):
            places.setdefault(table, []).append(mine)
        for cleared in _clear_names(connection, records, named, is_dry=is_dry):
            removed[cleared.table] = cleared.rows
        for table, of_table in places.items():  # a row that several conditions find counts once
            removed[table.name] = remove(connection, table, or_(*of_table), is_dry=is_dry)
        names = source_names(connection)
        for each in sorted(records):
            for held, column in ((each.table, TABLES[each.table].key[0]), *_ABOUT[each.table]):
                if TABLES[held].kind != "object":
                    continue
                current = is_one_of(LOADED[held], column, [each])
                if connection.scalar(select(func.count()).select_from(LOADED[held]).where(current)):
                    stays.append(Staying(held, names.get(each.source_id, "?"), each.key))
    return Forgotten(
        [Removed(name, rows) for name, rows in sorted(removed.items()) if rows], stays, not_followed, planned
    )

"""The kinds of objects that are read, how a search finds them, and their entries as rows."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from recon.config import AdSource
from recon.decode.keys import EmployeeIdRules
from recon.objects import Gone, ReadReport, Row, Withdrawn, Yielded
from recon.sources.ad import (
    Defects,
    Lost,
    RowMaker,
    count_lost,
    lost_warnings,
    member_row,
    requested_attributes,
    with_member_count,
)
from recon.sources.ldap.search import Entry, MovedError, Searcher

_GROUP_READS = 5  # of the members of one group that change while they are read
_GROUP_PAGE = 100  # groups carry up to 1,500 members each: a page of 1,000 would not be constant memory


@dataclass(frozen=True, slots=True)
class Kind:
    """`filter` alone decides what belongs to a kind."""

    table: str
    filter: str

    @property
    def tables(self) -> tuple[str, ...]:
        """The table of its objects, and the one of their members."""
        return (self.table, "ad_member") if self.table == "ad_group" else (self.table,)


# sAMAccountType tells users from computers and trusts on its own, and is indexed
KINDS = {
    "users": Kind("ad_user", "(sAMAccountType=805306368)"),
    "groups": Kind("ad_group", "(objectClass=group)"),
    "computers": Kind("ad_computer", "(sAMAccountType=805306369)"),
    "contacts": Kind("ad_contact", "(objectClass=contact)"),
}

# how the members of one group are read: whole, or its rows where the caller knows better
Members = Callable[[Entry], "Iterator[Row | Gone] | None"]


class KindReader:
    """Reads the objects of the configured kinds and counts what could not be read in them."""

    def __init__(self, source: AdSource, ids: EmployeeIdRules, searcher: Searcher, report: ReadReport) -> None:
        self._source = source
        self._searcher = searcher
        self._report = report
        self._lost: Lost = {}
        self.kinds = {name: KINDS[name] for name in KINDS if name in source.objects}
        self._makers = {
            kind.table: RowMaker(kind.table, ids, source.attributes if kind.table == "ad_user" else ())
            for kind in self.kinds.values()
        }

    @property
    def tables(self) -> frozenset[str]:
        """The object tables that are read."""
        return frozenset(self._makers)

    @property
    def warnings(self) -> list[str]:
        """What could not be read so far."""
        return lost_warnings(self._lost)

    def attributes(self, kind: Kind) -> list[str]:
        """What is asked for."""
        return requested_attributes(kind.table, self._source.attributes if kind.table == "ad_user" else ())

    def read(
        self, kind: Kind, base: str, filter_text: str | None = None, members: Members | None = None
    ) -> Iterator[Yielded]:
        """Every object of a kind below `base`, those alone that match `filter_text` where one is given.

        Members stand before their group's row. With a filter the links of a group are told gone first: an increment.
        So they are before they are read once more, because they changed meanwhile.
        """
        wanted = kind.filter if filter_text is None else f"(&{filter_text}{kind.filter})"
        is_increment = filter_text is not None
        lost = dict(self._lost)

        def read() -> Iterator[Yielded]:
            self._lost = dict(lost)
            return self._below(kind, base, wanted, members, is_increment)

        yield from self._searcher.persist(read, Withdrawn)

    def count(self, kind: Kind, base: str) -> int:
        """How many objects of a kind the server finds below `base`, by a search that asks for no attribute."""

        def counted() -> int:
            pages = self._searcher.pages(base, kind.filter, ["1.1"], self._source.page_size)
            return sum(1 for page in pages for _ in page)

        return self._searcher.attempt(counted)

    def _below(
        self, kind: Kind, base: str, filter_text: str, members: Members | None, is_increment: bool
    ) -> Iterator[Row | Gone]:
        is_group = kind.table == "ad_group"
        size = min(self._source.page_size, _GROUP_PAGE) if is_group else self._source.page_size
        maker = self._makers[kind.table]
        for page in self._searcher.pages(base, filter_text, self.attributes(kind), size):
            for name in kind.tables:
                self._report.table(name).pages += 1
            for entry in page:
                if is_group:
                    yield from self._group(maker, entry, members, is_increment)
                else:
                    yield self._object(maker, entry)

    def _object(self, maker: RowMaker, entry: Entry) -> Row:
        if entry.ranged:
            self._searcher.complete(entry)
        if maker.table == "ad_user":
            return maker.row(entry.dn, entry.attributes)
        found: Defects = {}
        row = maker.row(entry.dn, entry.attributes, found)
        count_lost(self._lost, maker.table, entry.dn, found)
        return row

    def _group(
        self, maker: RowMaker, entry: Entry, members: Members | None, is_increment: bool
    ) -> Iterator[Row | Gone]:
        if entry.ranged:
            self._searcher.complete(entry, except_for="member")
        found: Defects = {}
        row = maker.row(entry.dn, entry.attributes, found)
        count_lost(self._lost, maker.table, entry.dn, found)
        if row.table != "ad_group":
            yield row
            return
        guid = row.values[0]
        assert isinstance(guid, str)
        told = members(entry) if members is not None else None
        if told is not None:
            yield from told
            yield row._replace(absent=frozenset({"member_count"}))
            return
        if is_increment:
            yield Gone("ad_member", (guid,))
        for again in range(_GROUP_READS):
            count = 0
            try:
                for values in self._members(entry):
                    count += len(values)
                    for value in values:
                        yield member_row(guid, value)
                break
            except MovedError:
                fresh = self._searcher.one(entry.dn, ["member"])
                if fresh is None or again == _GROUP_READS - 1:
                    raise
                entry = fresh
                yield Gone("ad_member", (guid,))
        yield with_member_count(row, count)

    def _members(self, entry: Entry) -> Iterator[list[bytes]]:
        yield entry.attributes.get("member", [])
        if "member" in entry.ranged:
            yield from self._searcher.rest(entry, "member")

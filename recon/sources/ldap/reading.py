"""Active Directory over LDAP as a source: one paged search per kind of object, and all members of every group."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from recon.config import AdSource
from recon.decode.keys import EmployeeIdRules
from recon.errors import SourceError
from recon.objects import ReadReport, Row
from recon.sources.ad import (
    Defects,
    Lost,
    RowMaker,
    count_lost,
    domain_name,
    lost_warnings,
    member_row,
    requested_attributes,
    with_member_count,
)
from recon.sources.ldap.controllers import Controllers
from recon.sources.ldap.search import Entry, Searcher
from recon.sources.ldap.session import RootDse

_GROUP_PAGE = 100  # groups carry up to 1,500 members each: a page of 1,000 would not be constant memory
_GLOBAL_CATALOG = frozenset({3268, 3269})


@dataclass(frozen=True, slots=True)
class _Kind:
    table: str
    filter: str


# sAMAccountType tells users from computers and trusts on its own, and is indexed
_KINDS = {
    "users": _Kind("ad_user", "(sAMAccountType=805306368)"),
    "groups": _Kind("ad_group", "(objectClass=group)"),
    "computers": _Kind("ad_computer", "(sAMAccountType=805306369)"),
    "contacts": _Kind("ad_contact", "(objectClass=contact)"),
}


class AdReading:
    """One read of one domain, from the first of its domain controllers that can be reached.

    The password is used for binding alone and is in no repr.
    """

    def __init__(
        self,
        source: AdSource,
        password: str | None,
        ids: EmployeeIdRules,
        *,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.report = ReadReport()
        self._source = source
        self._ids = ids
        self._controllers = Controllers(source, password)
        self._searcher = Searcher(self._controllers, self.report, pause)
        self._root: RootDse | None = None
        self._lost: Lost = {}

    @property
    def domain(self) -> str | None:
        """DNS name of the domain, from the first base; signs in when no base is configured."""
        return domain_name(self._bases()[0])

    def close(self) -> None:
        """Close the connection; rows() does it by itself."""
        self._searcher.close()

    def _root_dse(self) -> RootDse:
        if self._root is None:
            self._root = self._searcher.session.root_dse()
        return self._root

    def _bases(self) -> tuple[str, ...]:
        if self._source.bases:
            return self._source.bases
        context = self._root_dse().naming_context
        if context is None:
            raise SourceError(
                f"{self._searcher.session.host} names no defaultNamingContext: is it an Active Directory server?",
                hint="check `url`, or set `bases`",
            )
        return (context,)

    def rows(self) -> Iterator[Row]:
        """Every row of the configured kinds, page by page; members stand before their group's row.

        Raises SourceError when anything could not be read to its end.
        """
        try:
            root = self._searcher.session.root_dse()  # anew: its USN must be older than every row
            self._root = root
            self._warn(root)
            for name in _KINDS:
                if name in self._source.objects:
                    yield from self._kind(_KINDS[name], root)
            self._check_watermark(root)
            self.report.warnings += self._controllers.passed_over
            self.report.warnings += lost_warnings(self._lost)
        finally:
            self.close()

    def _warn(self, root: RootDse) -> None:
        host = self._searcher.session.host
        if not root.is_synchronized:
            self.report.warnings.append(f"{host} has not finished its first synchronization: it may lack objects")
        if self._searcher.session.port in _GLOBAL_CATALOG:
            self.report.warnings.append(f"{host} is a global catalogue: it lacks most attributes; use port 389 or 636")

    def _check_watermark(self, root: RootDse) -> None:
        """A reconnect may have reached another domain controller, whose USNs mean something else."""
        if not self._searcher.reconnects:
            return
        self.report.warnings.append(f"the connection was lost and opened again {self._searcher.reconnects} times")
        if self._searcher.session.root_dse().service != root.service:
            for table in self.report.tables.values():
                table.watermark = None

    def _kind(self, kind: _Kind, root: RootDse) -> Iterator[Row]:
        extra = self._source.attributes if kind.table == "ad_user" else ()
        maker = RowMaker(kind.table, self._ids, extra)
        attributes = requested_attributes(kind.table, extra)
        is_group = kind.table == "ad_group"
        page_size = min(self._source.page_size, _GROUP_PAGE) if is_group else self._source.page_size
        names = ("ad_group", "ad_member") if is_group else (kind.table,)
        for name in names:
            self.report.table(name).filter = kind.filter
            self.report.table(name).watermark = root.watermark
        for base in self._bases():
            yield from self._searcher.persist(
                lambda base=base: self._below(base, kind, maker, attributes, page_size)  # type: ignore[misc]
            )

    def _below(self, base: str, kind: _Kind, maker: RowMaker, attributes: list[str], page_size: int) -> Iterator[Row]:
        is_group = kind.table == "ad_group"
        for page in self._searcher.pages(base, kind.filter, attributes, page_size):
            for name in ("ad_group", "ad_member") if is_group else (kind.table,):
                self.report.table(name).pages += 1
            for entry in page:
                yield from self._group(maker, entry) if is_group else self._object(maker, entry)

    def _object(self, maker: RowMaker, entry: Entry) -> Iterator[Row]:
        if entry.ranged:
            self._searcher.complete(entry)
        found: Defects = {}
        row = maker.row(entry.dn, entry.attributes, found)
        if maker.table != "ad_user":
            count_lost(self._lost, maker.table, entry.dn, found)
        yield row

    def _group(self, maker: RowMaker, entry: Entry) -> Iterator[Row]:
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
        count = 0
        for values in self._members(entry):
            count += len(values)
            for value in values:
                yield member_row(guid, value)
        yield with_member_count(row, count)

    def _members(self, entry: Entry) -> Iterator[list[bytes]]:
        yield entry.attributes.get("member", [])
        if "member" in entry.ranged:
            yield from self._searcher.rest(entry, "member")

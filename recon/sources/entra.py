"""One tenant: users, groups, members and what else is wanted, read from Graph to the end or not at all.

Pages are turned into rows as they arrive. What the server counts is put beside what was read, so that the store
can refuse a listing with a page missing, doubled or shifted. A property that no answer contained is named in the
report's warnings: it is not readable, which is not the same as empty.
"""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from recon import objects
from recon.config import EntraSource
from recon.decode.keys import EmployeeIdRules
from recon.errors import AccessError
from recon.objects import Gone, ReadReport, Row, Yielded
from recon.sources.entra_deleted import DeletedReader
from recon.sources.entra_increment import GROUPS, LEAVE_PROPERTY, USERS, IncrementReader, Watermark, begin
from recon.sources.entra_listing import CountedListing, restarting
from recon.sources.entra_members import MemberReader
from recon.sources.entra_ndjson import MEMBER_COUNT, unseen_warning
from recon.sources.entra_ndjson_writer import NdjsonWriter, files_of
from recon.sources.entra_owners import OwnerReader
from recon.sources.entra_partitions import PartitionedListing
from recon.sources.entra_reports import LISTINGS, ListingReader
from recon.sources.entra_roles import RoleReader
from recon.sources.entra_rows import (
    DELETED,
    GROUP_PROPERTIES,
    OWNER,
    ROLE,
    ROLE_MEMBER,
    USER_PROPERTIES,
    GroupRows,
    UserRows,
    object_id,
)
from recon.sources.graph.client import GraphClient
from recon.sources.graph.paging import Page

USER_PERMISSION = "User.Read.All"
GROUP_PERMISSION = "Group.Read.All"
_OBJECTS = {"users": "entra_user", "groups": "entra_group", "members": "entra_member"}
_TABLES = {
    **{name: (table,) for name, table in _OBJECTS.items()},
    "deleted": (DELETED,),
    "roles": (ROLE, ROLE_MEMBER),
    "group_owners": (OWNER,),
    **{name: (listing.table,) for name, listing in LISTINGS.items()},
}
_APART = tuple(name for name in _TABLES if name not in _OBJECTS)


def tables_of(source: EntraSource) -> tuple[str, ...]:
    """The tables that a load of this source fills: those of [entra] objects, with their child tables."""
    wanted = {table for name in source.objects for table in _TABLES[name]}
    return tuple(
        name for name, table in objects.TABLES.items() if name in wanted or (table.parent and table.parent in wanted)
    )


class EntraReading:
    """One read of one tenant through Graph. `ids`: how employee ids are made comparable.

    `save`: a folder that gets the same objects as NDJSON files, complete or not at all. `since`: the watermark of an
    earlier load, to read what changed since; with `save` everything is read.
    """

    def __init__(
        self,
        source: EntraSource,
        client: GraphClient,
        ids: EmployeeIdRules,
        *,
        save: Path | None = None,
        since: str | None = None,
    ) -> None:
        self.report = ReadReport()
        self.tables = tables_of(source)
        self._source = source
        self._client = client
        self._ids = ids
        self._save = save
        self._since = since if save is None else None
        self._saver: NdjsonWriter | None = None
        self._counts: dict[str, int | None] = {}  # the server's, by NDJSON file
        self._left_out: set[str] = set()  # properties that were not asked for again

    def rows(self) -> Iterator[Yielded]:
        """Every row of the tenant: users, page by page members before their groups, what is deleted, roles.

        With `since` what changed of users, groups and members; the other tables are read whole.
        Raises SourceError, and of its kinds AccessError (a permission is missing), SignInError, TransientError
        (patience ran out), WatermarkError (a full read is due); then nothing may be published.
        """
        patience = self._client.patience
        requests, size = self._client.requests, self._client.bytes_read
        waits, waited = patience.waits, patience.waited
        if self._save is not None:
            self._saver = NdjsonWriter(self._save, self._source.tenant_id, files_of(self._source.objects))
        try:
            if self._since is not None:
                yield from self._changes(self._since)
            else:
                yield from self._everything()
            if self._saver is not None:
                self._saver.finish(self._counts)
        finally:
            self.report.requests += self._client.requests - requests
            self.report.bytes_read += self._client.bytes_read - size
            if patience.waits > waits:
                self.report.warnings.append(
                    f"Graph asked to wait {patience.waits - waits} times, {patience.waited - waited:.0f} s in all"
                )
            if self._saver is not None:
                self._saver.close()

    def _changes(self, since: str) -> Iterator[Yielded]:
        self.report.is_increment = True
        yield from IncrementReader(self._source, self._client, self._ids, self.report, since).rows()
        yield from self._apart()

    def _everything(self) -> Iterator[Yielded]:
        # the place of the next increment comes first: what changes while everything is read is told again then
        watermark = begin(self._source, self._client, self.report)
        if "users" in self._source.objects:
            yield from self._users(watermark)
        if {"groups", "members"} & set(self._source.objects):
            yield from self._groups(watermark)
        for name, table in _OBJECTS.items():
            if name in self._source.objects:
                self._counts[name] = self.report.table(table).server_count
        yield from self._apart()
        self.report.watermark = None if watermark is None else watermark.text()

    def _apart(self) -> Iterator[Yielded]:
        """What is read whole each time."""
        if "deleted" in self._source.objects:
            deleted = DeletedReader(self._source, self._client, self._ids, self.report, self._saver)
            yield from deleted.rows()
            self._counts |= deleted.counts
        if "roles" in self._source.objects:
            yield from RoleReader(self._client, self.report, self._saver).rows()
        if "group_owners" in self._source.objects:
            yield from OwnerReader(self._source, self._client, self.report, self._saver).rows()
        for name in LISTINGS:
            if name in self._source.objects:
                listing = ListingReader(name, self._client, self.report, self._saver)
                yield from listing.rows()
                self._counts[name] = listing.count
        for name in _APART:
            for table in _TABLES[name] if name in self._source.objects else ():
                self.report.table(table).is_whole = True

    def _users(self, watermark: Watermark | None) -> Iterator[Yielded]:
        reader = UserRows(self._ids)
        unseen = set(USER_PROPERTIES)
        read = 0

        def rows_of(page: Page) -> Iterator[Row]:
            nonlocal read
            for item in page.items:
                read += 1
                if unseen and type(item) is dict:
                    unseen.difference_update(item)
                if self._saver is not None:
                    self._saver.write("users", item)
                yield reader.row(item)

        yield from self._listing("users", USER_PROPERTIES, USER_PERMISSION, unseen, rows_of)
        if read:
            self.report.warnings += unseen_warning("user", unseen)
            if watermark is not None:
                watermark.unread[USERS] = sorted(unseen | self._left_out)

    def _groups(self, watermark: Watermark | None) -> Iterator[Yielded]:
        wants_groups = "groups" in self._source.objects
        wants_members = "members" in self._source.objects
        reader = GroupRows()
        unseen = set(GROUP_PROPERTIES) if wants_groups else set()
        read = 0

        def rows_of(page: Page) -> Iterator[Row | Gone]:
            nonlocal read
            members = MemberReader(self._client, self.report, self._saver)
            if wants_members:
                yield from members.rows(page.items)
            for item in page.items:
                read += 1
                if unseen and type(item) is dict:
                    unseen.difference_update(item)
                if not wants_groups:
                    continue
                count = members.counts.get(object_id(item) or "")
                if self._saver is not None:
                    self._saver.write("groups", item if count is None else {**item, MEMBER_COUNT: count})
                yield reader.row(item, count)

        properties = GROUP_PROPERTIES if wants_groups else ("id", "visibility")
        yield from self._listing("groups", properties, GROUP_PERMISSION, unseen, rows_of)
        if read and wants_groups:
            self.report.warnings += unseen_warning("group", unseen)
            if watermark is not None:
                watermark.unread[GROUPS] = sorted(unseen)

    def _listing(
        self,
        name: str,
        properties: tuple[str, ...],
        permission: str,
        unseen: set[str],
        rows_of: Callable[[Page], Iterator[Row | Gone]],
    ) -> Iterator[Yielded]:
        """The rows of every page of /users or /groups; begins again when the page token has expired."""
        while True:
            read = partial(self._one_listing, name, properties, permission, rows_of)
            try:
                yield from restarting(f"/{name}", read, partial(self._begin_again, name))
                return
            except AccessError:
                if LEAVE_PROPERTY not in properties or self.report.table(_OBJECTS[name]).pages:
                    raise
                # this property alone needs a permission that a reader of users seldom has
                properties = tuple(one for one in properties if one != LEAVE_PROPERTY)
                unseen.discard(LEAVE_PROPERTY)
                self._left_out = {LEAVE_PROPERTY}
                self.report.warnings.append(
                    f"{LEAVE_PROPERTY} is left out: reading it needs User-LifeCycleInfo.Read.All"
                )

    def _begin_again(self, name: str) -> None:
        self.report.warnings.append(f"the listing of {name} was begun again: its page token had expired")
        if self._saver is not None:
            self._saver.restart(name)

    def _one_listing(
        self, name: str, properties: tuple[str, ...], permission: str, rows_of: Callable[[Page], Iterator[Row | Gone]]
    ) -> Iterator[Row | Gone]:
        proof = self.report.table(_OBJECTS[name])
        proof.filter = f"/{name}"
        proof.server_count = None
        listing: CountedListing | PartitionedListing
        size, number = self._source.page_size, self._source.partitions
        # files hold each object once, and a part that begins again would repeat itself
        if name == USERS and number > 1 and self._saver is None:
            listing = PartitionedListing(self._client, properties, size, permission, number)
        else:
            listing = CountedListing(self._client, f"/{name}", properties, size, permission)
        for page in listing.pages(proof):
            yield from rows_of(page)
        proof.server_count = listing.count

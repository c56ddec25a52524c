"""Soft-deleted users and groups of one tenant, from /directory/deletedItems, counted like the live ones.

They are purged 30 days after they were deleted. The userPrincipalName is taken as Graph gives it.
"""

from collections.abc import Iterator
from functools import partial

from recon.config import EntraSource
from recon.decode.keys import EmployeeIdRules
from recon.objects import ReadReport, Row, Yielded
from recon.sources.entra_listing import CountedListing, restarting
from recon.sources.entra_ndjson_writer import DELETED_FILES, NdjsonWriter
from recon.sources.entra_rows import DELETED, DeletedRows
from recon.sources.graph.client import GraphClient

_PERMISSIONS = {"user": "User.Read.All", "group": "Group.Read.All"}
_COMMON = ("id", "displayName", "mail", "mailNickname", "onPremisesSyncEnabled", "deletedDateTime")
_PROPERTIES = {
    "user": (*_COMMON, "userPrincipalName", "employeeId", "userType", "onPremisesImmutableId"),
    "group": (*_COMMON, "groupTypes"),
}


class DeletedReader:
    """Reads the deleted users, then the deleted groups, to their end."""

    def __init__(
        self,
        source: EntraSource,
        client: GraphClient,
        ids: EmployeeIdRules,
        report: ReadReport,
        saver: NdjsonWriter | None = None,
    ) -> None:
        self.counts: dict[str, int | None] = {}  # by NDJSON file: what the server counts
        self._source = source
        self._client = client
        self._rows = DeletedRows(ids)
        self._report = report
        self._saver = saver

    def rows(self) -> Iterator[Yielded]:
        """Every deleted object. Raises SourceError and its kinds; then nothing may be published."""
        proof = self._report.table(DELETED)
        proof.filter = "/directory/deletedItems/microsoft.graph.user, …group"
        for kind, file in DELETED_FILES.items():
            path = f"/directory/deletedItems/microsoft.graph.{kind}"
            listing = CountedListing(self._client, path, _PROPERTIES[kind], self._source.page_size, _PERMISSIONS[kind])
            read, begin_again = partial(self._read, listing, kind, file), partial(self._begin_again, kind, file)
            yield from restarting(path, read, begin_again)
            self.counts[file] = listing.count
        known = [count for count in self.counts.values() if count is not None]
        proof.server_count = sum(known) if len(known) == len(DELETED_FILES) else None

    def _read(self, listing: CountedListing, kind: str, file: str) -> Iterator[Row]:
        for page in listing.pages(self._report.table(DELETED)):
            for item in page.items:
                if self._saver is not None:
                    self._saver.write(file, item)
                yield self._rows.row(item, kind)

    def _begin_again(self, kind: str, file: str) -> None:
        self._report.warnings.append(f"the listing of deleted {kind}s was begun again: its page token had expired")
        if self._saver is not None:
            self._saver.restart(file)

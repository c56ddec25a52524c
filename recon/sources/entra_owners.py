"""Owners of the groups of one tenant, from /groups/{id}/owners: 20 groups in a $batch, as members are read.

Graph has no owners of groups that are synchronized and of those made in Exchange (distribution groups, mail-enabled
security groups): these are not asked for. Service principals are not listed. $expand=owners would take fewer requests,
but brings at most 20 and every property of each.
"""

from collections.abc import Iterator
from typing import Any

from recon.config import EntraSource
from recon.errors import IncompleteError
from recon.objects import Gone, ReadReport, Row, Yielded
from recon.sources.entra_listing import CountedListing, restarting
from recon.sources.entra_members import MemberReader, Relation
from recon.sources.entra_ndjson_writer import NdjsonWriter
from recon.sources.entra_rows import OWNER
from recon.sources.graph.client import GraphClient

PERMISSION = "GroupMember.Read.All"
FILE = "group_owners"
_PROPERTIES = ("id", "onPremisesSyncEnabled", "mailEnabled", "groupTypes")


class OwnerReader:
    """Lists the groups, then reads the owners of those that can have some, to their end."""

    def __init__(
        self, source: EntraSource, client: GraphClient, report: ReadReport, saver: NdjsonWriter | None = None
    ) -> None:
        self._source = source
        self._client = client
        self._report = report
        self._saver = saver
        self._read = 0  # groups

    def rows(self) -> Iterator[Yielded]:
        """Every owner. Raises SourceError and its kinds; then nothing may be published."""
        yield from restarting("/groups", self._owners, self._begin_again)

    def _owners(self) -> Iterator[Row | Gone]:
        groups = CountedListing(self._client, "/groups", _PROPERTIES, self._source.page_size, PERMISSION)
        proof = ReadReport().table(OWNER)  # of the groups; what is proven of the owners stands with them
        for page in groups.pages(proof):
            self._read += len(page.items)
            reader = MemberReader(self._client, self._report, self._saver, Relation("owners", OWNER, FILE))
            yield from reader.rows([item for item in page.items if has_owners(item)])
        if groups.count is not None and groups.count != self._read:
            raise IncompleteError(f"GET /groups: {self._read} groups read for their owners, {groups.count} counted")

    def _begin_again(self) -> None:
        self._read = 0
        self._report.warnings.append("the listing of groups was begun again: its page token had expired")
        if self._saver is not None:
            self._saver.restart(FILE)


def has_owners(item: Any) -> bool:
    """Whether Graph can have owners of a group: it is neither synchronized nor made in Exchange."""
    if type(item) is not dict or item.get("onPremisesSyncEnabled") is True:
        return False
    kinds = item.get("groupTypes")
    is_unified = type(kinds) is list and any(type(kind) is str and kind.lower() == "unified" for kind in kinds)
    return is_unified or item.get("mailEnabled") is not True

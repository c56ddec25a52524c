"""Direct members of groups, from /groups/{id}/members: 20 groups in a $batch, several batches on their way at once."""

from collections import deque
from collections.abc import Iterator
from functools import partial
from typing import Any, NamedTuple

from recon.errors import SourceError
from recon.objects import Gone, ReadReport, Row
from recon.sources.entra_listing import RESTARTS
from recon.sources.entra_ndjson_writer import REMOVED, NdjsonWriter
from recon.sources.entra_rows import member_row, object_id, reject
from recon.sources.graph.ahead import Ahead
from recon.sources.graph.answer import EXPIRED_PAGE, failure_of
from recon.sources.graph.batch import SIZE, BatchAnswer, BatchItem
from recon.sources.graph.client import ADVANCED, VERSION, GraphClient
from recon.sources.graph.paging import Trail, page_of

PERMISSION = "GroupMember.Read.All"
HIDDEN = "HiddenMembership"  # a group's visibility whose members need a permission of their own
REREADS = 2  # times that one group's members are read again when their number is not the server's
PAGE = 999  # members at once, the most that Graph gives
IN_FLIGHT = 4  # batches on their way at once, while Graph says of none that it is near its limit


class Relation(NamedTuple):
    """What of a group is read: the last part of its path, the table it fills, the NDJSON file it is saved to."""

    name: str
    table: str
    file: str


_MEMBERS = Relation("members", "entra_member", "members")


class MemberListing:
    """Where the reading of one group's members stands."""

    def __init__(self, group_id: str, relation: str, *, is_hidden: bool, size: int = PAGE) -> None:
        self.group_id = group_id
        self.size = size
        self.relation = relation
        self.is_hidden = is_hidden
        self.restarts = 0
        self.rereads = 0
        self.begin()

    @property
    def path(self) -> str:
        """What is read, for people."""
        return f"/groups/{self.group_id}/{self.relation}"

    def begin(self) -> None:
        """Start at the first page."""
        self.url: str | None = f"{self.path}?$select=id&$top={self.size}&$count=true"
        self.trail = Trail(f"GET {self.path}")
        self.expected: int | None = None
        self.read = 0
        self.last_ids: frozenset[str] = frozenset()
        self.has_repeats = False


class MemberReader:
    """Direct members of many groups, in batches of 20 first or next pages; with `relation` their owners."""

    def __init__(
        self, client: GraphClient, report: ReadReport, saver: NdjsonWriter | None, relation: Relation = _MEMBERS
    ) -> None:
        self._relation = relation
        self.counts: dict[str, int | None] = {}
        self._client = client
        self._report = report
        self._saver = saver
        self._proof = report.table(relation.table)
        self._proof.filter = f"/groups/{{id}}/{relation.name}"
        self._in_flight = IN_FLIGHT

    def rows(self, groups: list[Any]) -> Iterator[Row | Gone]:
        """The members of these groups; `counts` then holds the number for each group that could be read.

        Those of a group that is read again are told gone first: what left meanwhile must not stand beside the rest.
        """
        for listing, answer in self._answers(groups):
            yield from self._answered(listing, answer)

    def changed(self, groups: list[Any]) -> Iterator[Row | Gone]:
        """The members of these groups in place of those they had, where one page holds them all.

        `counts` then holds their numbers, None for members that may not be read; it is silent about larger groups.
        """
        yield from self._on_one_page(groups, PAGE, (404,))

    def emptied(self, groups: list[Any]) -> Iterator[Row | Gone]:
        """Of those of these groups that have no members, or one alone, that one in place of what they had.

        `counts` then holds their numbers; one member is asked for, so that others cost next to nothing.
        """
        # 403: its membership may be hidden, which delta says of a group only where that changed
        yield from self._on_one_page(groups, 1, (403, 404))

    def _on_one_page(self, groups: list[Any], size: int, passed_over: tuple[int, ...]) -> Iterator[Row | Gone]:
        for listing, answer in self._answers(groups, size):
            listing.url = None
            if not answer.is_success:
                if answer.status == 403 and listing.is_hidden:
                    self.counts[listing.group_id] = None
                if answer.status not in passed_over and EXPIRED_PAGE not in answer.codes:
                    yield from self._refused(listing, answer)
                continue
            page = page_of(answer.body, f"GET {listing.path}")
            self._proof.pages += 1
            if page.next_link is None:
                self.counts[listing.group_id] = len(page.items)
                yield Gone("entra_member", (listing.group_id,))
                for item in page.items:
                    yield member_row(listing.group_id, item)

    def _answers(self, groups: list[Any], size: int = PAGE) -> Iterator[tuple[MemberListing, BatchAnswer]]:
        """Each answer with the listing it belongs to, which is asked again while it has a url."""
        waiting: deque[MemberListing] = deque()
        for item in groups:
            group_id = object_id(item)
            if group_id is not None:
                is_hidden = item.get("visibility") == HIDDEN
                waiting.append(MemberListing(group_id, self._relation.name, is_hidden=is_hidden, size=size))
        asked: deque[tuple[list[MemberListing], Ahead[list[BatchAnswer]]]] = deque()
        while waiting or asked:
            while waiting and len(asked) < self._in_flight:
                listings = [waiting.popleft() for _ in range(min(SIZE, len(waiting)))]
                items = [BatchItem(listing.url or "", headers=ADVANCED) for listing in listings]
                asked.append((listings, Ahead(partial(self._client.batch, items))))
            listings, ahead = asked.popleft()
            answers = ahead.result()
            # one at a time from the first sign of a limit on, one more for each batch without
            self._in_flight = 1 if any(map(_is_near_limit, answers)) else min(self._in_flight + 1, IN_FLIGHT)
            for listing, answer in zip(listings, answers, strict=True):
                yield listing, answer
                if listing.url is not None:
                    waiting.append(listing)

    def _answered(self, listing: MemberListing, answer: BatchAnswer) -> Iterator[Row | Gone]:
        if not answer.is_success:
            yield from self._refused(listing, answer)
            return
        page = page_of(answer.body, f"GET {listing.path}")
        self._proof.pages += 1
        if listing.expected is None:
            listing.expected = page.count
        ids = frozenset(key for key in map(object_id, page.items) if key is not None)
        listing.has_repeats |= len(ids) != len(page.items) or not ids.isdisjoint(listing.last_ids)
        listing.last_ids = ids or listing.last_ids
        listing.read += len(page.items)
        for item in page.items:
            if self._saver is not None:
                line = {"groupId": listing.group_id, **(item if type(item) is dict else {})}
                self._saver.write(self._relation.file, line)
            yield member_row(listing.group_id, item, self._relation.table)
        link = listing.trail.step(page)
        if link is not None:
            listing.url = self._relative(link)
        else:
            yield from self._ended(listing)

    def _again(self, listing: MemberListing) -> Iterator[Gone]:
        """Begin at the first page; what was read so far does not count."""
        if listing.read:
            yield Gone(self._relation.table, (listing.group_id,))
            if self._saver is not None:
                self._saver.write(self._relation.file, {"groupId": listing.group_id, REMOVED: {"reason": "read again"}})
        listing.begin()

    def _ended(self, listing: MemberListing) -> Iterator[Gone]:
        differs = listing.expected is not None and listing.read != listing.expected
        if (differs or listing.has_repeats) and listing.rereads < REREADS:
            listing.rereads += 1
            yield from self._again(listing)
            return
        if listing.has_repeats:
            raise SourceError(f"GET {listing.path}: pages repeat each other after {REREADS + 1} tries")
        if differs:
            # an honest difference: v1.0 does not list service principals, and busy groups change while they are read
            counts = f"{listing.read} {listing.relation} read, the server counts {listing.expected}"
            self._report.warnings.append(f"group {listing.group_id}: {counts}")
        self.counts[listing.group_id] = listing.read
        listing.url = None

    def _refused(self, listing: MemberListing, answer: BatchAnswer) -> Iterator[Row | Gone]:
        if EXPIRED_PAGE in answer.codes and listing.restarts < RESTARTS:
            listing.restarts += 1
            yield from self._again(listing)
            return
        gone = answer.status == 404
        if not gone and not (answer.status == 403 and listing.is_hidden):
            raise failure_of(
                f"GET {listing.path}",
                answer.status,
                answer.headers,
                answer.body,
                self._client.patience.clock(),
                permission=PERMISSION,
            )
        yield from self._again(listing)
        listing.url = None
        reason = "group_gone" if gone else "hidden_membership"
        detail = "deleted while the tenant was read" if gone else "reading it needs Member.Read.Hidden"
        self._report.warnings.append(f"{listing.relation} of group {listing.group_id} are not read: {detail}")
        yield reject(self._relation.table, listing.group_id, None, reason, detail)

    def _relative(self, link: str) -> str:
        base = f"{self._client.root}{VERSION}"
        url = self._client.url(link)
        if not url.startswith(f"{base}/"):
            raise SourceError("the answer's link leads outside the Graph version that is read")
        return url.removeprefix(base)


def _is_near_limit(answer: BatchAnswer) -> bool:
    """Tried again, or told that 80 % of a limit is used (Graph says nothing below)."""
    return answer.tries > 1 or any(name.lower() == "x-ms-throttle-limit-percentage" for name in answer.headers)

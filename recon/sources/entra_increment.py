"""What changed in a tenant since the last load, from /users/delta and /groups/delta.

The watermark holds the deltaLinks and what they were made for; a change of that, its age or a refusal of Graph is a
WatermarkError, and a full read is due. Of a group whose members changed, the members are read anew, as long as they
fit on one page: a delta does not tell whether it names all members or only those that came and went, and a restored
group comes as a new one. Larger groups are brought up to date by what delta says, unless it names so many that they may
be all: then they are read to their end. A group of which it names none may have been restored without any: it is asked
for one member.

Groups come before users: of a user that comes back or goes in between, /groups/delta then tells the links the next
time. The other way round it would tell a link of a user who has just been said to be removed, and never again.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import orjson

from recon.config import EntraSource
from recon.decode.keys import EmployeeIdRules
from recon.decode.text import printable
from recon.errors import AccessError, SignInError, SourceError, TransientError, WatermarkError
from recon.objects import Gone, ReadReport, Row
from recon.sources.entra_absent import Absent
from recon.sources.entra_members import HIDDEN, PAGE, MemberReader
from recon.sources.entra_rows import GROUP_PROPERTIES, USER_PROPERTIES, GroupRows, UserRows, member_row, object_id
from recon.sources.graph.ahead import Ahead
from recon.sources.graph.client import ADVANCED, GraphClient
from recon.sources.graph.delta import DAYS, DeltaRound, latest_link
from recon.sources.graph.paging import Page

USERS, GROUPS = "users", "groups"
PERMISSIONS = {USERS: "User.Read.All", GROUPS: "Group.Read.All"}
LEAVE_PROPERTY = "employeeLeaveDateTime"  # the one property with a permission of its own
MEMBERS = "members"
_FORMAT = 1


def tracked(source: EntraSource) -> dict[str, tuple[str, ...]]:
    """What delta has to tell for [entra] objects: users and groups, each with its properties."""
    found: dict[str, tuple[str, ...]] = {}
    if "users" in source.objects:
        found[USERS] = USER_PROPERTIES
    if "groups" in source.objects:
        found[GROUPS] = GROUP_PROPERTIES
    if "members" in source.objects:
        found[GROUPS] = (*found.get(GROUPS, ("id", "visibility")), MEMBERS)
    return found


@dataclass
class Watermark:
    """Where the next increment begins. `unread`: properties that the full read found in no object."""

    links: dict[str, str]
    unread: dict[str, list[str]]
    made: float  # seconds since 1970
    basis: str

    def text(self) -> str:
        """As it is kept with the load."""
        content = {
            "format": _FORMAT,
            "basis": self.basis,
            "made": self.made,
            "unread": self.unread,
            "links": self.links,
        }
        return orjson.dumps(content).decode()

    @classmethod
    def of(cls, text: str) -> "Watermark":
        """The watermark of an earlier load. Raises WatermarkError for a text that is none."""
        try:
            content = orjson.loads(text)
            if content["format"] != _FORMAT:
                raise WatermarkError("the last load kept its place in another form")
            links = {str(name): str(link) for name, link in content["links"].items()}
            unread = {str(name): [str(one) for one in names] for name, names in content["unread"].items()}
            return cls(links, unread, float(content["made"]), str(content["basis"]))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise WatermarkError("the place that the last load kept cannot be read") from error


def basis_of(source: EntraSource) -> str:
    """A digest of what the deltaLinks were made for: tenant, objects, properties."""
    content = [source.tenant_id.lower(), sorted(tracked(source).items())]
    return hashlib.sha256(orjson.dumps(content)).hexdigest()[:16]


def begin(source: EntraSource, client: GraphClient, report: ReadReport) -> Watermark | None:
    """The place from which on changes are told, to be taken before a full read.

    None, with a warning, where Graph refuses it.
    """
    links: dict[str, str] = {}
    made = client.patience.clock()
    for name, properties in tracked(source).items():
        try:
            links[name] = _latest(client, name, properties)
        except (SignInError, TransientError):
            raise
        except SourceError as error:
            report.warnings.append(f"the next load will be a full one: {error}")
            return None
    return Watermark(links, {}, made, basis_of(source)) if links else None


def _latest(client: GraphClient, name: str, properties: tuple[str, ...]) -> str:
    try:
        return latest_link(client, f"/{name}", properties, permission=PERMISSIONS[name])
    except AccessError:
        if LEAVE_PROPERTY not in properties:
            raise
        properties = tuple(one for one in properties if one != LEAVE_PROPERTY)
        return latest_link(client, f"/{name}", properties, permission=PERMISSIONS[name])


class IncrementReader:
    """Reads what changed since `since`, the watermark of the last load. Raises WatermarkError where that is no use."""

    def __init__(
        self, source: EntraSource, client: GraphClient, ids: EmployeeIdRules, report: ReadReport, since: str
    ) -> None:
        self._source = source
        self._client = client
        self._ids = ids
        self._report = report
        self._since = Watermark.of(since)
        now = client.patience.clock()
        if self._since.basis != basis_of(source) or set(self._since.links) != set(tracked(source)):
            raise WatermarkError("another tenant, other objects or other properties are read than by the last load")
        if now - self._since.made > DAYS * 86_400:
            raise WatermarkError(f"the last load is older than the {DAYS} days for which Graph keeps changes")
        self._made = now

    def rows(self) -> Iterator[Row | Gone]:
        """Every change; report.watermark then says where the next increment begins."""
        links: dict[str, str] = {}
        readers: dict[str, Callable[[DeltaRound], Iterator[Row | Gone]]] = {USERS: self._users, GROUPS: self._groups}
        for name in (GROUPS, USERS):
            if name not in self._since.links:
                continue
            current = DeltaRound(self._client, f"/{name}", self._since.links[name], permission=PERMISSIONS[name])
            if name in self._source.objects:
                yield from self._counted(name, partial(readers[name], current))
            else:
                yield from readers[name](current)
            links[name] = current.link
        self._report.watermark = Watermark(links, self._since.unread, self._made, self._since.basis).text()

    def _counted(self, name: str, read: Callable[[], Iterator[Row | Gone]]) -> Iterator[Row | Gone]:
        """The rows, and the server's own count where it was the same before and after."""
        before = Ahead(partial(self._count, name))
        yield from read()
        after = self._count(name)
        proof = self._report.table(f"entra_{name.removesuffix('s')}")
        proof.filter = f"/{name}/delta"
        proof.server_count = after if before.result() == after else None

    def _count(self, name: str) -> int:
        path = f"/{name}/$count"
        text = self._client.get_text(path, None, ADVANCED, permission=PERMISSIONS[name])
        if not (text.isascii() and text.isdigit()):
            raise SourceError(f"GET {path}: not a number: {printable(text[:40])}")
        return int(text)

    def _readable(self, name: str, properties: tuple[str, ...]) -> frozenset[str]:
        return frozenset(properties) - set(self._since.unread.get(name, ()))

    def _users(self, current: DeltaRound) -> Iterator[Row | Gone]:
        reader = UserRows(self._ids)
        absent = Absent("entra_user", USER_PROPERTIES, self._readable(USERS, USER_PROPERTIES))
        for page in current.pages():
            self._report.table("entra_user").pages += 1
            for item in page.items:
                key = object_id(item)
                if key is None:
                    yield reader.row(item)
                elif "@removed" in item:
                    yield Gone("entra_user", (key,))
                else:
                    yield reader.row(absent.completed(item))._replace(absent=absent.of(item))

    def _groups(self, current: DeltaRound) -> Iterator[Row | Gone]:
        wants_groups = "groups" in self._source.objects
        reader = GroupRows()
        absent = Absent("entra_group", GROUP_PROPERTIES, self._readable(GROUPS, GROUP_PROPERTIES))
        members = _ChangedMembers(self._client, self._report) if "members" in self._source.objects else None
        for page in current.pages():
            if wants_groups:
                self._report.table("entra_group").pages += 1
            if members is not None:
                yield from members.rows(page)
            for item in page.items if wants_groups else ():
                key = object_id(item)
                if key is None:
                    yield reader.row(item, None)
                elif "@removed" in item:
                    yield Gone("entra_group", (key,))
                else:
                    counts = members.counts if members is not None else {}
                    # where the number is not known, the store counts
                    missing = absent.of(item) if key in counts else absent.of(item) | {"member_count"}
                    yield reader.row(absent.completed(item), counts.get(key))._replace(absent=missing)
        if members is not None:
            yield from members.large()


class _ChangedMembers:
    """The members of the groups on delta pages. `counts`: by group id, None where they cannot be read."""

    def __init__(self, client: GraphClient, report: ReadReport) -> None:
        self.counts: dict[str, int | None] = {}
        self._present: dict[str, int] = {}  # how many members the round has named so far, those that left aside
        self._large: dict[str, dict[str, Any]] = {}
        self._client = client
        self._report = report

    def rows(self, page: Page) -> Iterator[Row | Gone]:
        """What becomes of the members of the groups on one page."""
        self.counts = {}
        changed: dict[str, dict[str, Any]] = {}
        unsaid: dict[str, dict[str, Any]] = {}
        for item in page.items:
            key = object_id(item)
            if key is None:
                continue
            if "@removed" in item:
                changed.pop(key, None)
                unsaid.pop(key, None)
                self._present.pop(key, None)
                self._large.pop(key, None)
                yield Gone("entra_member", (key,))
                continue
            if "members@delta" in item:
                yield from self._told(key, item["members@delta"])
                if self._present.get(key, 0) > PAGE:
                    self._large[key] = {"id": key, "visibility": item.get("visibility")}
            if "members@delta" in item or item.get("visibility") == HIDDEN:
                changed[key] = item
            else:
                unsaid[key] = item
        reader = MemberReader(self._client, self._report, None)
        if changed:
            yield from reader.changed(list(changed.values()))
        if unsaid:
            yield from reader.emptied([item for key, item in unsaid.items() if key not in changed])
        self.counts = reader.counts

    def large(self) -> Iterator[Row | Gone]:
        """After the round: groups of more than a page of which it may have named every member, read to their end."""
        for key in self._large:
            yield Gone("entra_member", (key,))
        yield from MemberReader(self._client, self._report, None).rows(list(self._large.values()))

    def _told(self, group_id: str, members: Any) -> Iterator[Row | Gone]:
        """What delta itself says; what is read afterwards has the last word."""
        if type(members) is not list:
            raise SourceError("GET /groups/delta: members@delta is no list")
        for member in members:
            key = object_id(member)
            if key is not None and "@removed" in member:
                yield Gone("entra_member", (group_id, key))
            else:
                self._present[group_id] = self._present.get(group_id, 0) + 1
                yield member_row(group_id, member)

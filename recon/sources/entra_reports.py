"""Registration details, sign-in activity and domains of a tenant: listings of their own, the first two in a slow pace.

Graph counts them in small buckets (5 reports in 10 s, 10 reads of sign-in activity a minute, for one application in
one tenant): they are asked for evenly and just below that, so that nothing is refused and nothing else starves.
Enumerations are kept as text, whatever they hold: the published examples leave their own lists.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from recon.decode.keys import fold
from recon.decode.times import day
from recon.objects import TABLES, ReadReport, Row, Yielded
from recon.sources.entra_listing import CountedListing, restarting
from recon.sources.entra_ndjson_writer import NdjsonWriter
from recon.sources.entra_rows import object_id, reject
from recon.sources.entra_values import Child, Columns, Defects, texts_of, time_of
from recon.sources.graph.client import GraphClient
from recon.sources.graph.paging import Page, read_pages
from recon.sources.graph.retry import Patience

REGISTRATION, SIGN_IN, DOMAIN = "entra_registration", "entra_signin", "entra_domain"
_SIGN_IN_PAGE = 500  # Graph gives no more objects with signInActivity on one page
_SIGN_INS = ("lastSignInDateTime", "lastNonInteractiveSignInDateTime", "lastSuccessfulSignInDateTime")
_SIGN_IN_DAYS = ("last_signin_day", "last_noninteractive_signin_day", "last_successful_signin_day")


@dataclass(frozen=True)
class Listing:
    """One listing: what it is called in [entra] objects, its table, and how it is asked for.

    pace: seconds from one request to the next. is_counted: Graph says how many there are.
    """

    table: str
    path: str
    permission: str
    row: Callable[[Any, int | None], Row]
    params: Mapping[str, str] = field(default_factory=dict)
    pace: float = 0.0
    is_counted: bool = False


class Paced:
    """A client's get, once in so many seconds at most."""

    def __init__(self, client: GraphClient, seconds: float) -> None:
        self._client = client
        self._seconds = seconds
        self._patience: Patience = client.patience
        self._next = 0.0

    def get(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        permission: str | None = None,
    ) -> dict[str, Any]:
        """The JSON object at `path`, when it is time for it. Raises as the client's get does."""
        now = self._patience.clock()
        # a clock that is set back meanwhile costs one pause, not the time it was set back
        begin = min(max(self._next, now), now + self._seconds)
        # not the patience's own wait: nobody asked for this one
        if begin > now:
            self._patience.sleep(begin - now)
        self._next = begin + self._seconds
        return self._client.get(path, params, headers, permission=permission)

    def get_text(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        permission: str | None = None,
    ) -> str:
        """The plain text at `path`, at once: a count is in no small bucket."""
        return self._client.get_text(path, params, headers, permission=permission)

    def pages(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        permission: str | None = None,
    ) -> Iterator[Page]:
        """Every page of a listing, as the client's pages."""
        return read_pages(self, path, params, headers, permission=permission)


# ---- rows

_REGISTRATION = Columns(REGISTRATION, derived=frozenset({"id"}))
_DOMAIN = Columns(DOMAIN, derived=frozenset({"id"}))
_DOMAIN_SIZE = TABLES[DOMAIN].columns[0].size or 0


def registration_row(item: Any, source_row: int | None = None) -> Row:
    """The row of one user's registration details, or one of load_reject."""
    key = object_id(item)
    if key is None:
        return reject(REGISTRATION, None, source_row, "no_id", "registration details without a usable id")
    found = Defects()  # not kept: entra_value_defect belongs to users
    values = _REGISTRATION.read(item, found)
    place = _REGISTRATION.place
    values[place["id"]] = key
    values[place["upn_key"]] = fold(values[place["userprincipalname"]], 450)
    methods: tuple[Child, ...] = tuple(
        ("entra_registration_method", (position, value, fold(value, 450)))
        for position, value in texts_of(item, "methodsRegistered", found)
    )
    return Row(REGISTRATION, tuple(values), methods)


def sign_in_row(item: Any, source_row: int | None = None) -> Row:
    """The row of one user's sign-in activity, empty for who never signed in, or one of load_reject."""
    key = object_id(item)
    if key is None:
        return reject(SIGN_IN, None, source_row, "no_id", "a user without a usable id")
    activity = item.get("signInActivity")
    found = Defects()
    times = [
        None if activity.get(name) is None else time_of(name.lower(), activity[name], found) for name in _SIGN_INS
    ] if type(activity) is dict else [None] * len(_SIGN_INS)  # fmt: skip
    place = TABLES[SIGN_IN].position
    values: list[object] = [None] * len(place)
    values[place["id"]] = key
    for name, day_name, at in zip(_SIGN_INS, _SIGN_IN_DAYS, times, strict=True):
        values[place[name.lower()]] = at
        values[place[day_name]] = None if at is None else day(at)
    return Row(SIGN_IN, tuple(values))


def domain_row(item: Any, source_row: int | None = None) -> Row:
    """The row of one subscribed domain, or one of load_reject. Its id is its name."""
    name = item.get("id") if type(item) is dict else None
    if type(name) is not str or not name.strip() or len(name) > _DOMAIN_SIZE:
        return reject(DOMAIN, None, source_row, "no_id", "a domain without a usable name")
    found = Defects()
    values = _DOMAIN.read(item, found)
    place = _DOMAIN.place
    values[place["id"]] = name
    values[place["domain_key"]] = fold(name, _DOMAIN_SIZE)
    services: tuple[Child, ...] = tuple(
        ("entra_domain_service", (position, value)) for position, value in texts_of(item, "supportedServices", found)
    )
    return Row(DOMAIN, tuple(values), services)


LISTINGS = {
    "registration": Listing(
        REGISTRATION,
        "/reports/authenticationMethods/userRegistrationDetails",
        "AuditLog.Read.All",
        registration_row,
        {"$top": "999"},
        pace=2.1,
    ),
    "signin": Listing(SIGN_IN, "/users", "AuditLog.Read.All", sign_in_row, pace=6.1, is_counted=True),
    "domains": Listing(DOMAIN, "/domains", "Domain.Read.All", domain_row),
}


class ListingReader:
    """Reads one of LISTINGS to its end."""

    def __init__(self, name: str, client: GraphClient, report: ReadReport, saver: NdjsonWriter | None = None) -> None:
        self.count: int | None = None  # the server's, where it has one
        self._name = name
        self._listing = LISTINGS[name]
        self._client = Paced(client, self._listing.pace)
        self._report = report
        self._saver = saver

    def rows(self) -> Iterator[Yielded]:
        """Every row. Raises SourceError and its kinds; then nothing may be published."""
        self._report.table(self._listing.table).filter = self._listing.path
        read = self._counted if self._listing.is_counted else self._uncounted
        yield from restarting(self._listing.path, read, self._begin_again)

    def _counted(self) -> Iterator[Row]:
        listing, proof = self._listing, self._report.table(self._listing.table)
        properties = ("id", "signInActivity")
        counted = CountedListing(self._client, listing.path, properties, _SIGN_IN_PAGE, listing.permission)
        for page in counted.pages(proof):
            yield from self._page(page)
        self.count = proof.server_count = counted.count

    def _uncounted(self) -> Iterator[Row]:
        listing, proof = self._listing, self._report.table(self._listing.table)
        for page in self._client.pages(listing.path, listing.params or None, permission=listing.permission):
            proof.pages += 1
            yield from self._page(page)

    def _page(self, page: Page) -> Iterator[Row]:
        for item in page.items:
            if self._saver is not None:
                self._saver.write(self._name, item)
            yield self._listing.row(item, None)

    def _begin_again(self) -> None:
        self._report.warnings.append(f"{self._listing.path} was begun again: its page token had expired")
        if self._saver is not None:
            self._saver.restart(self._name)

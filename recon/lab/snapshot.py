"""A site's own tenant, as it was loaded, served by the simulator: what a rehearsal is played on.

Only what a backfill reads and writes is taken: the identity, the switches, otherMails, usageLocation and the asked-for
directory extensions. Members and holders of directory roles are closed to the writing application, as at Microsoft.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from recon.errors import UsageError
from recon.lab.graph import App, Fault, GraphSimulator, Limits, Tenant
from recon.store import Store
from recon.store.tables import LOADED, source

APP = "rehearsal"
_CHUNK = 5_000
_COLUMNS = {
    "id": "id",
    "userprincipalname": "userPrincipalName",
    "displayname": "displayName",
    "usertype": "userType",
    "accountenabled": "accountEnabled",
    "onpremisessyncenabled": "onPremisesSyncEnabled",
    "onpremisesimmutableid": "onPremisesImmutableId",
    "employeeid": "employeeId",
    "usagelocation": "usageLocation",
}
_FLAGS = frozenset({"accountEnabled", "onPremisesSyncEnabled"})


@dataclass(frozen=True, slots=True)
class Profile:
    """How the service behaves: probabilities of one item or request, seconds; `text` says it to people."""

    text: str
    item_429: float = 0.0
    item_503: float = 0.0
    reset: float = 0.0
    eventual: float | None = None
    latency: tuple[float, float] = (0.2, 0.8)

    def faults(self) -> list[Fault]:
        """The faults of the simulator."""
        found = []
        for kind, probability in (("429-none", self.item_429), ("503", self.item_503)):
            if probability:
                found.append(Fault(kind, match=r"/users/", probability=probability, times=None))
        if self.reset:
            found += [Fault(kind, probability=self.reset / 2, times=None) for kind in ("reset", "reset-after")]
        return found


PROFILES: Mapping[str, Profile] = {
    "calm": Profile("no faults; each call takes 0.2 to 0.8 s"),
    "busy": Profile(
        "1 % of the items 429, 0.5 % 503, 0.5 % of the calls reset, writes seen up to 3 s late; "
        "each call takes 0.2 to 0.8 s",
        0.01, 0.005, 0.005, 3.0,
    ),
    "storm": Profile(
        "2 % of the items 429, 2 % 503, 1 % of the calls reset, writes seen up to 10 s late; "
        "each call takes 0.5 to 3 s",
        0.02, 0.02, 0.01, 10.0, (0.5, 3.0),
    ),
}  # fmt: skip


def _mails(connection: Connection, source_id: int, ids: list[str]) -> dict[str, list[str]]:
    mail = LOADED["entra_user_othermail"]
    query = (
        select(mail.c.id, mail.c.value)
        .where(mail.c.source_id == source_id, mail.c.id.in_(ids))
        .order_by(mail.c.id, mail.c.position)
    )
    found: dict[str, list[str]] = {}
    for key, value in connection.execute(query):
        found.setdefault(key, []).append(value)
    return found


def read_users(connection: Connection, source_id: int) -> Iterator[dict[str, Any]]:
    """The loaded users of one tenant as Graph objects; an attribute that was not loaded is empty."""
    user = LOADED["entra_user"]
    columns = [user.c[name] for name in _COLUMNS]
    query = select(*columns).where(user.c.source_id == source_id).order_by(user.c.id)
    rows = connection.execution_options(yield_per=_CHUNK).execute(query)
    for part in rows.partitions(_CHUNK):
        chunks = [[row[0] for row in part[start : start + 500]] for start in range(0, len(part), 500)]
        mails: dict[str, list[str]] = {}
        for chunk in chunks:
            mails |= _mails(connection, source_id, chunk)
        for row in part:
            values = dict(zip(_COLUMNS.values(), row, strict=True))
            for name in _FLAGS:
                values[name] = None if values[name] is None else bool(values[name])
            yield values | {"otherMails": mails.get(values["id"], [])}


def _privileged(connection: Connection, source_id: int) -> set[str]:
    """Whom Microsoft protects, as far as it was loaded: who holds a role, is in a role-assignable group or owns one."""
    role, group = LOADED["entra_role_member"], LOADED["entra_group"]
    found = set(
        connection.scalars(select(role.c.member_id).where(role.c.source_id == source_id, role.c.is_eligible == 0))
    )
    for name, column in (("entra_member", "member_id"), ("entra_group_owner", "owner_id")):
        link = LOADED[name]
        of_role = (
            (group.c.source_id == link.c.source_id) & (group.c.id == link.c.id) & (group.c.isassignabletorole == 1)
        )
        found |= set(
            connection.scalars(select(link.c[column]).join(group, of_role).where(link.c.source_id == source_id))
        )
    return found


def site_simulator(
    store: Store,
    tenant_id: str,
    entra_name: str,
    profile: Profile,
    *,
    clock: Callable[[], float],
    extensions: Iterable[tuple[str, str, str | None]] = (),
    seed: int = 0,
) -> GraphSimulator:
    """The site's tenant behind the published limits, not listening. `extensions`: (user id, attribute, value).

    Raises UsageError when the tenant has not been loaded.
    """
    with store.read() as connection:
        source_id = connection.scalar(select(source.c.source_id).where(source.c.name == entra_name))
        if source_id is None:
            raise UsageError(
                f"{entra_name} has not been loaded: there is nothing to rehearse on", hint="recon load entra"
            )
        more: dict[str, dict[str, str | None]] = {}
        for key, name, value in extensions:
            more.setdefault(key, {})[name] = value
        users = [user | more.get(user["id"], {}) for user in read_users(connection, source_id)]
        privileged = _privileged(connection, source_id) & {user["id"] for user in users}
    return GraphSimulator(
        [Tenant(tenant_id, users, privileged=privileged)],
        apps={APP: App("rehearsal", ("User.ReadWrite.All",))},
        limits=Limits(),
        faults=profile.faults(),
        eventual=profile.eventual,
        seed=seed,
        monotonic=clock,
    )

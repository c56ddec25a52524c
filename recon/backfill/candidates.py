"""The evidence about every worker in scope, streamed from the store: one record per worker, in constant memory.

Workers are read in slices of their row ids; the evidence of a slice comes from the SELECTs of sql/plan, once per
linked source. Nothing is judged here.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Connection, Row, TextClause, text

from recon.backfill.denied import Denied, Privileged
from recon.backfill.items import AdAccount, EntraAccount, Evidence, Pairing
from recon.backfill.sources import Source, Sources
from recon.backfill.values import Wanted, read_ad_values
from recon.backfill_config import ATTRIBUTES, Scope
from recon.catalog import data_folder
from recon.decode.keys import fold
from recon.errors import CatalogError
from recon.scopes.judge import Judge
from recon.scopes.workers import check_scopes, read_workers

_JUDGED = (
    "worker_id", "employee_id", "employeeid_key", "first_name", "last_name", "display_name", "is_active",
    "hire_day", "original_hire_day", "termination_day",
)  # fmt: skip

K = TypeVar("K")
T = TypeVar("T")
Bounds = tuple[int, int]  # first and last row_id of a slice of workers


@dataclass
class Counted:
    """How many workers were looked at and were not in scope."""

    out_of_scope: int = 0


@dataclass(frozen=True)
class Candidates:
    """Evidence for one plan. `wanted`: what is to be written and from where, one entry for each attribute."""

    connection: Connection
    sources: Sources
    scopes: Mapping[str, Scope]  # the plan's own first; people of any other one as well are told apart
    wanted: tuple[Wanted, ...]
    denied: Denied
    privileged: Privileged = field(default_factory=Privileged)
    stale: frozenset[int] = frozenset()  # source ids of domains whose load is too old
    counted: Counted = field(default_factory=Counted)

    def __iter__(self) -> Iterator[tuple[Evidence, ...]]:
        """One record per worker in scope and entry of `wanted`, a worker's together, in that order.

        Raises ConfigError when a scope names an unknown column.
        """
        ids = [source.source_id for source in self.sources.workers]
        own, headers = check_scopes(self.connection, ids, self.scopes)
        names = [*_JUDGED, *own]
        names += [each.source.column for each in self.wanted if each.source.table == "worker"]
        judges = {name: Judge(scope) for name, scope in self.scopes.items()}
        mine = judges.pop(next(iter(judges)))
        for source in self.sources.workers:
            for rows in read_workers(self.connection, source.source_id, names, headers):
                chosen = [row for row in rows if mine(row)]
                self.counted.out_of_scope += len(rows) - len(chosen)
                if chosen:
                    bounds = rows[0]["row_id"], rows[-1]["row_id"]
                    others = {
                        row["row_id"]: tuple(name for name, judge in judges.items() if judge(row)) for row in chosen
                    }
                    yield from self._evidence(source, chosen, bounds, others)

    # ---- evidence -----------------------------------------------------------------------------------------

    def _select(self, name: str, source: Source, other: Source, bounds: Bounds) -> Iterator[Row[Any]]:
        values = {"worker_source_id": source.source_id, "other_source_id": other.source_id}
        values |= {"first_row": bounds[0], "last_row": bounds[1]}
        return iter(self.connection.execute(_statement(name), values))

    def _grouped(
        self,
        name: str,
        source: Source,
        others: Sequence[Source],
        bounds: Bounds,
        make: Callable[[Row[Any]], T],
    ) -> dict[int, list[T]]:
        found: dict[int, list[T]] = defaultdict(list)
        for other in others:
            for row in self._select(name, source, other, bounds):
                found[row.worker_row_id].append(make(row))
        return found

    def _evidence(
        self,
        source: Source,
        workers: Sequence[Mapping[str, Any]],
        bounds: Bounds,
        others: Mapping[int, tuple[str, ...]],
    ) -> Iterator[tuple[Evidence, ...]]:
        tenant, domains = [self.sources.entra], self.sources.ad_of(source)
        ad_values = read_ad_values(self.connection, self.sources, self.wanted, source, bounds)
        ad, stale = self._ad_accounts(source, domains, bounds)
        entra = self._grouped("plan_entra_account", source, tenant, bounds, lambda row: _account(EntraAccount, row))
        pairings = self._grouped("plan_ad_match", source, tenant, bounds, _pairing)
        for key, more in self._grouped("plan_entra_match", source, tenant, bounds, _pairing).items():
            pairings[key] += more
        holders = self._grouped("plan_same_id", source, self.sources.workers, bounds, lambda row: int(row.holders))
        prior = self._grouped("plan_prior_ad", source, domains, bounds, lambda row: str(row.prior_id))
        for key, ids in self._grouped(
            "plan_prior_entra", source, tenant, bounds, lambda row: str(row.prior_id)
        ).items():
            prior[key] += ids
        mails = self._grouped("plan_othermail", source, tenant, bounds, lambda row: (row.row_id, row.value))
        elsewhere: dict[int, list[str]] = defaultdict(list)
        for other in self.sources.other_tenants_of(source):
            for row in self._select("plan_entra_account", source, other, bounds):
                elsewhere[row.worker_row_id].append(other.name)
        for values in workers:
            row_id = values["row_id"]
            accounts = tuple({account.guid: account for account in ad.get(row_id, ())}.values())
            users = tuple(entra.get(row_id, ()))
            evidence = Evidence(
                worker=values,
                worker_source=source.name,
                same_id_workers=sum(holders.get(row_id, [1])),
                ad=accounts,
                entra=users,
                pairings=tuple(dict.fromkeys(pairings.get(row_id, ()))),
                prior_accounts=tuple(dict.fromkeys(prior.get(row_id, ()))),
                other_tenants=tuple(dict.fromkeys(elsewhere.get(row_id, ()))),
                role_groups=_names(self.privileged.role_groups, (user.id for user in users)),
                roles=_names(self.privileged.roles, (user.id for user in users)),
                denied_groups=self._denied_groups(accounts, users),
                admin_groups=_names(self.privileged.ad, (account.row_id for account in accounts)),
                other_scopes=others[row_id],
                stale_loads=tuple(stale[row_id] if row_id in ad else stale[None]),
            )
            yield tuple(_with_value(evidence, each, mails.get(row_id, ()), ad_values) for each in self.wanted)

    def _ad_accounts(
        self, source: Source, domains: Sequence[Source], bounds: Bounds
    ) -> tuple[dict[int, list[AdAccount]], dict[int | None, list[str]]]:
        """The AD accounts of each worker, and the stale domains they are in; under None: of those who have none."""
        found: dict[int, list[AdAccount]] = defaultdict(list)
        stale: dict[int | None, list[str]] = defaultdict(list)
        for domain in domains:
            is_stale = domain.source_id in self.stale
            if is_stale:
                stale[None].append(domain.name)
            for row in self._select("plan_ad_account", source, domain, bounds):
                found[row.worker_row_id].append(_account(AdAccount, row))
                if is_stale:
                    stale[row.worker_row_id].append(domain.name)
        return found, stale

    def _denied_groups(self, accounts: Sequence[AdAccount], users: Sequence[EntraAccount]) -> tuple[str, ...]:
        denied = [self.denied.ad.get(account.row_id) for account in accounts]
        denied += [self.denied.entra.get(user.id) for user in users]
        return tuple(dict.fromkeys(name for name in denied if name is not None))


def _with_value(
    evidence: Evidence, wanted: Wanted, mails: Sequence[tuple[int, str]], ad_values: Mapping[int, Mapping[str, Any]]
) -> Evidence:
    """The evidence with what stands in one attribute and what is wanted there."""
    sole_ad = evidence.ad[0] if len(evidence.ad) == 1 else None
    sole_entra = evidence.entra[0] if len(evidence.entra) == 1 else None
    if wanted.source.table == "worker":
        value = wanted.value(evidence.worker[wanted.source.column])
        source_row = evidence.worker["row_id"]
    else:
        value = wanted.value(ad_values.get(sole_ad.row_id, {}).get(wanted.source.column)) if sole_ad else None
        source_row = sole_ad.row_id if sole_ad else None
    current: tuple[str, ...] = ()
    if sole_entra is not None:
        if wanted.attribute == "otherMails":
            current = tuple(mail for row_id, mail in mails if row_id == sole_entra.row_id)
        elif wanted.attribute == "usageLocation" and sole_entra.usagelocation:
            current = (sole_entra.usagelocation,)
        elif wanted.attribute not in ATTRIBUTES:
            current = wanted.owned.get(sole_entra.id, ())
    return replace(
        evidence,
        current=current,
        # loads carry no directory extensions: what the re-read must find is what we take for granted
        is_loaded=wanted.attribute in ATTRIBUTES or wanted.mapping.mode != "replace",
        value=value,
        ours=wanted.owned.get(sole_entra.id, ()) if sole_entra else (),
        changed_on=wanted.changed.get(source_row) if source_row is not None else None,
        is_shared=value is not None and fold(value) in wanted.shared,
    )


def _account(kind: type[T], row: Row[Any]) -> T:
    """One account of a row that has its fields in their order, behind worker_row_id."""
    return kind(*map(_plain, tuple(row)[1:]))


def _plain(value: Any) -> Any:
    """A plain statement knows no types: engines with real timestamps give datetimes, our text form is wanted."""
    return value.isoformat(sep=" ", timespec="microseconds") if isinstance(value, datetime) else value


def _names(found: Mapping[K, tuple[str, ...]], keys: Iterable[K]) -> tuple[str, ...]:
    """The names under any of the keys, each once."""
    return tuple(dict.fromkeys(name for key in keys for name in found.get(key, ())))


def _pairing(row: Row[Any]) -> Pairing:
    return Pairing(row.ad_row_id, row.entra_row_id, row.rule_number, row.rules_agreeing)


_statements: dict[str, TextClause] = {}


def _statement(name: str) -> TextClause:
    """The SELECT of one file of sql/plan."""
    if name not in _statements:
        path = data_folder("sql") / "plan" / f"{name}.sql"
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except OSError as error:
            raise CatalogError(
                f"{path}: cannot be read: {error.strerror}", hint="install directory-recon again"
            ) from error
        _statements[name] = text("\n".join(line for line in lines if not line.startswith("--")))
    return _statements[name]

"""The evidence about every worker in scope, streamed from the store: one record per worker, in constant memory.

Workers are read in slices of their row ids; the evidence of a slice comes from the SELECTs of sql/plan, once per
linked source. Nothing is judged here.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Connection, Row, Text, TextClause, select, text

from recon.backfill import scope as scopes
from recon.backfill.denied import Denied
from recon.backfill.items import AdAccount, EntraAccount, Evidence, Pairing
from recon.backfill.sources import Source, Sources
from recon.backfill.values import Wanted, read_ad_values
from recon.backfill_config import Scope
from recon.catalog import data_folder
from recon.decode.keys import fold
from recon.errors import CatalogError
from recon.store.tables import LOADED

_SLICE = 2_000  # workers looked at in one go
_JUDGED = (
    "worker_id", "employee_id", "employeeid_key", "first_name", "last_name", "display_name", "is_active",
    "hire_day", "original_hire_day", "termination_day",
)  # fmt: skip

T = TypeVar("T")


@dataclass
class Counted:
    """How many workers were looked at and were not in scope."""

    out_of_scope: int = 0


@dataclass(frozen=True)
class Candidates:
    """Evidence for one plan. `wanted`: what is to be written and from where, one entry for each attribute."""

    connection: Connection
    sources: Sources
    scope_name: str
    scope: Scope
    wanted: tuple[Wanted, ...]
    denied: Denied
    counted: Counted = field(default_factory=Counted)

    def __iter__(self) -> Iterator[tuple[Evidence, ...]]:
        """One record per worker in scope and entry of `wanted`, a worker's together, in that order.

        Raises ConfigError when the scope names an unknown column.
        """
        headers = self._check_scope()
        for source in self.sources.workers:
            for rows in self._slices(source):
                yield from self._evidence(source, rows, headers)

    # ---- workers and scope --------------------------------------------------------------------------------

    def _check_scope(self) -> tuple[str, ...]:
        """The headers of the HR extract that the scope asks for, once all its columns are known."""
        worker, attribute = LOADED["worker"], LOADED["worker_attribute"]
        own = [column.name for column in worker.c if isinstance(column.type, Text) or column.name == "is_active"]
        wanted = [column for column in scopes.columns(self.scope) if column not in own]
        if wanted:
            ids = [source.source_id for source in self.sources.workers]
            names = select(attribute.c.attribute).where(attribute.c.source_id.in_(ids)).distinct()
            scopes.check_columns(self.scope_name, self.scope, own, sorted(self.connection.scalars(names)))
        return tuple(wanted)

    def _worker_columns(self) -> list[str]:
        columns = LOADED["worker"].c
        wanted = [*_JUDGED, *(name for name in scopes.columns(self.scope) if name in columns)]
        wanted += [each.source.column for each in self.wanted if each.source.table == "worker"]
        return list(dict.fromkeys(wanted))

    def _slices(self, source: Source) -> Iterator[Sequence[Row[Any]]]:
        worker = LOADED["worker"]
        columns = [worker.c.row_id, *(worker.c[name] for name in self._worker_columns())]
        last = 0
        while True:
            statement = (
                select(*columns)
                .where(worker.c.source_id == source.source_id, worker.c.row_id > last)
                .order_by(worker.c.row_id)
                .limit(_SLICE)
            )
            rows = self.connection.execute(statement).all()
            if not rows:
                return
            yield rows
            last = rows[-1].row_id

    def _attributes(
        self, source: Source, rows: Sequence[Row[Any]], headers: tuple[str, ...]
    ) -> dict[int, dict[str, Any]]:
        found: dict[int, dict[str, Any]] = defaultdict(dict)
        if headers:
            worker, attribute = LOADED["worker"], LOADED["worker_attribute"]
            statement = (
                select(worker.c.row_id, attribute.c.attribute, attribute.c.value)
                .join_from(
                    worker,
                    attribute,
                    (attribute.c.source_id == worker.c.source_id) & (attribute.c.worker_id == worker.c.worker_id),
                )
                .where(
                    worker.c.source_id == source.source_id,
                    worker.c.row_id.between(rows[0].row_id, rows[-1].row_id),
                    attribute.c.attribute.in_(headers),
                )
            )
            for row in self.connection.execute(statement):
                found[row.row_id][row.attribute] = row.value
        return found

    # ---- evidence -----------------------------------------------------------------------------------------

    def _select(self, name: str, source: Source, other: Source, rows: Sequence[Row[Any]]) -> Iterator[Row[Any]]:
        bounds = {"first_row": rows[0].row_id, "last_row": rows[-1].row_id}
        values = {"worker_source_id": source.source_id, "other_source_id": other.source_id, **bounds}
        return iter(self.connection.execute(_statement(name), values))

    def _grouped(
        self,
        name: str,
        source: Source,
        others: Sequence[Source],
        rows: Sequence[Row[Any]],
        make: Callable[[Row[Any]], T],
    ) -> dict[int, list[T]]:
        found: dict[int, list[T]] = defaultdict(list)
        for other in others:
            for row in self._select(name, source, other, rows):
                found[row.worker_row_id].append(make(row))
        return found

    def _evidence(
        self, source: Source, rows: Sequence[Row[Any]], headers: tuple[str, ...]
    ) -> Iterator[tuple[Evidence, ...]]:
        attributes = self._attributes(source, rows, headers)
        workers = {}
        for row in rows:
            values = dict(row._mapping)
            if scopes.contains(self.scope, values | attributes.get(row.row_id, {})):
                workers[row.row_id] = values
            else:
                self.counted.out_of_scope += 1
        if not workers:
            return
        tenant, domains = [self.sources.entra], self.sources.ad_of(source)
        ad_values = read_ad_values(self.connection, self.sources, self.wanted, source, rows)
        ad = self._grouped("plan_ad_account", source, domains, rows, lambda row: _account(AdAccount, row))
        entra = self._grouped("plan_entra_account", source, tenant, rows, lambda row: _account(EntraAccount, row))
        pairings = self._grouped("plan_ad_match", source, tenant, rows, _pairing)
        for key, more in self._grouped("plan_entra_match", source, tenant, rows, _pairing).items():
            pairings[key] += more
        holders = self._grouped("plan_same_id", source, self.sources.workers, rows, lambda row: int(row.holders))
        prior = self._grouped("plan_prior_ad", source, domains, rows, lambda row: str(row.prior_id))
        for key, ids in self._grouped("plan_prior_entra", source, tenant, rows, lambda row: str(row.prior_id)).items():
            prior[key] += ids
        roles = self._grouped("plan_role_group", source, tenant, rows, lambda row: str(row.displayname))
        held = self._grouped("plan_role", source, tenant, rows, _role)
        mails = self._grouped("plan_othermail", source, tenant, rows, lambda row: (row.row_id, row.value))
        elsewhere: dict[int, list[str]] = defaultdict(list)
        for other in self.sources.other_tenants_of(source):
            for row in self._select("plan_entra_account", source, other, rows):
                elsewhere[row.worker_row_id].append(other.name)
        for row_id, values in workers.items():
            evidence = Evidence(
                worker=values,
                worker_source=source.name,
                same_id_workers=sum(holders.get(row_id, [1])),
                ad=tuple({account.guid: account for account in ad.get(row_id, ())}.values()),
                entra=tuple(entra.get(row_id, ())),
                pairings=tuple(dict.fromkeys(pairings.get(row_id, ()))),
                prior_accounts=tuple(dict.fromkeys(prior.get(row_id, ()))),
                other_tenants=tuple(dict.fromkeys(elsewhere.get(row_id, ()))),
                role_groups=tuple(dict.fromkeys(roles.get(row_id, ()))),
                roles=tuple(dict.fromkeys(held.get(row_id, ()))),
            )
            evidence = replace(evidence, denied_groups=self._denied_groups(evidence))
            yield tuple(_with_value(evidence, each, mails.get(row_id, ()), ad_values) for each in self.wanted)

    def _denied_groups(self, evidence: Evidence) -> tuple[str, ...]:
        denied = [self.denied.ad.get(account.row_id) for account in evidence.ad]
        denied += [self.denied.entra.get(account.id) for account in evidence.entra]
        return tuple(dict.fromkeys(name for name in denied if name is not None))


def _with_value(
    evidence: Evidence, wanted: Wanted, mails: Sequence[tuple[int, str]], ad_values: Mapping[int, Mapping[str, Any]]
) -> Evidence:
    """The evidence with what stands in one attribute and what is wanted there."""
    sole_ad = evidence.ad[0] if len(evidence.ad) == 1 else None
    sole_entra = evidence.entra[0] if len(evidence.entra) == 1 else None
    if wanted.source.table == "worker":
        value = wanted.value(evidence.worker[wanted.source.column])
    else:
        value = wanted.value(ad_values.get(sole_ad.row_id, {}).get(wanted.source.column)) if sole_ad else None
    current: tuple[str, ...] = ()
    if sole_entra is not None:
        if wanted.attribute == "otherMails":
            current = tuple(mail for row_id, mail in mails if row_id == sole_entra.row_id)
        elif wanted.attribute == "usageLocation" and sole_entra.usagelocation:
            current = (sole_entra.usagelocation,)
    return replace(evidence, current=current, value=value, is_shared=value is not None and fold(value) in wanted.shared)


def _account(kind: type[T], row: Row[Any]) -> T:
    """One account of a row that names its fields, behind worker_row_id."""
    return kind(**{name: _plain(value) for name, value in row._mapping.items() if name != "worker_row_id"})


def _plain(value: Any) -> Any:
    """A plain statement knows no types: engines with real timestamps give datetimes, our text form is wanted."""
    return value.isoformat(sep=" ", timespec="microseconds") if isinstance(value, datetime) else value


def _role(row: Row[Any]) -> str:
    return f"{row.displayname} (eligible)" if row.is_eligible else str(row.displayname)


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

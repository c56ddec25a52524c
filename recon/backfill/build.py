"""Making a plan: scope and sources checked, everyone in scope judged, the result frozen."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, func, select

from recon import __version__
from recon.backfill.approval import operating_system_user
from recon.backfill.candidates import Candidates
from recon.backfill.denied import find_denied, find_privileged
from recon.backfill.held import find_changed
from recon.backfill.items import Evidence, Item, Reason
from recon.backfill.owned import read_owned
from recon.backfill.plan import Plan, freeze
from recon.backfill.reasons import Rules, judge
from recon.backfill.scope import chosen_scope, rivals
from recon.backfill.sources import Sources, check_fresh, describe, find_sources
from recon.backfill.values import find_wanted
from recon.backfill_config import ATTRIBUTES, Mapping
from recon.config import Backfill, Config
from recon.decode.keys import fold, mail_domain
from recon.decode.times import day, utc_now_text
from recon.errors import PlanError, UsageError
from recon.scopes.judge import definition
from recon.store import Store
from recon.store.runs import doubts
from recon.store.tables import LOADED

PLANS = Path("plans")
_OWN_SHARE = 0.01  # of AD's mail addresses: a domain with more of them is the company's


def plans_folder(config: Config) -> Path:
    """Where plans lie: beside recon.toml."""
    return config.path(PLANS)


def hours_later(at: str, hours: float) -> str:
    """The time text so many hours later."""
    return (datetime.fromisoformat(at) + timedelta(hours=hours)).isoformat(sep=" ", timespec="microseconds")


def _mappings(settings: Backfill, attribute: str | None) -> tuple[Mapping, ...]:
    """What is to be written: every mapping, or that of one attribute, which has its usual source where none is set."""
    if attribute is None:
        return settings.mappings
    for mapping in settings.mappings:
        if mapping.attribute == attribute:
            return (mapping,)
    if attribute not in ATTRIBUTES:
        known = dict.fromkeys([*ATTRIBUTES, *(mapping.attribute for mapping in settings.mappings)])
        raise UsageError(f"{attribute} may not be written", hint=f"--attribute is {' or '.join(known)}")
    return (Mapping(attribute=attribute),)


def _company_domains(connection: Connection, sources: Sources, configured: tuple[str, ...]) -> frozenset[str]:
    """Configured domains, UPN suffixes of both sides (guests aside), verified domains, and AD's usual mail domains."""
    ad, entra, domain = LOADED["ad_user"], LOADED["entra_user"], LOADED["entra_domain"]
    ad_ids = [source.source_id for source in sources.ad]
    found = {key for name in configured if (key := fold(name.removeprefix("@"))) is not None}
    suffixes = select(entra.c.upn_suffix).where(
        entra.c.source_id == sources.entra.source_id, func.coalesce(entra.c.is_guest, 0) == 0
    )
    found |= {name for name in connection.scalars(suffixes.distinct()) if name is not None}
    verified = select(domain.c.domain_key).where(
        domain.c.source_id == sources.entra.source_id, domain.c.isverified == 1
    )
    found |= {name for name in connection.scalars(verified) if name is not None}
    own = select(ad.c.upn_suffix).where(ad.c.source_id.in_(ad_ids)).distinct()
    found |= {name for name in connection.scalars(own) if name is not None}
    domains: Counter[str] = Counter()
    mails = select(ad.c.mail_key).where(ad.c.source_id.in_(ad_ids), ad.c.mail_key.is_not(None))
    with connection.execution_options(yield_per=5_000).scalars(mails) as keys:
        domains.update(name for key in keys if (name := mail_domain(key)) is not None)
    total = domains.total()
    return frozenset(found | {name for name, count in domains.items() if count > 1 and count > total * _OWN_SHARE})


def _judged(candidates: Candidates, rules: Sequence[Rules], limit: int | None) -> Iterator[Item | Reason]:
    """Each person's outcomes, one for each mapping. The limit counts people with at least one item."""
    people = 0
    for records in candidates:
        outcomes = [judge(evidence, its) for evidence, its in zip(records, rules, strict=True)]
        people += any(isinstance(outcome, Item) for outcome in outcomes)
        over = limit is not None and people > limit
        for evidence, outcome in zip(records, outcomes, strict=True):
            yield _over_limit(outcome, evidence, limit) if over and isinstance(outcome, Item) else outcome


def _over_limit(item: Item, evidence: Evidence, limit: int | None) -> Reason:
    return Reason(
        "over_limit",
        f"beyond the first {limit} people",
        item.worker_source,
        item.worker_id,
        evidence.worker.get("employee_id"),
        item.object_id,
        item.upn,
        item.attribute,
    )


def build_plan(
    config: Config,
    store: Store,
    *,
    scope: str | None = None,
    attribute: str | None = None,
    entra: str | None = None,
    limit: int | None = None,
    now: str | None = None,
    campaign: str | None = None,
    settle_minutes: int = 0,
) -> Plan:
    """Judge everyone in scope and freeze the result in plans/<hash> beside recon.toml.

    `now`: the time text, default the present. `settle_minutes`: younger accounts, at the time of the tenant's load,
    are left to the connector that should fill them. Raises UsageError without a scope, ConfigError when scope, source
    or deny list name what is not there, PlanError when loads are missing, stale, or change meanwhile.
    """
    now = now or utc_now_text()
    settings = config.backfill
    scope_name, chosen = chosen_scope(config, scope)
    mappings = _mappings(settings, attribute)
    with store.read() as connection:
        sources = find_sources(connection, entra)
        stale = check_fresh(connection, sources, now=now, max_age_hours=config.settings.load_max_age_hours)
        domains = _company_domains(connection, sources, settings.company_domains)
        denied = find_denied(
            connection, settings.denied_groups, [each.source_id for each in sources.ad], sources.entra.source_id
        )
        privileged = find_privileged(connection, [each.source_id for each in sources.ad], sources.entra.source_id)
        tenant_id = _tenant(config, sources)
        wanted = tuple(
            replace(
                each,
                changed=find_changed(connection, sources, each, now=now, held_days=config.settings.held_mail_days),
                owned=read_owned(plans_folder(config), tenant_id, each.attribute)
                if each.mapping.mode == "owned"
                else {},
            )
            for each in find_wanted(connection, sources, mappings)
        )
        candidates = Candidates(connection, sources, rivals(config, scope_name), wanted, denied, privileged, stale)
        header: dict[str, Any] = {
            "kind": "fill",
            "campaign": campaign,
            "tool_version": __version__,
            "tenant_id": tenant_id,
            "entra_source": sources.entra.name,
            "sources": describe(connection, sources),
            "doubts": _doubts(config, store, sources, now),
            "created_at": now,
            "expires_at": hours_later(now, settings.plan_max_age_hours),
            "scope": {"name": scope_name, "groups": definition(chosen)},
            "attribute": ", ".join(mapping.attribute for mapping in mappings),
            "mappings": [
                {
                    "attribute": each.attribute,
                    "source": str(each.source),
                    "mode": each.mapping.mode,
                    "position": each.mapping.position,
                }
                for each in wanted
            ],
            "planner": operating_system_user(),
            "approval": {"approvals": settings.approvals, "approved_by_others": settings.approved_by_others},
            "company_domains": sorted(domains),
            "denied_groups": sorted(settings.denied_groups),
            "limit": limit,
            "write_share": settings.write_share,
            "thresholds": {
                "max_items": settings.max_items,
                "max_share": settings.max_share,
                "max_replaced": settings.max_replaced,
            },
        }
        settled = hours_later(str(sources.entra.finished_at), -settle_minutes / 60) if settle_minutes else None
        rules = [Rules(each.attribute, day(now), domains, each.mode, each.position, settled) for each in mappings]

        def outcomes() -> Iterator[Item | Reason]:
            yield from _judged(candidates, rules, limit)
            header["out_of_scope"] = candidates.counted.out_of_scope  # known only now; frozen with the rest
            check_unchanged(store, sources, entra)

        return freeze(plans_folder(config), header, outcomes())


def _doubts(config: Config, store: Store, sources: Sources, now: str) -> list[str]:
    """What those who approve should know of the loads: accepted incomplete, failed when tried again, old."""
    names = {each.name for each in sources.all}
    found = doubts(store, now, config.settings.load_max_age_hours)
    return [f"{doubt.source} {doubt.why}" for doubt in found if doubt.source in names]


def _tenant(config: Config, sources: Sources) -> str:
    """The tenant id of the loaded source, which must be the configured one's."""
    configured = next((each.tenant_id for each in config.entra if each.name == sources.entra.name), "")
    loaded = sources.entra.domain
    if configured and loaded and configured.lower() != loaded.lower():
        raise PlanError(f"{sources.entra.name} was loaded from tenant {loaded}; the configuration names {configured}")
    return configured or loaded or ""


def check_unchanged(store: Store, sources: Sources, entra: str | None) -> None:
    """Raise PlanError when another load was published since `sources` was read: a long read may see some of it."""
    with store.read() as connection:
        if find_sources(connection, entra).run_ids != sources.run_ids:
            raise PlanError("a load was published while the plan was being made", hint="recon refresh, then plan again")

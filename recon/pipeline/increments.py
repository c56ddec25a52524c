"""Whether the next load of a source may be an increment, and why it is a full read where it may not.

An increment goes on from what the last published load left, so everything that load's rows depended on must be as it
was: which objects and attributes are asked for, from which part of the directory, how ids are normalised, the tables,
and the version of recon that makes rows.
"""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from recon import __version__
from recon.config import AdSource, Config, EntraSource, MimSource, WorkerSource
from recon.objects import TABLES, TABLES_OF_KIND
from recon.store.runs import Begin, Standing
from recon.store.tables import SCHEMA_VERSION

_GLOBAL_CATALOG = frozenset({3268, 3269})  # ports
_GRACE = timedelta(hours=1)  # a nightly run that starts some minutes earlier than a week ago is due all the same
# how a source is reached; what it answers does not depend on these
_CONNECTION = {
    "url", "urls", "password_env", "keyring", "tls", "ca_file", "timeout", "retries", "reader", "page_size",
    "partitions", "allow_plain_bind", "secret_env", "certificate_file", "certificate_password_env", "credential",
    "writer_client_id", "writer_secret_env",
}  # fmt: skip


def basis(config: Config, source: AdSource | EntraSource | WorkerSource | MimSource) -> str:
    """A digest of everything that the rows of a source depend on, the source's own state aside."""
    kind = {AdSource: "ad", EntraSource: "entra", WorkerSource: "workers", MimSource: "mim"}[type(source)]
    parts = {
        "recon": __version__,
        "schema": SCHEMA_VERSION,
        "source": source.model_dump(mode="json", exclude=_CONNECTION),
        "ids": config.employee_id.model_dump(mode="json"),
        "tables": {name: repr(TABLES[name].columns) for name in TABLES_OF_KIND[kind]},
    }
    if isinstance(source, AdSource) and any(urlsplit(url).port in _GLOBAL_CATALOG for url in source.url):
        parts["global_catalog"] = True  # it lacks most attributes
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def where_to_begin(
    config: Config,
    source: AdSource | EntraSource | WorkerSource | MimSource,
    stood: Standing | None,
    *,
    full: bool = False,
    save: Path | None = None,
    now: datetime | None = None,
) -> Begin:
    """What the next load begins with: a watermark, or the reason for a full read. `now`: UTC, for tests."""
    digest = basis(config, source)
    days = config.load.full_every_days
    reason = None
    if isinstance(source, WorkerSource | MimSource) or getattr(source, "ldif", None) or getattr(source, "ndjson", None):
        reason = "HR, MIM and files have no increments"
    elif stood is None:
        reason = "the first load"
    elif full:
        reason = "asked for"
    elif save is not None:
        reason = "for a whole export"
    elif days == 0:
        reason = "[load] full_every_days is 0"
    elif stood.watermark is None:
        reason = "the last load left no watermark"
    elif stood.basis != digest:
        reason = "configuration, tables or version of recon changed since the last load"
    elif stood.is_broken:
        reason = "a verification found that a table is not what was loaded"
    elif _is_due(stood.full_at, days, now or datetime.now(UTC).replace(tzinfo=None)):
        reason = f"due every {days} days"
    if reason is not None or stood is None:
        return Begin(basis=digest, reason=reason)
    # what a load says in case the source itself decides for a full read
    return Begin(stood.run_id, stood.watermark, digest, "the source gave no increment")


def _is_due(full_at: str | None, days: int, now: datetime) -> bool:
    if full_at is None:
        return True
    age = now - datetime.fromisoformat(full_at)
    return age >= timedelta(days=days) - _GRACE or age < -_GRACE  # of tomorrow: a clock was wrong

"""Loads of rows into a store, and what the named queries say of them."""

from collections.abc import Iterable

from recon.catalog import read_catalog
from recon.config import LoadGuards
from recon.objects import ReadReport, Row
from recon.queries import query
from recon.store import Store
from recon.store.load import Load
from recon.store.runs import register_source

CATALOG = read_catalog()
AD = ("ad_user", "ad_user_proxyaddress", "ad_group", "ad_member")
ENTRA = ("entra_user", "entra_user_othermail", "entra_user_license")
WORKERS = ("worker", "worker_prior_id")
KINDS = {"ad": AD, "entra": ENTRA, "workers": WORKERS}
LENIENT = LoadGuards(max_shrink_share=1, max_shrink_rows=1000, max_fill_loss=1, batch_rows=7)


def load(
    store: Store,
    kind: str,
    rows: Iterable[Row],
    *,
    name: str = "",
    guards: LoadGuards = LENIENT,
    tables: Iterable[str] = (),
) -> int:
    """Load these rows as the whole of a source; returns the run."""
    name = name or kind
    source_id = register_source(store, kind, name)
    with Load(store, source_id, name, tuple(tables) or KINDS[kind], guards) as running:
        for row in rows:
            running.add(row)
        running.publish(ReadReport())
        return running.run_id


def ask(store: Store, name: str, **given: object) -> list[dict[str, object]]:
    answer = query(store, CATALOG.statement(name), {key: str(value) for key, value in given.items()}, unmask=True)
    return [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]

"""What a bulk upload of a plan stands on: a plan of fills alone, a schema that was audited in this run, the workers.

Everything is looked at before the first byte is sent, and refused in one line.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

from sqlalchemy import select

from recon.backfill.items import Item
from recon.backfill.objections import Person, person
from recon.backfill.plan import Plan
from recon.backfill.precondition import Skip
from recon.backfill.uploader import GraphUploader, operation
from recon.backfill_config import BulkUpload
from recon.config import Config, EntraSource
from recon.connector.audit import Fault, scope_of
from recon.connector.upload import EXTERNAL_ID, audit_upload
from recon.decode.text import printable
from recon.errors import ConfigError, DecodeError, PlanError
from recon.scope_language import holds
from recon.scopes.judge import text_of
from recon.scopes.workers import own_columns, read_workers
from recon.sources.graph.client import open_client
from recon.sources.graph.retry import Patience
from recon.store import Store
from recon.store.tables import LOADED, source

_NAMED = 5  # faults named in the one line


def checked_settings(config: Config, entra: EntraSource, plan: Plan) -> BulkUpload:
    """The [bulk_upload] of the tenant. Raises ConfigError when there is none, PlanError for a plan that cannot go."""
    settings = config.bulk_upload
    if settings is None:
        raise ConfigError("there is no [bulk_upload] in recon.toml", hint="docs/bulk-upload.md says what goes into it")
    if settings.entra is None and len(config.entra) > 1:
        raise ConfigError("[bulk_upload] entra is needed: there are several [[entra]]")
    if settings.entra not in (None, entra.name):
        raise ConfigError(f"[bulk_upload] is for {settings.entra}, and the plan is for {entra.name}")
    check_fills(plan)
    return settings


def check_fills(plan: Plan) -> None:
    """Raise PlanError unless every item fills an empty otherMails or usageLocation of somebody with an employee id."""
    number, first = 0, ""
    for item in plan.items():
        why = _no_fill(item)
        if why is not None:
            number += 1
            first = first or why
    if number:
        raise PlanError(
            f"plan {plan.short} cannot go by bulk upload: it fills and nothing else, and {number} of "
            f"{plan.item_count} items are no fill (the first {first})",
            hint="apply it without --via",
        )


def _no_fill(item: Item) -> str | None:
    if item.mode != "fill":
        return f"is of mode {item.mode}"
    if item.attribute not in ("otherMails", "usageLocation"):
        return f"writes {item.attribute}"
    if item.before or len(item.after) != 1:
        return "does not go from empty to one value"
    return None if item.employee_id else "has no employee id, by which the service finds the user"


def check_schema(schema: Any, settings: BulkUpload, attributes: Iterable[str]) -> None:
    """Raise PlanError, naming what is wrong, unless the job may take these uploads."""
    names = {"otherMails": settings.personal_email, "usageLocation": settings.country_code}
    sources = {attribute: f"{settings.urn}:{names[attribute]}" for attribute in attributes}
    carried = [f"{settings.urn}:{name}" for name in settings.columns.values()]
    try:
        faults = audit_upload(schema, sources=sources, carried=carried)
    except DecodeError as error:
        raise PlanError(f"nothing was sent: the provisioning job's schema cannot be audited: {error}") from error
    if faults:
        more = f"; and {len(faults) - _NAMED} more" if len(faults) > _NAMED else ""
        raise PlanError(
            "nothing was sent: the provisioning job may not take uploads: "
            + "; ".join(map(_said, faults[:_NAMED]))
            + more,
            hint="mend the job's attribute mapping; recon connector audit FILE explains an exported schema",
        )


def _said(fault: Fault) -> str:
    return printable(f"{fault.code} ({fault.where}): {fault.detail}")


def read_columns(store: Store, plan: Plan, settings: BulkUpload) -> dict[Person, dict[str, str]]:
    """Of each person of the plan, what the job's scoping filter asks for, by SCIM name, as loaded now.

    Raises ConfigError for a column that no worker has.
    """
    people = {person(item) for item in plan.items()}
    own = [name for name in settings.columns if name in own_columns()]
    headers = [name for name in settings.columns if name not in own]
    found: dict[Person, dict[str, str]] = {}
    attribute = LOADED["worker_attribute"]
    with store.read() as connection:
        known = set(connection.scalars(select(attribute.c.attribute).distinct())) if headers else set()
        if unknown := [name for name in headers if name not in known]:
            raise ConfigError(f"[bulk_upload] columns names {unknown[0]}, which no worker has")
        names = {row.name: row.source_id for row in connection.execute(select(source.c.name, source.c.source_id))}
        for name in sorted({source_name for source_name, _ in people}):
            if name not in names:
                continue
            for rows in read_workers(connection, names[name], ["worker_id", *own], headers):
                for row in rows:
                    if (name, row["worker_id"]) in people:
                        values = {scim: _text(row.get(column)) for column, scim in settings.columns.items()}
                        found[name, row["worker_id"]] = {
                            scim: value for scim, value in values.items() if value is not None
                        }
    return found


def _text(value: object) -> str | None:
    return {0: "False", 1: "True"}[value] if isinstance(value, int) and value in (0, 1) else text_of(value)


def maker(
    schema: Any, settings: BulkUpload, columns: Mapping[Person, Mapping[str, str]]
) -> Callable[[Item, str], dict[str, Any] | Skip]:
    """Makes an item's operation, or says why it is none: not in the job's own scope, by the filter of its schema."""
    groups = scope_of(schema)
    names = {"otherMails": settings.personal_email, "usageLocation": settings.country_code}

    def make(item: Item, bulk_id: str) -> dict[str, Any] | Skip:
        own = columns.get(person(item))
        if own is None:
            return Skip("terminated", "is no longer in the HR data that is loaded")
        external_id = str(item.employee_id)
        seen = {EXTERNAL_ID: external_id, **{f"{settings.urn}:{name}": value for name, value in own.items()}}
        if not any(
            all(holds(clause.op, clause.value, seen.get(clause.column)) for clause in group) for group in groups
        ):
            return Skip("out_of_job_scope", "the provisioning job's scoping filter leaves the person out")
        return operation(bulk_id, external_id, settings.urn, {**own, names[item.attribute]: item.after[0]})

    return make


@contextmanager
def open_uploader(config: Config, entra: EntraSource, settings: BulkUpload) -> Iterator[GraphUploader]:
    """The job: its schema and log by the reading application, uploads by the writing one, each sent once."""
    with ExitStack() as stack:
        reader = stack.enter_context(open_client(entra, folder=config.folder))
        writer = stack.enter_context(open_client(entra, folder=config.folder, writer=True, patience=Patience(tries=0)))
        yield GraphUploader(reader, writer, settings)

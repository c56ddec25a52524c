"""`recon refresh` and `recon findings`: make the findings again, count them, show the rows of one, accept some."""

import logging
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperGroup

from recon.cli.console import FORMAT_OPTION, Format

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from recon.catalog import Catalog, Statement
    from recon.config import Config
    from recon.errors import CatalogError
    from recon.findings import FindingCount
    from recon.store import Store

FINDINGS_AT_OR_ABOVE = 3  # the exit code


def catalog_of(config: "Config", *, is_judged: bool = False) -> "Catalog":
    """The shipped catalogue with the site's own folders of findings. `is_judged`: see read_catalog."""
    from recon.catalog import read_catalog

    return read_catalog([config.path(folder) for folder in config.catalogue.findings], is_judged=is_judged)


def say_broken(broken: "tuple[CatalogError, ...]") -> None:
    """Name each file that was refused; the others stand."""
    from recon.cli.console import say

    for error in broken:
        say(f"left out: {error}", level=logging.WARNING)


def check_severity(threshold: str | None) -> None:
    """Raise UsageError when the threshold is no severity."""
    from recon.catalog import SEVERITIES
    from recon.errors import UsageError

    if threshold is not None and threshold not in SEVERITIES:
        raise UsageError(f"--fail-on {threshold}: no such severity", hint=f"one of {', '.join(SEVERITIES)}")


def refresh(
    ctx: typer.Context,
    run_all: bool = typer.Option(False, "--all", help="Run every finding, whatever [findings] chooses."),
) -> None:
    """Match what is loaded and make the findings again that [findings] chooses."""
    from recon.cli.console import say, state
    from recon.pipeline.steps import refresh_findings

    with state(ctx).store() as store:
        done = refresh_findings(state(ctx).config(), store, run_all=run_all)
    rows = sum(each.rows for each in done.counts)
    say_broken(done.broken)
    for warning in done.warnings:
        say(warning, level=logging.WARNING)
    say(f"refresh {done.refresh_id} as of {done.as_of[:19]} UTC: {done.matches:,} matches, {rows:,} rows of findings")
    say("next: recon findings, or recon report")
    if done.broken:
        raise typer.Exit(done.broken[0].exit_code)


class _Findings(TyperGroup):
    """`recon findings [CODE]` shows; accept, unaccept and accepted are commands of their own."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Anything that is no command goes to `show`."""
        if not args or args[0] not in (*self.commands, "--help", "-h"):
            args = ["show", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_Findings, help="Count the findings, show the rows of one (recon findings CODE), accept some for a time."
)


@app.command("show")
def show(
    ctx: typer.Context,
    code: str | None = typer.Argument(None, help="One finding: show its rows."),
    output: Format = FORMAT_OPTION,
    fail_on: str | None = typer.Option(
        None, "--fail-on", help="Exit 3 when a finding of this severity or a worse one has open rows."
    ),
    family: list[str] = typer.Option([], "--family", help="Only findings of this family; may be repeated."),
    every: bool = typer.Option(False, "--all", help="List also the findings that the last refresh did not run."),
    unmask: bool = typer.Option(False, "--unmask", help="Show personal values in full."),
) -> None:
    """Count the findings of the last refresh, or show the rows of one. What it does without a command's name."""
    from recon.cli.console import say, state
    from recon.findings import counts, worst

    check_severity(fail_on)
    catalog = catalog_of(state(ctx).config())
    _check_families(catalog, family)
    finding = catalog.statement(code, "findings") if code is not None else None
    with state(ctx).store() as store:
        found = counts(store)
        if not found:
            say("no refresh yet: recon refresh makes the findings")
        if finding is None:
            found = tuple(each for each in found if not family or each.family in family)
            _list(catalog, found, family, output, every=every)
        else:
            found = tuple(each for each in found if each.code == finding.name)
            if not found:
                say(f"the last refresh did not run {finding.name}: [findings] in recon.toml chooses it, recon sql run")
            _show_rows(store, finding, output, unmask=unmask)
    if fail_on is not None and worst(found, fail_on):
        raise typer.Exit(FINDINGS_AT_OR_ABOVE)


def _check_families(catalog: "Catalog", families: list[str]) -> None:
    from recon.catalog import FAMILIES, OWN_FAMILY
    from recon.errors import UsageError

    for name in families:
        if name not in (*FAMILIES, OWN_FAMILY):
            raise UsageError(f"--family {name}: no such family", hint=f"one of {', '.join((*FAMILIES, OWN_FAMILY))}")


def _list(
    catalog: "Catalog", found: "tuple[FindingCount, ...]", families: list[str], output: Format, *, every: bool
) -> None:
    from recon.cli.console import emit

    def shown(value: int | None) -> int | str:
        return "" if value is None else value

    table: list[tuple[object, ...]] = [
        (
            each.severity,
            each.code,
            each.family,
            each.rows,
            each.open,
            each.accepted,
            shown(each.new),
            shown(each.gone),
            shown(each.previous_rows),
            each.title,
        )
        for each in found
    ]
    ran = {each.code for each in found}
    if every:
        table += [
            (each.severity, each.name, each.family, "", "", "", "", "", "", each.title)
            for each in catalog.findings
            if each.name not in ran and (not families or each.family in families)
        ]
    columns = ("severity", "finding", "family", "rows", "open", "accepted", "new", "gone", "before", "title")
    emit(columns, table, output)


def _show_rows(store: "Store", finding: "Statement", output: Format, *, unmask: bool) -> None:
    from recon.catalog import FINDING_COLUMNS
    from recon.cli.console import emit, say
    from recon.findings import stated_rows

    say(f"{finding.title} ({finding.severity}). {finding.meaning}")
    rows = ((*each.row, each.state, each.why) for each in stated_rows(store, finding.name, unmask=unmask))
    emit((*FINDING_COLUMNS, "state", "why"), rows, output)
    say(f"Fix: {finding.fix}")


_CODE = typer.Argument(help="The finding.")
_OBJECT = typer.Argument(metavar="OBJECT", help="Key or name of the object, as the finding shows it.")
_ATTRIBUTE = typer.Option(None, "--attribute", help="Only the rows of this attribute.")
_VALUE = typer.Option(None, "--value", help="Only the row that shows this value, where the object has several.")


@app.command("accept")
def accept(
    ctx: typer.Context,
    code: str = _CODE,
    wanted: str = _OBJECT,
    until: str = typer.Option(..., "--until", help="The last day, YYYY-MM-DD; then it is open again."),
    why: str = typer.Option(..., "--why", help="The reason; reports show it."),
    by: str | None = typer.Option(None, "--by", help="Who accepts; default: the signed-in user."),
    attribute: str | None = _ATTRIBUTE,
    value: str | None = _VALUE,
) -> None:
    """Accept a finding for one object until a day: it is counted as accepted, and shown, never hidden."""
    import getpass
    from datetime import UTC, date, datetime

    from recon.cli.console import say, state
    from recon.errors import UsageError
    from recon.store.acceptance import Acceptance
    from recon.store.acceptance import accept as write

    finding = catalog_of(state(ctx).config()).statement(code, "findings")
    try:
        last = date.fromisoformat(until)
    except ValueError as error:
        raise UsageError(f"--until {until}: not a day", hint="write it as YYYY-MM-DD") from error
    if last < datetime.now(UTC).date():
        raise UsageError(f"--until {until} has passed")
    if not why.strip():
        raise UsageError("--why is empty", hint="say why, for those who read the report")
    with state(ctx).store() as store, store.write() as connection:
        key = _one_key(connection, finding.name, wanted)
        if attribute is not None:
            attribute = _one_attribute(connection, finding.name, key, attribute)
        detail = None if value is None else _one_detail(connection, finding.name, key, value)
        who = by or getpass.getuser()
        said = (last.isoformat(), who[:128], why.strip()[:1000])
        write(connection, Acceptance(finding.name, key, attribute, *said, detail))
    say(f"{finding.name}: {wanted} is accepted until {last.isoformat()} by {who}")


def _one_key(connection: "Connection", code: str, wanted: str) -> str:
    from recon.errors import UsageError
    from recon.store.acceptance import named_keys

    keys = named_keys(connection, code, wanted)
    if not keys:
        raise UsageError(f"no row of {code} is about {wanted}", hint=f"recon findings {code} shows keys and names")
    if len(keys) > 1:
        raise UsageError(
            f"{len(keys)} objects in {code} are called {wanted}", hint=f"give a key: {', '.join(keys[:3])}"
        )
    return keys[0]


def _one_attribute(connection: "Connection", code: str, key: str, wanted: str) -> str:
    from recon.errors import UsageError
    from recon.store.acceptance import attributes_of

    known = attributes_of(connection, code, key)
    for each in known:
        if each.casefold() == wanted.casefold():
            return each
    raise UsageError(
        f"no row of {code} about {key} has the attribute {wanted}", hint=f"they have: {', '.join(known) or 'none'}"
    )


def _one_detail(connection: "Connection", code: str, key: str, value: str) -> str:
    from recon.errors import UsageError
    from recon.store.acceptance import details_of

    found = details_of(connection, code, key, value)
    if not found:
        raise UsageError(
            f"no row of {code} about {key} shows the value {value}", hint=f"recon findings {code} --unmask shows them"
        )
    if found[0] is None:
        raise UsageError(f"{code} has one row for an object and attribute", hint="accept it without --value")
    if len(found) > 1:
        raise UsageError(f"{len(found)} rows of {code} about {key} show {value}", hint="give the value that differs")
    return found[0]


@app.command("unaccept")
def unaccept(
    ctx: typer.Context,
    code: str = _CODE,
    wanted: str = _OBJECT,
    attribute: str | None = _ATTRIBUTE,
    value: str | None = typer.Option(None, "--value", help="Only what was accepted for this value."),
) -> None:
    """Withdraw what was accepted for one object: its rows are open again."""
    from recon.cli.console import say, state
    from recon.errors import UsageError
    from recon.store.acceptance import named_keys, withdraw

    with state(ctx).store() as store, store.write() as connection:
        keys = {wanted, *named_keys(connection, code, wanted)}
        removed = sum(withdraw(connection, code, key, attribute, value) for key in keys)
        if not removed:
            raise UsageError(f"nothing is accepted for {wanted} in {code}", hint="recon findings accepted lists all")
    say(f"{code}: {wanted} is open again")


@app.command("accepted")
def accepted(ctx: typer.Context, output: Format = FORMAT_OPTION) -> None:
    """List what is accepted, with who, why and until when; expired ones, and those that cover no row now, too."""
    from recon.cli.console import emit, state
    from recon.findings import masked
    from recon.store.acceptance import Acceptance, acceptances

    known = {each.name: each.is_personal for each in catalog_of(state(ctx).config()).findings}

    def stands(each: Acceptance) -> str:
        if each.code not in known:
            return "unknown finding"
        if each.is_expired:
            return "expired"
        return "accepted" if each.covers else "covers nothing"

    def value(each: Acceptance) -> str | None:
        return masked(each.detail) if known.get(each.code, True) else each.detail

    with state(ctx).store() as store, store.read() as connection:
        table = [
            (each.code, each.object_key, each.attribute, value(each), each.covers, each.until, each.by, each.why,
             stands(each))
            for each in acceptances(connection)
        ]  # fmt: skip
    emit(("finding", "object_key", "attribute", "value", "rows", "until", "by", "why", "state"), table, output)

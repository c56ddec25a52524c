"""`recon scope check | show`: who each scope selects, what two have in common, and the scope in other words."""

from collections.abc import Iterator
from enum import StrEnum
from typing import TYPE_CHECKING

import typer

from recon.cli.console import FORMAT_OPTION, Format, emit, out, say, state

if TYPE_CHECKING:
    from recon.backfill_config import Scope
    from recon.config import Config
    from recon.scopes.check import ScopeCheck

app = typer.Typer(
    help="Check the scopes against each other and the data; show one as SQL or JSON.", no_args_is_help=True
)

_FINDINGS = 3


class As(StrEnum):
    """The form a scope is shown in."""

    json = "json"
    sql = "sql"


def _chosen(config: "Config", names: list[str]) -> "dict[str, Scope]":
    from recon.errors import UsageError

    unknown = [name for name in names if name not in config.scope]
    if unknown or not config.scope:
        defined = ", ".join(sorted(config.scope)) or "none"
        missing = f"there is no [scope.{unknown[0]}]" if unknown else "there is no [scope.NAME]"
        raise UsageError(f"{missing} in recon.toml", hint=f"defined: {defined}; docs/scopes.md shows how")
    return {name: scope for name, scope in config.scope.items() if not names or name in names}


def _rows(found: "ScopeCheck") -> Iterator[tuple[object, ...]]:
    for name, count in found.selected.items():
        yield "selects", name, "", count, ""
    for pair in found.pairs:
        relation = pair.relation
        detail = "may overlap" if not pair.rivals else ""
        if relation.witness:
            shown = ", ".join(
                f"{name} {'null' if value is None else repr(value)}" for name, value in relation.witness.items()
            )
            detail = f"{detail}; " if detail else ""
            detail += f"such as {shown}"
        elif relation.doubts:
            detail = f"logic cannot decide over {', '.join(relation.doubts)}: counted in the data"
        yield relation.verdict, pair.first, pair.second, pair.people, detail
        for column, one, two in relation.near:
            yield (
                "near_literal",
                pair.first,
                pair.second,
                "",
                f"{column}: {one!r} and {two!r} differ only in case or blanks",
            )
    yield "in_two", "", "", found.in_several, ""
    yield "in_none", "", "", found.in_none, ""
    for gap in found.gaps:
        yield "null", gap.scope, "", gap.people, f"not selected for want of {', '.join(gap.columns)}"
    for near in found.near:
        detail = f"{near.column}: {near.literal!r} is not {near.value!r}, which the data has"
        yield "near_literal", near.scope, "", near.people, detail


@app.command("check")
def check(
    ctx: typer.Context,
    names: list[str] = typer.Argument(None, metavar="[NAME]...", help="Scopes; without one, all of them."),
    who: bool = typer.Option(False, "--who", help="List the people in two scopes or in none instead."),
    output: Format = FORMAT_OPTION,
) -> None:
    """Count who each scope selects, who is in two, in none, or falls out for want of a value; 3 on overlaps."""
    from recon.scopes.check import check as check_scopes
    from recon.scopes.check import people

    scopes = _chosen(state(ctx).config(), names or [])
    with state(ctx).store() as store, store.read() as connection:
        if who:
            rows = ((*row[:3], ", ".join(row[3])) for row in people(connection, scopes))
            emit(("worker_id", "employee_id", "display_name", "scopes"), rows, output)
            return
        found = check_scopes(connection, scopes)
    emit(("result", "scope", "other", "people", "detail"), _rows(found), output)
    for name, scope in scopes.items():
        if scope.was_expanded:
            say(
                f"[scope.{name}] MEMBER_OF became one group per value, as the service has no such operator: "
                f"{len(scope.expanded)} groups"
            )
    say(f"{found.people} workers: {found.in_several} in two scopes, {found.in_none} in none")
    if not found.by_sql:
        say("counted worker by worker: a pattern holds for more values than a statement can list")
    if any(pair.relation.verdict == "unknown" for pair in found.pairs):
        say("unknown is not safe: the counts above hold for the data as loaded, not for tomorrow's")
    if found.has_findings:
        raise typer.Exit(_FINDINGS)


@app.command("show")
def show(
    ctx: typer.Context,
    name: str = typer.Argument(..., metavar="NAME", help="The scope."),
    form: As = typer.Option(As.json, "--as", help="json: the service's filter; sql: a SELECT of its workers."),
) -> None:
    """Print a scope as the provisioning service's filter, or as SQL for the configured database."""
    import json

    scope = _chosen(state(ctx).config(), [name])[name]
    if form is As.json:
        from recon.scopes.filter_json import to_filter

        for line in json.dumps(to_filter(name, scope), indent=2, ensure_ascii=False).splitlines():
            out(line)
        return
    from recon.scopes.check import worker_sources
    from recon.scopes.compiled import Compiler, as_sql
    from recon.scopes.workers import check_scopes

    with state(ctx).store() as store, store.read() as connection:
        ids = worker_sources(connection)
        check_scopes(connection, ids, {name: scope})
        for line in as_sql(Compiler(connection, ids).scope(scope), connection, ids).splitlines():
            out(line)

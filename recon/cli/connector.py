"""`recon connector audit`: the second connector's exported schema held against what it may do."""

import json
from pathlib import Path
from typing import Any

import typer

from recon.cli.console import FORMAT_OPTION, Format, emit, say

app = typer.Typer(help="Audit the second connector's exported synchronization schema.", no_args_is_help=True)

_FINDINGS = 3


@app.callback()
def _group() -> None:
    """Audit the second connector's exported synchronization schema."""


def _read(path: Path) -> Any:
    from recon.errors import UsageError

    try:
        return json.loads(path.read_bytes())
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise UsageError(
            f"{path} is not JSON", hint="export the schema with GET …/synchronization/jobs/ID/schema"
        ) from error


@app.command("audit")
def audit(
    file: Path = typer.Argument(..., metavar="FILE", help="The exported schema (JSON)."),
    same_as: Path | None = typer.Option(
        None, "--same-as", metavar="FILE", help="Schema or filter of the first connector: the scope must be the same."
    ),
    apart_from: Path | None = typer.Option(
        None, "--apart-from", metavar="FILE", help="Schema or filter of the cloud-only connector: nobody in both."
    ),
    output: Format = FORMAT_OPTION,
) -> None:
    """List what is wrong with the second connector. Ends with 3 when something is."""
    from recon.connector.audit import audit as find_faults
    from recon.connector.audit import scope_of

    faults = find_faults(
        _read(file),
        same_as=None if same_as is None else scope_of(_read(same_as)),
        apart_from=None if apart_from is None else scope_of(_read(apart_from)),
    )
    emit(("level", "code", "where", "detail"), ((f.level, f.code, f.where, f.detail) for f in faults), output)
    say(f"{len(faults)} findings in {file.name}")
    if faults:
        raise typer.Exit(_FINDINGS)

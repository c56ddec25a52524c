"""The command `recon`: global options, the verbs, and the one place where an error becomes a line and an exit code.

A verb module holds typer and the standard library at its top; whatever is heavy is imported inside its functions.
"""

import atexit
import gc
import importlib
import io
import sys
from pathlib import Path
from typing import Any, NoReturn

import typer
import typer.core

from recon import __version__
from recon.cli.console import State, say, set_up_talk
from recon.errors import ReconError, StoreError

_COLLECT_AFTER = 100_000  # objects; at Python's 700, imports and the making of tables take a sixth longer


class _Commands(typer.core.TyperGroup):
    """Typer would end in silence at Ctrl-C; commands that stop by themselves have said so."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            say("recon: interrupted")
            raise typer.Exit(130) from None


app = typer.Typer(
    name="recon",
    cls=_Commands,
    help="Active Directory, Entra ID and HR in SQL: load, match, find, report, backfill.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(value: bool) -> None:
    if value:
        sys.stdout.write(f"recon {__version__}\n")
        raise typer.Exit


@app.callback()
def main(
    ctx: typer.Context,
    config: Path | None = typer.Option(
        None, "--config", "-c", help="Configuration file; default ./recon.toml or RECON_CONFIG."
    ),
    debug: bool = typer.Option(False, "--debug", help="Show the traceback of an error."),
    log_format: str = typer.Option("text", "--log-format", help="Talk on stderr as text or json."),
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    """Options that every command takes."""
    if log_format not in ("text", "json"):
        raise typer.BadParameter("text or json", param_hint="--log-format")
    set_up_talk(log_json=log_format == "json")
    ctx.obj = State(config, debug=debug, log_json=log_format == "json")


# verb groups: module recon.cli.<name> with an `app`
_GROUPS = ("findings", "load", "store", "sql", "decode", "scope", "connector", "backfill", "groups", "lab")
# single verbs: module and function
_VERBS = (
    ("init", "init"),
    ("doctor", "doctor"),
    ("findings", "refresh"),
    ("run", "run"),
    ("report", "report"),
    ("browse", "browse"),
    ("demo", "demo"),
)


def register() -> None:
    """Attach the verbs; each module is light, what is heavy is imported when a verb runs."""
    if app.registered_commands:
        return
    # Python looks through everything once more when it ends: for some commands a fifth of their time, to free memory
    # that goes back to the system anyway
    atexit.register(gc.freeze)
    for module, function in _VERBS:
        app.command(function)(getattr(importlib.import_module(f"recon.cli.{module}"), function))
    for name in _GROUPS:
        app.add_typer(importlib.import_module(f"recon.cli.{name}").app, name=name)


def _fail(error: ReconError) -> NoReturn:
    import logging

    text = str(error).replace("\n", " ").rstrip(".")
    hint = (error.hint or "").rstrip(".")
    if hint and not hint.startswith(("recon ", "pip ")):  # a command is not a sentence
        hint = hint[0].upper() + hint[1:]
    end = "" if hint.endswith("?") else "."
    say(f"recon: {text}. {hint}{end}" if hint else f"recon: {text}", level=logging.ERROR)
    raise SystemExit(error.exit_code)


def _database_errors() -> tuple[type[Exception], ...]:
    """SQLAlchemy's errors, where it has been imported at all."""
    loaded = sys.modules.get("sqlalchemy.exc")
    return () if loaded is None else (loaded.SQLAlchemyError,)


def _set_up_stdout() -> None:
    """Data in a file or a pipe is UTF-8 whatever the locale; a terminal is shown what it can show."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        if sys.stdout.isatty():
            sys.stdout.reconfigure(errors="backslashreplace")
        else:
            sys.stdout.reconfigure(encoding="utf-8")


def run(arguments: list[str] | None = None) -> None:
    """Run the command line; ends the process with an exit code of the table in docs/commands.md."""
    gc.set_threshold(_COLLECT_AFTER, *gc.get_threshold()[1:])
    _set_up_stdout()
    register()
    is_debug = "--debug" in (arguments if arguments is not None else sys.argv[1:])
    try:
        app(args=arguments, prog_name="recon")
    except ReconError as error:
        if is_debug:
            raise
        _fail(error)
    except _database_errors() as error:  # a missing right, say; its own text would show the values of a statement
        if is_debug:
            raise
        from recon.store.engine import first_line

        hint = "recon doctor checks it; docs/databases.md says what each role may"
        _fail(StoreError(f"the database refuses: {first_line(error)}", hint=hint))
    except KeyboardInterrupt:
        say("recon: interrupted")
        raise SystemExit(130) from None
    except BrokenPipeError:  # the reader of our output has gone (| head)
        sys.stderr.close()
        raise SystemExit(0) from None

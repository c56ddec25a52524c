"""`recon decode error`: the text of an export error, and the loaded user that it is about."""

import sys
from pathlib import Path

import typer

from recon.cli.console import FORMAT_OPTION, Format, emit, out, say, state
from recon.errors import DecodeError, ReconError, UsageError

_COLUMNS = (
    "code", "object_id", "attribute", "value", "other_object_id", "tracking_id", "result", "cause", "to_do", "source",
    "user", "ad_user", "ad_values",
)  # fmt: skip


def _text(file: str) -> str:
    if file == "-":
        data = sys.stdin.buffer.read() if hasattr(sys.stdin, "buffer") else sys.stdin.read().encode()
    else:
        if "\n" in file or "[" in file:
            return file  # the text itself
        try:
            data = Path(file).read_bytes()
        except OSError as error:
            if " " in file:
                return file  # no name of a file: a line of the text
            raise DecodeError(
                f"{file} cannot be read: {error.strerror}", hint="give a file with the text, or - and the text on stdin"
            ) from error
    # Windows writes UTF-16 with a mark, UTF-8, or its code page: only names and quotation marks are at stake
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def error(
    ctx: typer.Context,
    file: str = typer.Argument("-", metavar="[FILE|TEXT]", help="The text, or a file with it; default and -: stdin."),
    output: Format = FORMAT_OPTION,
) -> None:
    """An export error of Entra Connect: object, attribute, cause and what to do.

    Takes the whole text of the window (tracking id, ExtraErrorDetails), whatever became of its quotation marks. Where
    a recon.toml names a database, the loaded user with that object id is shown too.
    """
    from recon.decode.syncerror import read_sync_error

    found = read_sync_error(_text(file))
    source = user = ad_user = None
    ad_values: tuple[str, ...] = ()
    if found.object_id is not None:
        loaded = _loaded(ctx, found.object_id)
        if loaded is not None:
            source, user, ad_user, ad_values = loaded
    row = (
        found.code, found.object_id, found.attribute, found.value, found.other_object_id, found.tracking_id,
        found.result, found.cause, found.advice, source, user, ad_user, "; ".join(ad_values) or None,
    )  # fmt: skip
    if output is not Format.table:
        emit(_COLUMNS, [row], output)
        return
    width = max(map(len, _COLUMNS))
    for name, value in zip(_COLUMNS, row, strict=True):
        if value is not None:
            out(f"{name:{width}}  {value}")


def _loaded(ctx: typer.Context, object_id: str) -> tuple[str, str | None, str | None, tuple[str, ...]] | None:
    """The user in the configured database; None where there is no configuration, no database or no such user."""
    from recon.store.synced_user import synced_user

    its = state(ctx)
    try:
        its.config()
    except UsageError:
        return None  # no recon.toml: the text alone is decoded
    except ReconError as refused:
        say(f"note: the database is not asked: {refused}")
        return None
    try:
        store = its.store()
    except ReconError as refused:
        say(f"note: the database is not asked: {refused}")
        return None
    with store:
        found = synced_user(store, object_id)
    if found is None:
        say(f"note: no loaded user has the object id {object_id}")
    return found

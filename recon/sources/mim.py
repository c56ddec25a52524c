"""MIM, FIM or Entra Connect as a source: which groups hold its roles, and its run history, from its own database.

The row of mms_server_configuration also holds what decrypts service credentials. So columns are named one by one, from
the list below and no other; nothing is ever asked with *. Direct reading is not supported by Microsoft: better from a
restored copy than while the service runs. Reads only.
"""

import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy import Connection, column, select, table
from sqlalchemy.exc import SQLAlchemyError

from recon.config import MimSource
from recon.decode.sid import sid_text
from recon.decode.times import day, from_datetime
from recon.errors import DecodeError, SourceError
from recon.objects import ReadReport, Row

# role: column of mms_server_configuration; the allow-list
ROLES = {
    "administrators": "administrators_sid",
    "operators": "operators_sid",
    "joiners": "account_joiners_sid",
    "browse": "browse_sid",
    "passwordset": "passwordset_sid",
}
_OF_DOMAIN = re.compile(r"S-1-5-21-[0-9]+-[0-9]+-[0-9]+-([0-9]+)")  # three numbers name the domain, the last is its own
_RUN_COLUMNS = (
    "run_history_id", "ma_id", "run_number", "run_profile_name", "user_name", "is_run_complete", "run_result",
    "current_step_number", "total_steps", "start_date", "end_date",
)  # fmt: skip


class MimReading:
    """One read of one synchronization database."""

    def __init__(self, source: MimSource, *, folder: Path = Path()) -> None:
        self.report = ReadReport()
        self._source = source
        self._folder = folder

    def rows(self) -> Iterator[Row]:
        """The five role groups that are set, then the newest runs. Raises SourceError when it cannot be read."""
        name = self._source.name
        try:
            engine = sqlalchemy.create_engine(self._url())
        except (SQLAlchemyError, ImportError) as error:
            raise SourceError(
                f"[mim] {name}: the url cannot be used: {type(error).__name__}",
                hint="for example mssql+pyodbc://user@host/FIMSynchronizationService?driver=ODBC+Driver+18+for+SQL+Server",
            ) from error
        try:
            with engine.connect() as connection:
                yield from self._roles(connection)
                yield from self._runs(connection)
        except SQLAlchemyError as error:
            origin = getattr(error, "orig", None) or error
            line = (str(origin).strip().splitlines() or [type(origin).__name__])[0][:200]
            raise SourceError(
                f"[mim] {name}: the database cannot be read: {line}",
                hint="it takes select on mms_server_configuration (five columns) and mms_run_history",
            ) from error
        finally:
            engine.dispose()

    def _url(self) -> sqlalchemy.URL:
        url = sqlalchemy.make_url(self._source.url)
        password = os.environ.get(self._source.password_env)
        if url.username and url.password is None and password:
            url = url.set(password=password)
        if url.get_backend_name() == "sqlite" and url.database and not Path(url.database).is_absolute():
            url = url.set(database=str(self._folder / url.database))
        return url

    def _roles(self, connection: Connection) -> Iterator[Row]:
        asked = table("mms_server_configuration", *map(column, ROLES.values()), schema=_schema(connection))
        found = connection.execute(select(*(asked.c[name] for name in ROLES.values()))).all()
        proof = self.report.table("mim_role")
        proof.filter, proof.pages = f"mms_server_configuration ({', '.join(ROLES.values())})", 1
        self.report.requests += 1
        if len(found) != 1:
            raise SourceError(
                f"[mim] {self._source.name}: mms_server_configuration has {len(found)} rows, not one",
                hint="is it the database of a synchronization service?",
            )
        for role, raw in zip(ROLES, found[0], strict=True):
            if raw is None:
                continue
            yield role_row(role, bytes(raw))

    def _runs(self, connection: Connection) -> Iterator[Row]:
        if self._source.runs == 0:
            return
        asked = table("mms_run_history", *map(column, _RUN_COLUMNS), schema=_schema(connection))
        proof = self.report.table("mim_run")
        proof.filter, proof.pages = f"mms_run_history, the newest {self._source.runs}", 1
        self.report.requests += 1
        newest = select(*asked.c).order_by(asked.c.start_date.desc()).limit(self._source.runs)
        for found in connection.execution_options(yield_per=1_000).execute(newest):
            yield run_row(found)


def _schema(connection: Connection) -> str | None:
    return "dbo" if connection.dialect.name == "mssql" else None


def role_row(role: str, data: bytes) -> Row:
    """The row of one role, or one of load_reject where its value is no SID."""
    try:
        sid = sid_text(data)
    except DecodeError as error:
        return Row("load_reject", ("mim_role", role, None, "bad_sid", str(error)))
    match = _OF_DOMAIN.fullmatch(sid)
    rid = int(match.group(1)) if match else None
    return Row("mim_role", (role, data, sid, rid if rid is None or rid < 2**31 else None))


def run_row(found: Any) -> Row:
    """The row of one run; `found` has the columns of the history as attributes."""
    start = _time(found.start_date)
    return Row(
        "mim_run",
        (
            str(found.run_history_id).lower(),
            _text(found.ma_id).lower() if found.ma_id is not None else None,
            found.run_number,
            _text(found.run_profile_name),
            _text(found.user_name),
            None if found.is_run_complete is None else int(found.is_run_complete),
            _text(found.run_result),
            found.current_step_number,
            found.total_steps,
            start,
            None if start is None else day(start),
            _time(found.end_date),
        ),
    )


def _text(value: Any) -> Any:
    return None if value is None else str(value).strip() or None


def _time(value: Any) -> str | None:
    """A time of the database in our text form; SQL Server gives datetimes, a copy in SQLite text."""
    if value is None or value == "":
        return None
    try:
        found = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError as error:
        raise SourceError(f"mms_run_history: not a time: {str(value)[:40]!r}") from error
    return from_datetime(found if found.tzinfo else found.replace(tzinfo=UTC))

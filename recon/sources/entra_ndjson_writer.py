"""Writes a tenant as files: one Graph object a line, complete or not at all (recon.sources.entra_ndjson reads them)."""

import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import orjson

from recon import __version__
from recon.decode.times import utc_now_text
from recon.errors import SourceError
from recon.sources.entra_rows import DELETED, OWNER, ROLE, ROLE_MEMBER

MANIFEST = "manifest.json"
REMOVED = "@removed"  # in a member's or owner's line: what was written of its group so far does not count

DELETED_FILES = {"user": "deleted_users", "group": "deleted_groups"}  # by the type of what was deleted

# what [entra] objects names, to the names of its files and their tables
FILES = {
    "users": {"users": "entra_user"},
    "groups": {"groups": "entra_group"},
    "members": {"members": "entra_member"},
    "deleted": {"deleted_users": DELETED, "deleted_groups": DELETED},
    "roles": {"roles": ROLE, "role_members": ROLE_MEMBER},
    "group_owners": {"group_owners": OWNER},
    "registration": {"registration": "entra_registration"},
    "signin": {"signin": "entra_signin"},
    "domains": {"domains": "entra_domain"},
}


def files_of(wanted: Sequence[str]) -> tuple[str, ...]:
    """The names of the files, without .ndjson, for what [entra] objects names."""
    return tuple(file for name in wanted for file in FILES[name])


class NdjsonWriter:
    """Writes the files under temporary names, for the owner alone; finish() puts them in place, close() forgets them.

    `names`: the files that are written (files_of). Raises SourceError when the folder cannot be written.
    """

    def __init__(self, folder: Path, tenant_id: str, names: Sequence[str]) -> None:
        self._folder = folder
        self._tenant_id = tenant_id
        self._files: dict[str, IO[bytes]] = {}
        self._names: dict[str, Path] = {}
        self._lines = dict.fromkeys(names, 0)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for name in names:
                # mkstemp makes files that only their owner can read
                handle, path = tempfile.mkstemp(prefix=f".{name}.", suffix=".part", dir=folder)
                self._names[name] = Path(path)
                self._files[name] = os.fdopen(handle, "wb")
        except OSError as error:
            self.close()
            raise SourceError(f"{folder}: cannot be written: {error.strerror}") from error

    def write(self, name: str, item: Any) -> None:
        """One more line."""
        self._lines[name] += 1
        try:
            self._files[name].write(orjson.dumps(item, option=orjson.OPT_APPEND_NEWLINE))
        except OSError as error:
            raise SourceError(f"{self._folder}: cannot be written: {error.strerror}") from error

    def restart(self, name: str) -> None:
        """Forget the lines of a listing that begins again; members are read with their groups."""
        for one in (name, "members") if name == "groups" else (name,):
            if one in self._files:
                self._files[one].seek(0)
                self._files[one].truncate()
                self._lines[one] = 0

    def finish(self, server_counts: Mapping[str, int | None]) -> None:
        """Put the files in place, the manifest last: a folder without it is not whole."""
        files = {
            f"{name}.ndjson": {"lines": lines, "server_count": server_counts.get(name)}
            for name, lines in self._lines.items()
        }
        manifest = {
            "format": 1,
            "tenant_id": self._tenant_id,
            "saved_at": utc_now_text(),
            "tool_version": __version__,
            "files": files,
        }
        try:
            (self._folder / MANIFEST).unlink(missing_ok=True)
            for name, file in self._files.items():
                file.flush()
                os.fsync(file.fileno())
                file.close()
                self._names.pop(name).replace(self._folder / f"{name}.ndjson")
            handle, path = tempfile.mkstemp(prefix=f".{MANIFEST}.", dir=self._folder)
            with os.fdopen(handle, "wb") as file:
                file.write(orjson.dumps(manifest, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
                file.flush()
                os.fsync(file.fileno())
            Path(path).replace(self._folder / MANIFEST)
        except OSError as error:
            raise SourceError(f"{self._folder}: cannot be written: {error.strerror}") from error

    def close(self) -> None:
        """Remove what was not put in place."""
        for file in self._files.values():
            file.close()
        for path in self._names.values():
            path.unlink(missing_ok=True)
        self._names = {}

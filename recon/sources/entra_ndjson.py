"""A tenant as files: users.ndjson, groups.ndjson, members.ndjson and so on, one Graph object a line, gzip accepted.

For sites where the machine with the database may not reach Graph. The same objects give the same rows as read
from Graph. manifest.json holds the line counts: with it a copy that was cut off is noticed.
A member's or owner's line is {"groupId": …, "@odata.type": …, "id": …}; that of a role's member has roleId and
isEligible. {"groupId": …, "@removed": …} takes back the lines of that group before it: it was read again.
"""

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from recon.config import EntraSource
from recon.decode.keys import EmployeeIdRules
from recon.decode.text import printable
from recon.errors import SourceError
from recon.objects import Gone, ReadReport, Row
from recon.sources.entra_ndjson_writer import DELETED_FILES, FILES, MANIFEST, REMOVED
from recon.sources.entra_reports import LISTINGS
from recon.sources.entra_rows import (
    DELETED,
    GROUP_PROPERTIES,
    OWNER,
    ROLE_MEMBER,
    USER_PROPERTIES,
    DeletedRows,
    GroupRows,
    RoleRows,
    UserRows,
    member_row,
    object_id,
    reject,
)
from recon.sources.graph.jsontext import read_json

MEMBER_COUNT = "members@odata.count"  # on a group's line: the number of its direct members

_TABLES = {file: table for files in FILES.values() for file, table in files.items()}


class NdjsonReading:
    """One read of a folder of NDJSON files. `folder`: [entra] ndjson as an absolute path (Config.path)."""

    def __init__(self, source: EntraSource, folder: Path, ids: EmployeeIdRules) -> None:
        self.report = ReadReport()
        self._source = source
        self._folder = folder
        self._ids = ids

    def rows(self) -> Iterator[Row | Gone]:
        """Every row of the files; raises SourceError (file:line) for a broken line or a file that is cut off."""
        manifest = self._manifest()
        readers = {
            "users": self._users,
            "members": self._members,
            "groups": self._groups,
            "deleted": self._deleted,
            "roles": self._roles,
            "group_owners": self._owners,
        }
        for name, read in readers.items():
            if name in self._source.objects:
                yield from read(manifest)
        for name, listing in LISTINGS.items():
            if name in self._source.objects:
                for number, item in self._objects(name, manifest):
                    yield listing.row(item, number)

    def tenant_id(self) -> str | None:
        """The tenant the files were saved from: manifest.json's, else the one configured, else None."""
        manifest = self._manifest_file()
        tenant = None if manifest is None else manifest.get("tenant_id")
        return tenant if isinstance(tenant, str) and tenant else self._source.tenant_id or None

    def _users(self, manifest: dict[str, Any] | None) -> Iterator[Row]:
        reader = UserRows(self._ids)
        unseen = set(USER_PROPERTIES)
        read = 0
        for read, item in self._objects("users", manifest):
            if unseen:
                unseen.difference_update(item)
            yield reader.row(item, read)
        if read:
            self.report.warnings += unseen_warning("user", unseen)

    def _groups(self, manifest: dict[str, Any] | None) -> Iterator[Row]:
        reader = GroupRows()
        unseen = set(GROUP_PROPERTIES)
        counted: dict[str, int] | None = None
        read = 0
        for read, item in self._objects("groups", manifest):
            if unseen:
                unseen.difference_update(item)
            count = item.get(MEMBER_COUNT)
            if type(count) is not int:
                count = None
                if "members" in self._source.objects:
                    if counted is None:
                        counted = self._count_members()
                    count = counted.get(object_id(item) or "", 0)
            yield reader.row(item, count, read)
        if read:
            self.report.warnings += unseen_warning("group", unseen)

    def _members(self, manifest: dict[str, Any] | None) -> Iterator[Row | Gone]:
        return self._links("members", "entra_member", "a member line without groupId", manifest)

    def _links(self, name: str, table: str, nameless: str, manifest: dict[str, Any] | None) -> Iterator[Row | Gone]:
        for number, item in self._objects(name, manifest):
            group = _group_id(item)
            if group is None:
                yield reject(table, None, number, "no_id", nameless)
            elif REMOVED in item:
                yield Gone(table, (group,))
            else:
                yield member_row(group, item, table)

    def _deleted(self, manifest: dict[str, Any] | None) -> Iterator[Row]:
        reader = DeletedRows(self._ids)
        counts: list[int | None] = []
        proof = self.report.table(DELETED)
        for kind, file in DELETED_FILES.items():
            proof.server_count = None
            for number, item in self._objects(file, manifest):
                yield reader.row(item, kind, number)
            counts.append(proof.server_count)
        known = [count for count in counts if count is not None]
        proof.server_count = sum(known) if len(known) == len(counts) else None

    def _roles(self, manifest: dict[str, Any] | None) -> Iterator[Row]:
        reader = RoleRows()
        for number, item in self._objects("roles", manifest):
            yield reader.role(item, number)
        for number, item in self._objects("role_members", manifest):
            role = object_id({"id": item.get("roleId")})
            if role is None:
                yield reject(ROLE_MEMBER, None, number, "no_id", "a member line without roleId")
            else:
                is_eligible = item.get("isEligible") is True
                yield reader.member(role, item, is_eligible=is_eligible, source_row=number)

    def _owners(self, manifest: dict[str, Any] | None) -> Iterator[Row | Gone]:
        return self._links("group_owners", OWNER, "an owner line without groupId", manifest)

    def _count_members(self) -> dict[str, int]:
        """Members per group, from a pass of its own: our files carry the number on the group's line, others do not."""
        counts: dict[str, int] = {}
        for _, item in self._lines(self._file("members")):
            group = _group_id(item)
            if group is not None:
                counts[group] = 0 if REMOVED in item else counts.get(group, 0) + 1
        return counts

    def _objects(self, name: str, manifest: dict[str, Any] | None) -> Iterator[tuple[int, dict[str, Any]]]:
        file = self._file(name)
        proof = self.report.table(_TABLES[name])
        proof.filter = file.name
        proof.pages = 1
        lines = 0
        for number, item in self._lines(file):
            lines += 1
            yield number, item
        if manifest is None:
            return
        entry = manifest.get(f"{name}.ndjson")
        if not isinstance(entry, dict) or entry.get("lines") != lines:
            wanted = entry.get("lines") if isinstance(entry, dict) else "no such file"
            raise SourceError(
                f"{file}: {lines} lines, {MANIFEST} says {wanted}", hint="copy the folder again, or save it anew"
            )
        count = entry.get("server_count")
        if name != "members" and type(count) is int:
            proof.server_count = count

    def _file(self, name: str) -> Path:
        for candidate in (f"{name}.ndjson", f"{name}.ndjson.gz"):
            if (self._folder / candidate).is_file():
                return self._folder / candidate
        raise SourceError(
            f"{self._folder}: no {name}.ndjson", hint="recon load entra --save FOLDER writes it; or set [entra] objects"
        )

    def _lines(self, file: Path) -> Iterator[tuple[int, dict[str, Any]]]:
        """Line number (from 1) and object of every line that is not blank."""
        number = 0
        try:
            with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as stream:
                for number, line in enumerate(stream, 1):
                    text = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
                    if not text.strip():
                        continue
                    self.report.bytes_read += len(line)
                    yield number, _object(file, number, text)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise SourceError(f"{file}:{number + 1}: the file is cut off or is not gzip") from error
        except OSError as error:
            raise SourceError(f"{file}: cannot be read: {error.strerror}") from error

    def _manifest_file(self) -> dict[str, Any] | None:
        file = self._folder / MANIFEST
        try:
            body = orjson.loads(file.read_bytes())
        except FileNotFoundError:
            return None
        except OSError as error:
            raise SourceError(f"{file}: cannot be read: {error.strerror}") from error
        except orjson.JSONDecodeError as error:
            raise SourceError(f"{file}: not JSON") from error
        if not isinstance(body, dict) or not isinstance(body.get("files"), dict):
            raise SourceError(f"{file}: names no files")
        return body

    def _manifest(self) -> dict[str, Any] | None:
        """The files of manifest.json; None, with a warning, when there is none."""
        file = self._folder / MANIFEST
        body = self._manifest_file()
        if body is None:
            self.report.warnings.append(f"{self._folder}: no {MANIFEST}, so a copy that was cut off is not noticed")
            return None
        files: dict[str, Any] = body["files"]
        tenant = body.get("tenant_id")
        if self._source.tenant_id and tenant and str(tenant).lower() != self._source.tenant_id.lower():
            raise SourceError(
                f"{file}: saved from tenant {printable(str(tenant)[:64])}, not from {self._source.tenant_id}",
                hint="check tenant_id and ndjson in [entra]",
            )
        return files


def unseen_warning(kind: str, unseen: set[str]) -> list[str]:
    """The warning about properties that no object contained; none when all were seen."""
    if not unseen:
        return []
    return [f"in no {kind}, so unknown and not empty (no right to read?): {', '.join(sorted(unseen))}"]


def _object(file: Path, number: int, line: bytes) -> dict[str, Any]:
    try:
        value = read_json(line)
    except ValueError as error:
        hint = "save it as UTF-8" if number == 1 and line[:2] in (b"\xff\xfe", b"\xfe\xff") else None
        raise SourceError(f"{file}:{number}: not JSON, or cut off", hint=hint) from error
    if not isinstance(value, dict):
        raise SourceError(f"{file}:{number}: not a JSON object", hint="one Graph object a line")
    return value


def _group_id(item: dict[str, Any]) -> str | None:
    return object_id({"id": item.get("groupId")})

"""/directory/deletedItems: soft-deleted users and groups, listed, read, restored, deleted for good.

The cast is required for listing. Both spellings, microsoft.graph.user and graph.user, are taken.
"""

import time

from recon.lab.graph import permissions
from recon.lab.graph.calls import Answer, Call, Caller
from recon.lab.graph.clock import Clock
from recon.lab.graph.directory import Bin
from recon.lab.graph.errors import (
    bad_request,
    denied,
    not_found,
    unknown_segment,
    unsimulated,
    unsupported_query,
    wrong_method,
)
from recon.lab.graph.reading import Reader
from recon.lab.graph.schema import GROUP, USER

_CASTS = {f"{prefix}{kind.name}": kind.name for prefix in ("microsoft.graph.", "graph.") for kind in (USER, GROUP)}


class DeletedItems:
    """Answers everything below /directory/deletedItems."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def answer(self, call: Call, caller: Caller, rest: list[str], clock: Clock) -> Answer:
        """One call; `rest`: the path below. `clock` is the directory's: the 30 days were judged by it already."""
        if not rest:
            raise unsupported_query("Listing deletedItems needs the cast to a type, for example microsoft.graph.user.")
        head, *tail = rest
        if "graph." in head:
            return self._listing(call, caller, head, tail)
        kept = caller.directory.bin_holding(head)
        if kept is None:
            if not caller.permissions:
                raise denied()
            raise not_found(head)
        match call.method, tail:
            case "GET", []:
                return self._one(call, caller, kept, head)
            case "POST", ["restore"]:
                return self._restore(call, caller, kept, head)
            case "DELETE", []:
                self._require_restorer(caller, kept, head)
                caller.directory.purge(head)
                return Answer(204)
            case _, [] | ["restore"]:
                raise wrong_method()
        raise unknown_segment(tail[0])

    def _listing(self, call: Call, caller: Caller, cast: str, tail: list[str]) -> Answer:
        kind = _CASTS.get(cast)
        if kind is None:
            raise unsimulated(f"deleted objects of type {cast}")
        if call.method != "GET":
            raise wrong_method()
        _require_reader(caller, kind)
        objects = caller.directory.bin_of(kind).objects
        if tail == ["$count"]:
            return self._reader.count_objects(call, caller, objects, time.monotonic())
        if tail:
            raise unknown_segment(tail[0])
        return self._reader.list_objects(call, caller, objects, time.monotonic())

    def _one(self, call: Call, caller: Caller, kept: Bin, key: str) -> Answer:
        _require_reader(caller, kept.objects.kind.name)
        return self._reader.get_object(call, caller, kept.objects, key, time.monotonic(), is_typed=True)

    def _restore(self, call: Call, caller: Caller, kept: Bin, key: str) -> Answer:
        if call.body.strip() not in (b"", b"{}"):
            raise bad_request("The simulator restores without parameters.")
        self._require_restorer(caller, kept, key)
        kind, _ = caller.directory.restore(key)
        objects = caller.directory.objects(kind)
        if objects is None:
            raise not_found(key)
        return self._reader.get_object(call, caller, objects, key, time.monotonic(), is_typed=True)

    @staticmethod
    def _require_restorer(caller: Caller, kept: Bin, key: str) -> None:
        kind = kept.objects.kind.name
        if not caller.permissions & permissions.RESTORE[kind]:
            raise denied()
        is_privileged = kind == USER.name and caller.directory.is_privileged(key)
        if is_privileged and caller.role not in permissions.PRIVILEGED_ROLES:
            raise denied()


def _require_reader(caller: Caller, kind: str) -> None:
    """Refuse an application that may not read deleted objects of this type."""
    if not caller.permissions & permissions.READ_DELETED[kind]:
        raise denied()

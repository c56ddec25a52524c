"""Active Directory over LDAP as a source: one paged search per kind of object, and all members of every group.

With a watermark, an increment: what changed since then (recon.sources.ldap.increment).
"""

import base64
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from recon.config import AdSource
from recon.decode.keys import EmployeeIdRules, dn_key
from recon.errors import SourceError, WatermarkError
from recon.objects import ReadReport, Yielded
from recon.sources.ad import domain_name
from recon.sources.ldap import dirsync
from recon.sources.ldap.beside import Beside
from recon.sources.ldap.controllers import Controllers
from recon.sources.ldap.deleted import GRANT, reads_deleted
from recon.sources.ldap.increment import Increment
from recon.sources.ldap.kinds import Kind, KindReader
from recon.sources.ldap.rootdse import RootDse
from recon.sources.ldap.search import Searcher
from recon.sources.ldap.untracked import untracked_attributes
from recon.sources.ldap.watermark import Watermark, reading_mark

_GLOBAL_CATALOG = frozenset({3268, 3269})


class AdReading:
    """One read of one domain, from the first of its domain controllers that can be reached.

    `since`: the watermark of the last read, for an increment. The password is used for binding alone and is in no repr.
    """

    def __init__(
        self,
        source: AdSource,
        password: str | None,
        ids: EmployeeIdRules,
        *,
        since: str | None = None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.report = ReadReport(is_increment=since is not None)
        self._source = source
        self._since = since
        self._mark = reading_mark(source, ids)
        self._controllers = Controllers(source, password)
        self._searcher = Searcher(self._controllers, self.report, pause)
        self._reader = KindReader(source, ids, self._searcher, self.report)
        self._root: RootDse | None = None

    @property
    def domain(self) -> str | None:
        """DNS name of the domain, from the first base; signs in when no base is configured."""
        return domain_name(self._bases()[0])

    def close(self) -> None:
        """Close the connection; rows() does it by itself."""
        self._searcher.close()

    def _root_dse(self) -> RootDse:
        if self._root is None:
            self._root = self._searcher.session.root_dse()
        return self._root

    def _bases(self) -> tuple[str, ...]:
        if self._source.bases:
            return outermost(self._source.bases)
        context = self._root_dse().naming_context
        if context is None:
            raise SourceError(
                f"{self._searcher.session.host} names no defaultNamingContext: is it an Active Directory server?",
                hint="check `url`, or set `bases`",
            )
        return (context,)

    def rows(self) -> Iterator[Yielded]:
        """Every row of the configured kinds, page by page; members stand before their group's row.

        Of an increment, what changed, and what is gone. Raises SourceError when anything could not be read to its
        end, WatermarkError when an increment would not be right and a full read is due.
        """
        try:
            _ = self._searcher.session  # a server that cannot be reached is not tried again and again
            root = self._searcher.attempt(lambda: self._searcher.session.root_dse())
            self._root = root  # anew: its USN must be older than every row
            self._warn(root)
            yield from self._full(root) if self._since is None else self._increment(root, self._since)
            yield from Beside(self._source, self._searcher, self.report, root).rows()
            self.report.warnings += self._controllers.passed_over
            self.report.warnings += self._reader.warnings
        finally:
            self.close()

    def _warn(self, root: RootDse) -> None:
        host = self._searcher.session.host
        if not root.is_synchronized:
            self.report.warnings.append(f"{host} has not finished its first synchronization: it may lack objects")
        if self._searcher.session.port in _GLOBAL_CATALOG:
            self.report.warnings.append(f"{host} is a global catalogue: it lacks most attributes; use port 389 or 636")

    # ---- everything

    def _full(self, root: RootDse) -> Iterator[Yielded]:
        following = self._searcher.attempt(lambda: self._following(root))
        for kind in self._reader.kinds.values():
            for name in kind.tables:
                self.report.table(name).filter = kind.filter
                self.report.table(name).watermark = root.watermark
            before = self._count(kind)
            for base in self._bases():
                yield from self._reader.read(kind, base)
            self._prove_count(kind, before)
        if not self._is_same_controller(root):
            for table in self.report.tables.values():
                table.watermark = None
            following = None if following is None or following.way == "usn" else following
        self.report.watermark = None if following is None else following.text()

    def _count(self, kind: Kind) -> int | None:
        """The server's own count of a kind; None unless the site asks for it."""
        return sum(self._reader.count(kind, base) for base in self._bases()) if self._source.count else None

    def _prove_count(self, kind: Kind, before: int | None) -> None:
        """Note what the server counts; a count that changed during the read proves nothing, and is said."""
        after = self._count(kind)
        if before == after:
            self.report.table(kind.table).server_count = after
        else:
            self.report.warnings.append(
                f"{kind.table}: the server counted {before} before the read and {after} after it"
            )

    def _following(self, root: RootDse) -> Watermark | None:
        """Where the next increment begins; None, with a warning that says why, where there can be none."""
        way = self._source.increment
        if way == "off" or root.naming_context is None:
            return None
        why_not = untracked_attributes(self._searcher, root, self._source.attributes)
        if why_not:
            self.report.warnings.append(f"the next load will be a full one too: {why_not}")
            return None
        session = self._searcher.session
        known = Watermark(
            "usn",
            root.naming_context.lower(),
            root.dns_host_name,
            root.invocation_id,
            root.highest_usn or 0,
            self._mark,
        )
        cookie = None if way == "usn" else dirsync.first_cookie(session, root.naming_context)
        if cookie is not None:
            return replace(known, way="dirsync", cookie=base64.b64encode(cookie).decode("ascii"))
        reason = ""
        if way == "dirsync":
            reason = "the account has no right to DirSync; grant 'Replicating Directory Changes' at the domain's head"
        elif root.invocation_id is None or root.highest_usn is None:
            reason = f"{session.host} does not tell its invocationId or its highestCommittedUSN"
        elif not reads_deleted(session, root.naming_context):
            reason = f"deleted objects cannot be read; {GRANT.format(base=root.naming_context)}"
        if reason:
            self.report.warnings.append(f"the next load will be a full one too: {reason}")
            return None
        return known

    def _is_same_controller(self, root: RootDse) -> bool:
        """A reconnect may have reached another domain controller, whose USNs mean something else."""
        if not self._searcher.reconnects:
            return True
        self.report.warnings.append(f"the connection was lost and opened again {self._searcher.reconnects} times")
        now = self._searcher.attempt(lambda: self._searcher.session.root_dse())
        return (now.service, now.invocation_id) == (root.service, root.invocation_id)

    # ---- what changed

    def _increment(self, root: RootDse, since: str) -> Iterator[Yielded]:
        last = Watermark.parse(since)
        last.check(root, self._mark)
        if self._source.increment not in ("auto", last.way):
            raise WatermarkError(
                f'increment = "{self._source.increment}" now, the last load was prepared for {last.way}'
            )
        assert root.naming_context is not None
        context = root.naming_context
        following = replace(last, usn=root.highest_usn or 0, controller=root.dns_host_name, is_after_full=False)
        told: dict[bytes, dirsync.Told] | None = None
        if last.way == "dirsync":
            told, cookie = self._searcher.attempt(lambda: self._told(context, last))
            following = replace(
                following, cookie=base64.b64encode(cookie).decode("ascii"), invocation_id=root.invocation_id
            )
        elif not self._searcher.attempt(lambda: reads_deleted(self._searcher.session, context)):
            raise WatermarkError("deleted objects can no longer be read", hint=GRANT.format(base=context))
        for kind in self._reader.kinds.values():
            for name in kind.tables:
                self.report.table(name).watermark = root.watermark
        changes = Increment(
            self._reader,
            self._searcher,
            self.report,
            root,
            self._bases(),
            last.usn,
            told,
            is_after_full=last.is_after_full,
        )
        yield from changes.rows()
        if not self._is_same_controller(root):
            raise WatermarkError("the connection was lost, and another domain controller answered")
        self.report.watermark = following.text()

    def _told(self, context: str, last: Watermark) -> tuple[dict[bytes, dirsync.Told], bytes]:
        names = dict.fromkeys(dirsync.CHANGE_ATTRIBUTES)
        for kind in self._reader.kinds.values():
            names |= dict.fromkeys(self._reader.attributes(kind))
        try:
            cookie = base64.b64decode(last.cookie or "", validate=True)
        except ValueError as error:
            raise WatermarkError("the stored watermark cannot be read") from error
        return dirsync.changes(self._searcher.session, context, list(names), cookie)


def outermost(bases: tuple[str, ...]) -> tuple[str, ...]:
    """The bases that lie in no other: what is below a base is read with it, and would be counted twice."""
    keys = {dn_key(base) or base: base for base in bases}
    return tuple(base for key, base in keys.items() if not any(key.endswith(f",{other}") for other in keys))

"""Reads what stands beside people and groups: the domain, its password policies, deleted objects.

Small, and always whole, in an increment too. What the account may not read is refused, never taken for empty.
"""

from collections.abc import Iterator

from recon.config import AdSource
from recon.errors import AccessError, RestartError, SignInError, SourceError, TransientError
from recon.objects import ReadReport, Row, Withdrawn
from recon.sources.ad_beside import asked_for, deleted_row, domain_row, policy_row
from recon.sources.ldap.deleted import GRANT, reads_deleted
from recon.sources.ldap.exchange import SHOW_DELETED, Attributes
from recon.sources.ldap.rootdse import RootDse
from recon.sources.ldap.search import Searcher

_DELETED = "(&(isDeleted=TRUE)(|(objectClass=user)(objectClass=group)(objectClass=contact)))"
_POLICIES = "(objectClass=msDS-PasswordSettings)"


class Beside:
    """One read of those that `[ad] objects` names."""

    def __init__(self, source: AdSource, searcher: Searcher, report: ReadReport, root: RootDse) -> None:
        self._source = source
        self._searcher = searcher
        self._report = report
        self._root = root

    def rows(self) -> Iterator[Row | Withdrawn]:
        """Every row. Raises AccessError where a right is missing, and what a search raises."""
        for name, table, read in (
            ("domain", "ad_domain", self._domain),
            ("policies", "ad_password_policy", self._policies),
            ("deleted", "ad_deleted", self._deleted),
        ):
            if name in self._source.objects:
                self._report.table(table).is_whole = self._report.is_increment
                yield from self._searcher.persist(read, Withdrawn)

    @property
    def _context(self) -> str:
        if self._root.naming_context is None:
            raise SourceError(f"{self._searcher.session.host} names no defaultNamingContext")
        return self._root.naming_context

    def _domain(self) -> Iterator[Row | Withdrawn]:
        self._report.table("ad_domain").filter = self._context
        self._report.table("ad_domain").pages = 1
        head = self._searcher.one(self._context, asked_for("ad_domain"))
        if head is None:
            raise AccessError(f"{self._context} cannot be read", hint="grant the user read access to the domain's head")
        service = f"CN=Directory Service,CN=Windows NT,CN=Services,{self._root.configuration}"
        names = ["tombstoneLifetime", "msDS-DeletedObjectLifetime"]
        yield domain_row(head.dn, head.attributes, self._if_readable(service, names))

    def _if_readable(self, dn: str, names: list[str]) -> Attributes:
        try:
            entry = self._searcher.one(dn, names)
        except (RestartError, TransientError, SignInError):
            raise
        except SourceError:
            return {}
        return {} if entry is None else entry.attributes

    def _policies(self) -> Iterator[Row | Withdrawn]:
        container = f"CN=Password Settings Container,CN=System,{self._context}"
        if not self._if_readable(container, ["objectGUID"]):
            raise AccessError(
                f"{container} cannot be read",
                hint=f'let the account read it and all below it: dsacls "{container}" /I:T /G DOMAIN\\ACCOUNT:GR',
            )
        proof = self._report.table("ad_password_policy")
        proof.filter = _POLICIES
        asked = asked_for("ad_password_policy")
        for page in self._searcher.pages(container, _POLICIES, asked, self._source.page_size):
            proof.pages += 1
            for entry in page:
                self._searcher.complete(entry)
                yield policy_row(entry.dn, entry.attributes)

    def _deleted(self) -> Iterator[Row | Withdrawn]:
        context = self._context
        if not reads_deleted(self._searcher.session, context):
            raise AccessError("deleted objects cannot be read", hint=GRANT.format(base=context))
        proof = self._report.table("ad_deleted")
        proof.filter = _DELETED
        base, size = f"CN=Deleted Objects,{context}", self._source.page_size
        for page in self._searcher.pages(base, _DELETED, asked_for("ad_deleted"), size, (SHOW_DELETED,)):
            proof.pages += 1
            for entry in page:
                yield deleted_row(entry.dn, entry.attributes)

"""Directory roles of one tenant and who holds them, active or eligible.

Activated roles come from /directoryRoles; who is eligible comes from Privileged Identity Management, which a tenant
may not have and an application may not be allowed to read: then the report says that eligible members are unknown.
"""

from collections.abc import Iterator
from typing import Any

from recon.objects import TABLES, ReadReport, Row
from recon.sources.entra_ndjson_writer import NdjsonWriter
from recon.sources.entra_rows import ROLE, ROLE_MEMBER, RoleRows, object_id, reject
from recon.sources.graph.answer import failure_of
from recon.sources.graph.batch import SIZE, BatchAnswer, BatchItem
from recon.sources.graph.client import GraphClient
from recon.sources.graph.paging import page_of

PERMISSION = "RoleManagement.Read.Directory"
ELIGIBLE = "/roleManagement/directory/roleEligibilityScheduleInstances"
UNLICENSED = "AadPremiumLicenseRequired"


class RoleReader:
    """Reads roles, members and eligible members to their end."""

    def __init__(self, client: GraphClient, report: ReadReport, saver: NdjsonWriter | None = None) -> None:
        self._client = client
        self._report = report
        self._saver = saver
        self._rows = RoleRows()

    def rows(self) -> Iterator[Row]:
        """Every role and member. Raises SourceError and its kinds; then nothing may be published."""
        roles = self._report.table(ROLE)
        members = self._report.table(ROLE_MEMBER)
        roles.filter, members.filter = "/directoryRoles", f"/directoryRoles/{{id}}/members, {ELIGIBLE}"
        known: dict[str, str] = {}  # template id to role id
        ids: list[str] = []
        # the list of roles takes no options at all, so no count either
        for page in self._client.pages("/directoryRoles", permission=PERMISSION):
            roles.pages += 1
            for item in page.items:
                row = self._rows.role(item)
                if row.table == ROLE:
                    ids.append(str(row.values[0]))
                    template = row.values[TABLES[ROLE].position["roletemplateid"]]
                    known[str(template or row.values[0])] = str(row.values[0])
                yield self._role(item, row)
        for place in range(0, len(ids), SIZE):
            yield from self._members(ids[place : place + SIZE])
        yield from self._eligible(known)

    def _role(self, item: Any, row: Row) -> Row:
        if self._saver is not None:
            self._saver.write("roles", item)
        return row

    def _member(self, role_id: str, item: Any, *, is_eligible: bool) -> Row:
        if self._saver is not None:
            content = item if type(item) is dict else {}
            self._saver.write("role_members", {"roleId": role_id, "isEligible": is_eligible, **content})
        return self._rows.member(role_id, item, is_eligible=is_eligible)

    def _members(self, roles: list[str]) -> Iterator[Row]:
        """Active members of up to 20 roles: their first pages in one batch, the rest page by page."""
        items = [BatchItem(f"/directoryRoles/{role}/members?$select=id") for role in roles]
        for role, answer in zip(roles, self._client.batch(items), strict=True):
            if answer.status == 404:
                self._report.warnings.append(f"members of role {role} are not read: it was deleted meanwhile")
                continue
            for item in self._items(f"/directoryRoles/{role}/members", answer):
                yield self._member(role, item, is_eligible=False)

    def _eligible(self, known: dict[str, str]) -> Iterator[Row]:
        """Eligible members; a role that is not activated becomes a row without a name."""
        # as an item of a batch a refusal is an answer, whose code can be looked at
        (answer,) = self._client.batch([BatchItem(f"{ELIGIBLE}?$expand=principal")])
        if answer.status == 403 or UNLICENSED in answer.codes:
            why = "the tenant has no licence for them" if UNLICENSED in answer.codes else f"that needs {PERMISSION}"
            self._report.warnings.append(f"eligible members of roles are not read: {why}")
            return
        for item in self._items(ELIGIBLE, answer):
            yield from self._eligibility(item, known)

    def _items(self, path: str, answer: BatchAnswer) -> Iterator[Any]:
        """Every object of a listing whose first page came in a batch."""
        what = f"GET {path}"
        if not answer.is_success:
            now = self._client.patience.clock()
            raise failure_of(what, answer.status, answer.headers, answer.body, now, permission=PERMISSION)
        page = page_of(answer.body, what)
        proof = self._report.table(ROLE_MEMBER)
        proof.pages += 1
        yield from page.items
        if page.next_link is None:
            return
        for following in self._client.pages(page.next_link, permission=PERMISSION):
            proof.pages += 1
            yield from following.items

    def _eligibility(self, item: Any, known: dict[str, str]) -> Iterator[Row]:
        values = item if type(item) is dict else {}
        definition = object_id({"id": values.get("roleDefinitionId")})
        principal = values.get("principal")
        kind = principal.get("@odata.type") if type(principal) is dict else None
        if definition is None:
            yield reject(ROLE_MEMBER, None, None, "no_role", "an eligibility without a usable role")
            return
        if definition not in known:
            known[definition] = definition
            role = {"id": definition, "roleTemplateId": definition, "isActivated": False}
            yield self._role(role, self._rows.role(role))
        member = {"@odata.type": kind, "id": values.get("principalId")}
        yield self._member(known[definition], member, is_eligible=True)

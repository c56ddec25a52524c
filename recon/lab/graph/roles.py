"""Directory roles and who holds them, registration details, domains: what a loader asks beside users and groups.

From the pages of directoryRole, roleEligibilityScheduleInstance, userRegistrationDetails and domain. A role is found
by its id or by its template's id. The page size of the registration report is not published: taken as the lists'.
"""

from collections.abc import Mapping
from typing import Any

from recon.lab.graph import permissions
from recon.lab.graph.calls import Answer, Call, Caller
from recon.lab.graph.clock import Clock
from recon.lab.graph.directory import Directory, Role
from recon.lab.graph.errors import denied, not_found, unknown_segment, unsimulated, wrong_method
from recon.lab.graph.query import parse_query
from recon.lab.graph.reading import Reader

_NOTHING: frozenset[str] = frozenset()
_BY_TEMPLATE = "roleTemplateId="


class RoleReader:
    """Answers /directoryRoles and the eligibilities of /roleManagement."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def answer(self, call: Call, caller: Caller, rest: list[str]) -> Answer:
        """GET /directoryRoles and /directoryRoles/{id}/members; the list takes no options."""
        _require(call, caller, permissions.READ_ROLES)
        if not rest:
            parse_query(call.query, allowed=_NOTHING, is_advanced=False)
            found = [_role(role) for role in caller.directory.roles.values()]
            return Answer.json({"@odata.context": f"{call.root}/v1.0/$metadata#directoryRoles", "value": found})
        key, relation, *tail = rest
        if relation != "members" or tail:
            raise unsimulated(f"/directoryRoles/{{id}}/{'/'.join([relation, *tail])}")
        role = _find(caller.directory, key.removeprefix(_BY_TEMPLATE))
        if role is None:
            raise not_found(key)
        members = [key for key, kind in role.members.items() if caller.directory.type_of(key) == kind]
        return self._reader.list_principals(call, caller, members)

    def eligible(self, call: Call, caller: Caller) -> Answer:
        """GET /roleManagement/directory/roleEligibilityScheduleInstances, with $expand=principal or without."""
        _require(call, caller, permissions.READ_ELIGIBLE)
        options = parse_query(call.query, allowed=frozenset({"$expand"}), is_advanced=False)
        expand = options.values.get("$expand")
        if expand not in (None, "principal"):
            raise unsimulated(f"$expand={expand} of eligibilities")
        found = []
        for number, (template_id, key, kind) in enumerate(caller.directory.eligible, 1):
            if caller.directory.type_of(key) is None:
                continue
            item: dict[str, Any] = {
                "id": f"{template_id}-{number}-e",
                "principalId": key,
                "roleDefinitionId": template_id,
                "directoryScopeId": "/",
                "appScopeId": None,
                "startDateTime": "2026-01-01T00:00:00Z",
                "endDateTime": None,
                "memberType": "Direct",
                "roleEligibilityScheduleId": f"{template_id}-{number}",
            }
            if expand is not None:
                item["principal"] = {"@odata.type": f"#microsoft.graph.{kind}", "id": key}
            found.append(item)
        context = f"{call.root}/v1.0/$metadata#roleManagement/directory/roleEligibilityScheduleInstances"
        return Answer.json({"@odata.context": context, "value": found})


def _require(call: Call, caller: Caller, granting: frozenset[str]) -> None:
    if call.method != "GET":
        raise wrong_method()
    if not caller.permissions & granting:
        raise denied()


def _role(role: Role) -> dict[str, Any]:
    properties = {"id": None, "deletedDateTime": None, "description": None, "displayName": None, "roleTemplateId": None}
    return properties | role.properties


def _find(directory: Directory, key: str) -> Role | None:
    wanted = key.lower()
    if wanted in directory.roles:
        return directory.roles[wanted]
    roles = directory.roles.values()
    return next((role for role in roles if str(role.properties.get("roleTemplateId")).lower() == wanted), None)


# ---- registration details


def registrations(reader: Reader, call: Call, caller: Caller, rest: list[str], clock: Clock) -> Answer:
    """GET /reports/authenticationMethods/userRegistrationDetails, of all users or one; not of disabled ones."""
    _require(call, caller, permissions.READ_REPORTS)
    if len(rest) > 1:
        raise unknown_segment(rest[1])
    users = caller.directory.users
    stamp = clock.now().strftime("%Y-%m-%dT00:00:00.0000000Z")
    if rest:
        parse_query(call.query, allowed=_NOTHING, is_advanced=False)
        place = users.place(rest[0])
        found = None if place is None else _registration(caller.directory, users.json(place), stamp)
        if found is None:
            raise not_found(rest[0])
        return Answer.json(found)
    enabled = users.columns["accountEnabled"]
    places = [place for place, row in enumerate(users.rows) if row is not None and row[enabled] is not False]

    def entry(place: int) -> dict[str, Any]:
        return _registration(caller.directory, users.json(place), stamp) or {}

    return reader.list_places(call, caller, places, entry)


def _registration(directory: Directory, user: Mapping[str, Any], stamp: str) -> dict[str, Any] | None:
    if user["accountEnabled"] is False:
        return None
    key = str(user["id"])
    kind = str(user["userType"] or "Member").lower()
    entry: dict[str, Any] = {
        "id": key,
        "userPrincipalName": user["userPrincipalName"] or "",
        "userDisplayName": user["displayName"] or "",
        "userType": kind if kind in ("member", "guest") else "unknownFutureValue",
        "isAdmin": any(key.lower() in role.members for role in directory.roles.values()),
        "isSsprRegistered": False,
        "isSsprEnabled": False,
        "isSsprCapable": False,
        "isMfaRegistered": False,
        "isMfaCapable": False,
        "isPasswordlessCapable": False,
        "isSystemPreferredAuthenticationMethodEnabled": False,
        "methodsRegistered": [],
        "systemPreferredAuthenticationMethods": [],
        "userPreferredMethodForSecondaryAuthentication": "none",
        "lastUpdatedDateTime": stamp,
    }
    return {**entry, **directory.registrations.get(key.lower(), {})}


# ---- domains


def list_domains(call: Call, caller: Caller) -> Answer:
    """GET /domains: the tenant's names, the first its default."""
    _require(call, caller, permissions.READ_DOMAINS)
    if call.query:
        raise unsimulated("query options of /domains")
    found = [
        {
            "id": name,
            "authenticationType": "Managed",
            "availabilityStatus": None,
            "isAdminManaged": True,
            "isDefault": number == 0,
            "isInitial": name.endswith(".onmicrosoft.example"),
            "isRoot": True,
            "isVerified": True,
            "supportedServices": ["Email", "OfficeCommunicationsOnline"],
        }
        for number, name in enumerate(caller.directory.domains)
    ]
    return Answer.json({"@odata.context": f"{call.root}/v1.0/$metadata#domains", "value": found})

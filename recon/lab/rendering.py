"""How a company's records look in Graph v1.0 JSON and in the HR extract; times and names as each system writes them.

Entries of Active Directory stand in recon.lab.adrendering.
"""

import re
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

from recon.decode.guid import guid_text
from recon.lab.company import AdAccount, Domain, EntraUser, Group, Tenant, Worker
from recon.lab.names import COUNTRIES

_FILETIME_1970 = 134_774 * 86_400
_ESCAPED = re.compile(r'[,+"\\<>;]')
_SPECIAL = re.compile(r'[,+"\\<>;]|^[# ]| $')


@lru_cache(maxsize=8_192)
def _date(today: date, ago: int) -> str:
    return (today - timedelta(days=ago)).isoformat()


@lru_cache(maxsize=8_192)
def _compact_date(today: date, ago: int) -> str:
    return (today - timedelta(days=ago)).strftime("%Y%m%d")


@lru_cache(maxsize=8_192)
def _compact_time(second: int) -> str:
    return f"{second // 3600:02}{second // 60 % 60:02}{second % 60:02}.0Z"


@lru_cache(maxsize=8_192)
def _time(second: int) -> str:
    return f"T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}Z"


def generalized(today: date, ago: int, second: int) -> bytes:
    """yyyyMMddHHmmss.0Z of a day `ago` days before today, at this second of it."""
    return (_compact_date(today, ago) + _compact_time(second)).encode()


def filetime(day: int, ago: int, second: int) -> bytes:
    """The same moment in units of 100 ns since 1601; `day` is today in days since 1970-01-01."""
    return b"%d" % ((_FILETIME_1970 + (day - ago) * 86_400 + second) * 10_000_000)


def iso(today: date, ago: int, second: int) -> str:
    """The same moment as Graph writes it."""
    return _date(today, ago) + _time(second)


def rdn_value(text: str) -> str:
    r"""A value as it stands in a distinguished name: 'Doe, Jane' becomes 'Doe\, Jane' (RFC 4514 2.4)."""
    if not _SPECIAL.search(text):
        return text
    escaped = _ESCAPED.sub(r"\\\g<0>", text)
    if escaped[0] in "# ":
        escaped = "\\" + escaped
    return escaped[:-1] + "\\ " if text.endswith(" ") and len(text) > 1 else escaped


def account_dn(account: AdAccount, domain: Domain) -> str:
    """The distinguished name of a user."""
    return f"CN={rdn_value(account.cn)},{account.ou},{domain.base_dn}"


def cloud_sid(object_id: str) -> str:
    """The SID that Entra derives from an object id: S-1-12-1 and the GUID's bytes as four numbers."""
    first, second, third, fourth, fifth = object_id.split("-")
    tail = bytes.fromhex(fourth + fifth)
    numbers = (
        int(first, 16),
        int(third + second, 16),
        int.from_bytes(tail[:4], "little"),
        int.from_bytes(tail[4:], "little"),
    )
    return "S-1-12-1-" + "-".join(map(str, numbers))


def _refusal(attribute: str, value: str, at: str) -> dict[str, Any]:
    """One entry of onPremisesProvisioningErrors."""
    return {"category": "PropertyConflict", "occurredDateTime": at, "propertyCausingError": attribute, "value": value}


_EXTENSIONS = {f"extensionAttribute{number}": None for number in range(1, 16)}


class GraphRenderer:
    """Objects of one tenant."""

    def __init__(self, tenant: Tenant, today: date) -> None:
        self.tenant = tenant
        self.today = today

    def user(self, user: EntraUser) -> dict[str, Any]:
        """A user object with every property of the main store."""
        today, clock = self.today, user.clock
        created = iso(today, user.created, clock)
        country = COUNTRIES.get(user.country or "")
        synced = user.dn is not None
        extensions = _EXTENSIONS | {f"extensionAttribute{n}": text for n, text in user.extension.items()}
        proxies = [] if user.mail is None else [f"SMTP:{user.mail}"]
        if user.mail is not None and user.sam is not None:
            proxies.append(f"smtp:{user.sam}@mail.{user.domain}")
        return {
            "id": user.id,
            "deletedDateTime": None,
            "accountEnabled": user.enabled,
            "ageGroup": None,
            "assignedLicenses": [],
            "assignedPlans": [],
            "authorizationInfo": {"certificateUserIds": []},
            "businessPhones": [] if user.phone is None else [user.phone],
            "city": None if country is None else user.city or country.city,
            "companyName": user.company,
            "consentProvidedForMinor": None,
            "country": None if country is None else country.name,
            "createdDateTime": created,
            "creationType": "Invitation" if user.is_guest else None,
            "customSecurityAttributes": None,
            "department": user.department,
            "displayName": user.display,
            "employeeHireDate": None if user.hired is None else iso(today, user.hired, 3_600),
            "employeeId": user.employee_id,
            "employeeLeaveDateTime": None if user.leaves is None else iso(today, user.leaves, 3_600),
            "employeeOrgData": None,
            "employeeType": user.employee_type,
            "externalUserState": ("PendingAcceptance" if user.is_pending else "Accepted") if user.is_guest else None,
            "externalUserStateChangeDateTime": created if user.is_guest else None,
            "faxNumber": None,
            "givenName": user.given,
            "identities": [
                {"signInType": "userPrincipalName", "issuer": self.tenant.domain, "issuerAssignedId": user.upn}
            ],
            "identityParentId": None,
            "imAddresses": [],
            "isManagementRestricted": None,
            "isResourceAccount": None,
            "jobTitle": user.title,
            "lastPasswordChangeDateTime": created,
            "legalAgeGroupClassification": None,
            "licenseAssignmentStates": [],
            "mail": user.mail,
            "mailNickname": user.sam or user.upn.partition("@")[0].partition("#")[0],
            "mobilePhone": None,
            "officeLocation": None if country is None else user.city or country.city,
            "onPremisesDistinguishedName": user.dn,
            "onPremisesDomainName": user.domain,
            "onPremisesExtensionAttributes": extensions,
            "onPremisesImmutableId": user.anchor,
            "onPremisesLastSyncDateTime": iso(today, user.last_sync, clock) if synced else None,
            "onPremisesProvisioningErrors": [] if user.refused is None else [_refusal(*user.refused, created)],
            "onPremisesSamAccountName": user.sam,
            "onPremisesSecurityIdentifier": user.sid,
            "onPremisesSyncEnabled": user.is_synced,
            "onPremisesUserPrincipalName": user.on_premises_upn,
            "otherMails": list(user.other_mails),
            "passwordPolicies": "DisablePasswordExpiration" if synced else None,
            "passwordProfile": None,
            "postalCode": None,
            "preferredDataLocation": None,
            "preferredLanguage": None,
            "provisionedPlans": [],
            "proxyAddresses": proxies,
            "securityIdentifier": cloud_sid(user.id),
            "serviceProvisioningErrors": [],
            "showInAddressList": None,
            "signInSessionsValidFromDateTime": created,
            "state": None,
            "streetAddress": None,
            "surname": user.surname,
            "usageLocation": user.usage_location,
            "userPrincipalName": user.upn,
            "userType": "Guest" if user.is_guest else "Member",
        }

    def sign_ins(self, user: EntraUser) -> dict[str, Any]:
        """What Graph has beside the main store, and reads slowly: null for who never signed in."""
        said = {"lastSignInDateTime": user.signed_in, "lastNonInteractiveSignInDateTime": user.used}
        if user.signed_in is None and user.used is None:
            return {"signInActivity": None}
        return {
            "signInActivity": {
                name: None if ago is None else iso(self.today, ago, user.clock) for name, ago in said.items()
            }
        }

    def group(self, group: Group, domain: Domain | None) -> dict[str, Any]:
        """A group object; `domain` is None for a cloud-only one."""
        made = iso(self.today, group.made, 32_400)
        has_mail = group.mail is not None
        return {
            "id": group.id,
            "deletedDateTime": None,
            "classification": None,
            "createdDateTime": made,
            "description": group.description,
            "displayName": group.name,
            "expirationDateTime": None,
            "groupTypes": ["Unified"] if group.is_unified else [],
            "isAssignableToRole": True if group.is_role_assignable else None,
            "mail": group.mail,
            "mailEnabled": has_mail,
            "mailNickname": group.mail.partition("@")[0] if group.mail else group.id[:8],
            "membershipRule": None,
            "membershipRuleProcessingState": None,
            "onPremisesDomainName": domain.name if domain else None,
            "onPremisesLastSyncDateTime": iso(self.today, 3, 32_400) if domain else None,
            "onPremisesNetBiosName": domain.netbios if domain else None,
            "onPremisesProvisioningErrors": [],
            "onPremisesSamAccountName": group.name if domain else None,
            "onPremisesSecurityIdentifier": f"{domain.sid}-{group.rid}" if domain else None,
            "onPremisesSyncEnabled": True if domain else None,
            "preferredDataLocation": None,
            "preferredLanguage": None,
            "proxyAddresses": [f"SMTP:{group.mail}"] if has_mail else [],
            "renewedDateTime": made,
            "resourceBehaviorOptions": [],
            "resourceProvisioningOptions": [],
            "securityEnabled": group.group_type < 0 and not group.is_unified,
            "securityIdentifier": cloud_sid(group.id),
            "serviceProvisioningErrors": [],
            "theme": None,
            "uniqueName": None,
            "visibility": "Private" if group.is_unified else None,
        }


WORKER_COLUMNS = (
    "WorkerID", "EmployeeID", "PriorEmployeeID", "WorkerType", "WorkerStatus", "FirstName", "LastName", "FullName",
    "HireDate", "OriginalHireDate", "TerminationDate", "PersonalEmail", "EmailAddress", "CountryCode", "Company",
    "Department", "CostCenter", "JobTitle", "Location", "ManagerID", "UserID",
)  # fmt: skip


def worker_record(worker: Worker, today: date) -> dict[str, str]:
    """One record of the extract; what is missing is an empty cell."""
    first_hired = worker.hired if worker.first_hired is None else worker.first_hired
    return dict(
        zip(
            WORKER_COLUMNS,
            (
                worker.worker_id,
                worker.employee_id or "",
                worker.prior_id or "",
                worker.kind,
                worker.status,
                worker.first_name or "",
                worker.last_name or "",
                worker.full_name or "",
                "" if worker.hired is None else _date(today, worker.hired),
                "" if first_hired is None else _date(today, first_hired),
                "" if worker.left is None else _date(today, worker.left),
                worker.personal_mail or "",
                worker.work_mail or "",
                worker.country or "",
                worker.company or "",
                worker.department or "",
                worker.cost_center or "",
                worker.title or "",
                worker.location or "",
                worker.manager_id or "",
                worker.user_id or "",
            ),
            strict=True,
        )
    )


def object_id(data: bytes) -> str:
    """A cloud object id from 16 bytes (a version 4 GUID)."""
    return guid_text(data[:7] + bytes((data[7] & 0x0F | 0x40, data[8] & 0x3F | 0x80)) + data[9:])

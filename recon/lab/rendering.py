"""How a company's records look in each system: raw LDAP values, Graph v1.0 JSON, cells of the HR extract.

Every value of an AD entry is what a domain controller would send, so that our decoders meet the real forms:
GUIDs and SIDs as bytes, times as generalized time or FILETIME, flags and numbers as decimal text.
"""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from functools import lru_cache
from hashlib import blake2b
from typing import Any

from recon.decode.guid import guid_text
from recon.decode.sid import sid_bytes
from recon.lab.company import AdAccount, Domain, EntraUser, Entry, Group, Person, Tenant, Worker
from recon.lab.names import COUNTRIES

_NEVER = b"9223372036854775807"
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


class AdRenderer:
    """Entries of one domain."""

    def __init__(self, domain: Domain, today: date) -> None:
        self.domain = domain
        self.today = today
        self.base = domain.base_dn
        self._day = (today - date(1970, 1, 1)).days
        self._sid = sid_bytes(f"{domain.sid}-0")[:-4]
        self._category = {
            name: [f"CN={name},CN=Schema,CN=Configuration,{self.base}".encode()]
            for name in ("Person", "Group", "Computer", "Organizational-Unit", "Container", "Domain-DNS")
        }
        self._usn = 20_000

    def _made(self, seed: str) -> bytes:
        return blake2b(f"{self.domain.name} {seed}".encode(), digest_size=16).digest()

    def _common(
        self, cn: str, classes: list[bytes], category: str, guid: bytes, created: bytes
    ) -> dict[str, list[bytes]]:
        self._usn += 3
        name = [cn.encode()]
        return {
            "objectClass": classes,
            "cn": name,
            "name": name,
            "objectGUID": [guid],
            "objectCategory": self._category[category],
            "instanceType": [b"4"],
            "whenCreated": [created],
            "whenChanged": [created],
            "uSNCreated": [b"%d" % (self._usn - 1)],
            "uSNChanged": [b"%d" % self._usn],
        }

    def frame(self) -> Iterator[Entry]:
        """The domain's head, its folders, and the accounts that every domain has."""
        born = generalized(self.today, 4000, 28_800)
        head = self._common(
            self.domain.name.split(".")[0], [b"top", b"domain", b"domainDNS"], "Domain-DNS", self._made(""), born
        )
        del head["cn"]
        head |= {"dc": head["name"], "objectSid": [self._sid[:1] + b"\x04" + self._sid[2:]]}
        yield self.base, head
        for name in ("Users", "Computers"):
            entry = self._common(name, [b"top", b"container"], "Container", self._made(name), born)
            yield f"CN={name},{self.base}", entry
        cities = [f"OU={country.city},OU=People" for country in COUNTRIES.values()]
        for ou in ("OU=People", "OU=Groups", "OU=Contacts", "OU=Admins", "OU=Leavers", *cities):
            name = ou[3:].partition(",")[0]
            entry = self._common(name, [b"top", b"organizationalUnit"], "Organizational-Unit", self._made(ou), born)
            del entry["cn"]
            yield f"{ou},{self.base}", entry | {"ou": entry["name"]}
        for rid, name, uac in ((500, "Administrator", 66048), (501, "Guest", 66082), (502, "krbtgt", 514)):
            account = AdAccount(
                0, name, "CN=Users", self._made(name), rid, name, None, None, None, None, None, None,
                uac=uac, created=4000, changed=200, admin_count=None if rid == 501 else 1, logon=None,
                further={"isCriticalSystemObject": [b"TRUE"]},
            )  # fmt: skip
            yield self.user(account, 0)

    def user(self, account: AdAccount, index: int) -> Entry:
        """A user's entry."""
        today, clock = self.today, account.clock
        dn = account_dn(account, self.domain)
        classes = [b"top", b"person", b"organizationalPerson", b"user"]
        entry = self._common(account.cn, classes, "Person", account.guid, generalized(today, account.created, clock))
        entry["whenChanged"] = [generalized(today, account.changed, clock)]
        entry["objectSid"] = [self._sid + account.rid.to_bytes(4, "little")]
        entry["sAMAccountName"] = [account.sam.encode()]
        entry["sAMAccountType"] = [b"805306368"]
        entry["userAccountControl"] = [b"%d" % account.uac]
        entry["primaryGroupID"] = [b"513"]
        entry["codePage"] = [b"0"]
        entry["badPwdCount"] = [b"0"]
        entry["pwdLastSet"] = [filetime(self._day, min(account.created, account.changed + 40), clock)]
        expires = account.expires
        entry["accountExpires"] = [_NEVER if expires is None else filetime(self._day, expires, 0)]
        if account.logon is not None:
            entry["lastLogonTimestamp"] = [filetime(self._day, account.logon, clock)]
        for name, value in (
            ("userPrincipalName", account.upn),
            ("givenName", account.given),
            ("sn", account.sn),
            ("displayName", account.display),
            ("employeeID", account.employee_id),
            ("employeeType", account.employee_type),
            ("title", account.title),
            ("department", account.department),
            ("company", account.company),
            ("telephoneNumber", account.phone),
            ("manager", account.manager),
            ("description", account.description),
        ):
            if value is not None:
                entry[name] = [value.encode()]
        if account.mail is not None:
            mail = account.mail.encode()
            entry["mail"] = [mail]
            entry["mailNickname"] = [account.sam.encode()]
            entry["proxyAddresses"] = [b"SMTP:" + mail, f"smtp:{account.sam}@mail.{self.domain.name}".encode()]
        country = COUNTRIES.get(account.country or "")
        if country is not None:
            entry["l"] = [(account.city or country.city).encode()]
            entry["c"] = [country.code.encode()]
            entry["co"] = [country.name.encode()]
            entry["countryCode"] = [b"%d" % country.number]
        if account.admin_count is not None:
            entry["adminCount"] = [b"%d" % account.admin_count]
        if account.consistency_guid is not None:
            entry["mS-DS-ConsistencyGuid"] = [account.consistency_guid]
        for number, text in account.extension.items():
            entry[f"extensionAttribute{number}"] = [text.encode()]
        if account.further:
            entry |= account.further
        return dn, entry

    def group(self, group: Group, members: list[str]) -> Entry:
        """A group's entry with all its members."""
        entry = self._common(group.name, [b"top", b"group"], "Group", group.guid, generalized(self.today, 900, 32_400))
        entry |= {
            "whenChanged": [generalized(self.today, 20, 32_400)],
            "objectSid": [self._sid + group.rid.to_bytes(4, "little")],
            "sAMAccountName": [group.name.encode()],
            "sAMAccountType": [b"268435456" if group.group_type < 0 else b"268435457"],
            "groupType": [b"%d" % group.group_type],
        }
        for name, text in (("mail", group.mail), ("description", group.description)):
            if text is not None:
                entry[name] = [text.encode()]
        if group.mail is not None:
            entry["mailNickname"] = [group.mail.partition("@")[0].encode()]
            entry["proxyAddresses"] = [b"SMTP:" + group.mail.encode()]
        if members:
            entry["member"] = [member.encode() for member in members]
        if group.admin_count is not None:
            entry["adminCount"] = [b"%d" % group.admin_count]
        if group.is_critical:
            entry["isCriticalSystemObject"] = [b"TRUE"]
        return f"CN={rdn_value(group.name)},{group.ou},{self.base}", entry

    def things(self, person: Person, domain: int) -> Iterator[Entry]:
        """What comes with some people: a computer with every 20th, a contact with every 100th."""
        if person.index % 20 == 7 and person.ad and person.ad[0].domain == domain:
            yield self._computer(person.index)
        if person.index % 100 == 5 and person.ad and person.ad[0].domain == domain:
            yield self._contact(person.index)

    def _computer(self, number: int) -> Entry:
        name = f"PC{number:07}"
        entry = self._common(
            name,
            [b"top", b"person", b"organizationalPerson", b"user", b"computer"],
            "Computer",
            self._made(name),
            generalized(self.today, 700, 32_400),
        )
        host = f"{name.lower()}.{self.domain.name}"
        entry |= {
            "whenChanged": [generalized(self.today, 9, 32_400)],
            "objectSid": [self._sid + (9_000_000 + number).to_bytes(4, "little")],
            "sAMAccountName": [f"{name}$".encode()],
            "sAMAccountType": [b"805306369"],
            "userAccountControl": [b"4096"],
            "primaryGroupID": [b"515"],
            "pwdLastSet": [filetime(self._day, 20, 32_400)],
            "lastLogonTimestamp": [filetime(self._day, 11, 32_400)],
            "accountExpires": [_NEVER],
            "dNSHostName": [host.encode()],
            "operatingSystem": [b"Windows 11 Enterprise"],
            "operatingSystemVersion": [b"10.0 (26100)"],
            "servicePrincipalName": [f"HOST/{name}".encode(), f"HOST/{host}".encode()],
        }
        return f"CN={name},CN=Computers,{self.base}", entry

    def _contact(self, number: int) -> Entry:
        name = f"Supplier {number}"
        mail = f"supplier{number}@example.com".encode()
        entry = self._common(
            name,
            [b"top", b"person", b"organizationalPerson", b"contact"],
            "Person",
            self._made(name),
            generalized(self.today, 600, 32_400),
        )
        entry |= {
            "displayName": [name.encode()],
            "mail": [mail],
            "mailNickname": [f"supplier{number}".encode()],
            "targetAddress": [b"SMTP:" + mail],
            "proxyAddresses": [b"SMTP:" + mail],
            "company": [b"Example Supplies"],
        }
        return f"CN={name},OU=Contacts,{self.base}", entry


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
            "employeeHireDate": None,
            "employeeId": user.employee_id,
            "employeeLeaveDateTime": None,
            "employeeOrgData": None,
            "employeeType": user.employee_type,
            "externalUserState": "Accepted" if user.is_guest else None,
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
            "onPremisesProvisioningErrors": [],
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

    def group(self, group: Group, domain: Domain | None) -> dict[str, Any]:
        """A group object; `domain` is None for a cloud-only one."""
        made = iso(self.today, 800, 32_400)
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

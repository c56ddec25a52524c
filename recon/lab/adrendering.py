"""How a company's records look in Active Directory: entries of one domain with raw LDAP values.

Every value is what a domain controller would send, so that our decoders meet the real forms: GUIDs and SIDs as
bytes, times as generalized time or FILETIME, flags and numbers as decimal text.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from hashlib import blake2b

from recon.decode.sid import sid_bytes
from recon.lab.company import AdAccount, Domain, Entry, Group, Person
from recon.lab.names import COUNTRIES
from recon.lab.rendering import account_dn, filetime, generalized, rdn_value

_NEVER = b"9223372036854775807"


class AdRenderer:
    """Entries of one domain."""

    def __init__(self, domain: Domain, today: date) -> None:
        self.domain = domain
        self.today = today
        self.base = domain.base_dn
        self.day = (today - date(1970, 1, 1)).days
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
        entry["pwdLastSet"] = [filetime(self.day, min(account.created, account.changed + 40), clock)]
        expires = account.expires
        entry["accountExpires"] = [_NEVER if expires is None else filetime(self.day, expires, 0)]
        if account.logon is not None:
            entry["lastLogonTimestamp"] = [filetime(self.day, account.logon, clock)]
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
        if account.hired is not None:
            hired = self.today - timedelta(days=account.hired)
            entry["msDS-cloudExtensionAttribute1"] = [hired.strftime(account.hired_form).encode()]
        if account.leaves is not None:
            entry["msDS-cloudExtensionAttribute2"] = [generalized(today, account.leaves, 3_600)]
        for number, text in account.extension.items():
            entry[f"extensionAttribute{number}"] = [text.encode()]
        if account.further:
            entry = {name: values for name, values in (entry | account.further).items() if values}
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
        if group.is_owned:
            entry["managedBy"] = [f"CN=Administrator,CN=Users,{self.base}".encode()]
        if group.mail is not None:
            entry["displayName"] = entry["name"]
            entry["mailNickname"] = [f"{group.mail.partition('@')[0]}.{self.domain.netbios.lower()}".encode()]
            entry["proxyAddresses"] = [b"SMTP:" + group.mail.encode()]
        if members:
            entry["member"] = [member.encode() for member in members]
        if group.admin_count is not None:
            entry["adminCount"] = [b"%d" % group.admin_count]
        if group.is_critical:
            entry["isCriticalSystemObject"] = [b"TRUE"]
        return self.group_dn(group), entry

    def group_dn(self, group: Group) -> str:
        """The distinguished name of a group."""
        return f"CN={rdn_value(group.name)},{group.ou},{self.base}"

    def things(self, person: Person, domain: int) -> Iterator[Entry]:
        """What comes with some people: a computer with every 20th, a contact with every 100th."""
        if person.index % 20 == 7 and person.ad and person.ad[0].domain == domain:
            yield self.computer(person.index)
        if person.index % 100 == 5 and person.ad and person.ad[0].domain == domain:
            yield self.contact(person.index)

    def computer(self, number: int) -> Entry:
        """A computer that is in use."""
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
            "pwdLastSet": [filetime(self.day, 20, 32_400)],
            "lastLogonTimestamp": [filetime(self.day, 11, 32_400)],
            "accountExpires": [_NEVER],
            "dNSHostName": [host.encode()],
            "operatingSystem": [b"Windows 11 Enterprise"],
            "operatingSystemVersion": [b"10.0 (26100)"],
            "servicePrincipalName": [f"HOST/{name}".encode(), f"HOST/{host}".encode()],
        }
        return f"CN={name},CN=Computers,{self.base}", entry

    def contact(self, number: int) -> Entry:
        """A supplier, whose mail goes where it says."""
        name = f"Supplier {number}"
        local = f"supplier{number}.{self.domain.netbios.lower()}"
        mail = f"{local}@example.com".encode()
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
            "mailNickname": [local.encode()],
            "targetAddress": [b"SMTP:" + mail],
            "proxyAddresses": [b"SMTP:" + mail],
            "company": [b"Example Supplies"],
        }
        return f"CN={name},OU=Contacts,{self.base}", entry

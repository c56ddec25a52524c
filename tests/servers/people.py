"""The invented domain that the Samba tests read: about 300 users, each kind of value that ever broke a loader."""

import base64
from typing import Any

BASE = "DC=ad,DC=contoso,DC=example"
READER = "svc-recon"
READER_PASSWORD = "Lies-Mich-1"
VICTIM_PASSWORD = "Ｏpfer-Pässwort-№1ª"  # letters that SASLprep would change
COUNT = 280

# OIDs of the Exchange schema, which a fresh domain does not have
EXCHANGE = [
    *((f"extensionAttribute{n}", f"1.2.840.113556.1.2.{422 + n}") for n in range(1, 11)),
    *((f"extensionAttribute{n}", f"1.2.840.113556.1.2.{588 + n}") for n in range(11, 16)),
    ("mailNickname", "1.2.840.113556.1.2.447"),
    ("targetAddress", "1.2.840.113556.1.2.352"),
]

Entry = dict[str, Any]


def password(text: str) -> list[str]:
    """A value of unicodePwd, as the provisioning script takes bytes."""
    return [base64.b64encode(f'"{text}"'.encode("utf-16-le")).decode()]


def user(cn: str, sam: str, unit: str = "People", *, later: tuple[str, ...] = (), **attributes: Any) -> Entry:
    """One user; a value is a str, a list of values, or bytes."""
    values: dict[str, list[Any]] = {
        "objectClass": ["user"],
        "sAMAccountName": [sam],
        "userPrincipalName": [f"{sam}@contoso.example"],
        "displayName": [cn.replace("\\", "")],
        "userAccountControl": ["512"],
        "unicodePwd": [password("Irgendwas-1")],
    }
    for name, value in attributes.items():
        name = name.replace("_", "-")
        many = value if isinstance(value, list) else [value]
        values[name] = [[base64.b64encode(one).decode()] if isinstance(one, bytes) else one for one in many]
    return {"dn": f"CN={cn},OU={unit},{{base}}", "attributes": values, "later": list(later)}


def entries() -> list[Entry]:
    """Units, users, contacts, computers, groups: in the order they can be added."""
    units = ["People", "Sales\\, EMEA", "Zürich", "東京", "Service", "Groups"]
    found: list[Entry] = [
        {"dn": f"OU={unit},{{base}}", "attributes": {"objectClass": ["organizationalUnit"]}} for unit in units
    ]
    found += [
        user("Recon Reader", READER, "Service", unicodePwd=[]),
        user("Jürgen Groß", "jgross", "Zürich", givenName="Jürgen", sn="Groß", mail="juergen.gross@contoso.example",
             employeeID="WD-000123", l="Zürich", c="CH", co="Schweiz", countryCode="756",
             streetAddress="Bahnhofstraße 1\r\n8001 Zürich",
             proxyAddresses=["SMTP:juergen.gross@contoso.example", "smtp:jgross@contoso.example",
                             "x500:/o=Contoso/cn=jgross", "sip:jgross@contoso.example"]),
        user("山田 太郎", "yamada", "東京", givenName="太郎", sn="山田", company="東京支店", preferredLanguage="ja-JP"),
        user("O'Brien\\, Zoë", "zobrien", "Sales\\, EMEA", givenName="Zoë", sn="O'Brien", mail="zoë@contoso.example",
             manager=f"CN=Jürgen Groß,OU=Zürich,{BASE}", employeeID="42"),
        user("Disabled Person", "disabled", userAccountControl="514", employeeID="514"),
        user("No Password Needed", "nopassword", userAccountControl="546"),
        user("Never Expires", "neverexpires", userAccountControl="66048"),
        user("Expired Person", "expired", accountExpires="132223104000000000"),
        user("Locked Person", "locked", later=("lockoutTime",), lockoutTime="133485408000000000",
             badPwdCount="9"),
        user("Must Change", "mustchange", pwdLastSet="0"),
        user("Last Seen", "lastseen", lastLogonTimestamp="133485408001234567"),
        user("Anchored Person", "anchored", mS_DS_ConsistencyGuid=bytes(range(16)),
             altSecurityIdentities=["X509:<I>DC=example,DC=contoso,CN=CA<SR>1200000000AC11000000002B",
                                    "X509:<RFC822>anchored@contoso.example"],
             extensionAttribute1="private@example.net", extensionAttribute15="fünfzehn",
             mailNickname="anchored", targetAddress="SMTP:anchored@contoso.onmicrosoft.example"),
        user("Moved Person", "moved",
             sIDHistory=base64.b64decode("AQUAAAAAAAUVAAAA0dZDeTNvR+t30dazLXYMAA==")),
        user("Blank Person", "blanks", department=" Sales ", title="   ", mail="blank person@contoso.example",
             telephoneNumber="+49 30 1234"),
        user("Service Account", "svc-sql", "Service",
             servicePrincipalName=["MSSQLSvc/db1.contoso.example:1433", "MSSQLSvc/db1.contoso.example"],
             adminCount="1", description="Runs the database"),
        user("Victim", "victim", unicodePwd=[]),
        user("Cloud Extended", "cloudext", objectClass=["user", "msDS-cloudExtensions"],
             msDS_cloudExtensionAttribute1="20230212100000.0Z", msDS_cloudExtensionAttribute20="zwanzig"),
    ]  # fmt: skip
    for entry in found:
        if entry["attributes"].get("sAMAccountName") == [READER]:
            entry["attributes"]["unicodePwd"] = [password(READER_PASSWORD)]
        if entry["attributes"].get("sAMAccountName") == ["victim"]:
            entry["attributes"]["unicodePwd"] = [password(VICTIM_PASSWORD)]
    found += [
        user(f"Person {n:03}", f"person{n:03}", givenName="Person", sn=f"Nummer {n}",
             mail=f"person{n:03}@contoso.example", employeeID=f"{n:06}", department=f"Dept {n % 7}",
             extensionAttribute1=f"person{n:03}@example.net",
             proxyAddresses=[f"SMTP:person{n:03}@contoso.example", f"smtp:p{n:03}@contoso.example"])
        for n in range(COUNT)
    ]  # fmt: skip
    people = [entry["dn"] for entry in found if entry["attributes"].get("sAMAccountName")]
    found.append(
        {
            "dn": "CN=Contact Müller,OU=People,{base}",
            "attributes": {
                "objectClass": ["contact"], "mail": ["mueller@example.org"], "sn": ["Müller"],
                "displayName": ["Contact Müller"], "proxyAddresses": ["SMTP:mueller@example.org"],
            },
        }
    )  # fmt: skip
    found.append(
        {
            "dn": "CN=PC1,CN=Computers,{base}",
            "attributes": {
                "objectClass": ["computer"], "sAMAccountName": ["PC1$"], "userAccountControl": ["4096"],
                "dNSHostName": ["pc1.ad.contoso.example"], "operatingSystem": ["Windows 11 Enterprise"],
                "servicePrincipalName": ["HOST/pc1.ad.contoso.example"],
            },
        }
    )  # fmt: skip
    found.append(_group("Everybody", "-2147483646", people))
    found.append(_group("Verteiler Süd", "2", people[:3], mail="sued@contoso.example"))
    found.append(_group("Empty", "-2147483640", []))
    found.append(
        _group("Nested", "-2147483644", ["CN=Everybody,OU=Groups,{base}", "CN=Contact Müller,OU=People,{base}"])
    )
    return found


def _group(cn: str, kind: str, members: list[str], **attributes: str) -> Entry:
    values = {"objectClass": ["group"], "sAMAccountName": [cn], "groupType": [kind]}
    values |= {name: [value] for name, value in attributes.items()}
    if members:
        values["member"] = members
    return {"dn": f"CN={cn},OU=Groups,{{base}}", "attributes": values}

"""Companies that hypothesis makes, hostile in every value, held as the three systems would send them.

A `MadeCompany` holds raw LDAP entries, Graph users and groups, and HR records; `hold` writes it into a store through
the loaders' own conversions. An oracle reads the raw records alone and knows nothing of keys, views or SQL. Times are
those of tests.support.estate. New kinds of objects are added here, so that all families share one generator.
"""

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st
from sqlalchemy import delete, insert

from recon.config import Sspr, WorkerSource
from recon.decode.guid import guid_text, immutable_id
from recon.decode.keys import EmployeeIdRules
from recon.decode.sid import sid_text
from recon.objects import TABLES, Row
from recon.sources.ad import RowMaker, member_row, with_member_count
from recon.sources.entra_reports import sign_in_row
from recon.sources.entra_rows import GroupRows, UserRows
from recon.sources.entra_rows import member_row as entra_member_row
from recon.sources.worker_columns import map_columns
from recon.sources.worker_rows import WorkerRows
from recon.store import Store
from recon.store.tables import LOADED, source, source_link
from tests.support.company_accounts import populate as populate_accounts
from tests.support.company_groups import NO_END, group_rows, hold_site, populate
from tests.support.company_sync import HIRE, disturb, hold_anchors

AD, ENTRA, WORKERS, MIM = 1, 2, 3, 4
BASE = "DC=contoso,DC=example"
HEADERS = ("WorkerID", "EmployeeID", "WorkerStatus", "FullName", "HireDate", "TerminationDate", "PersonalEmail",
           "CountryCode")  # fmt: skip
_LOADED_AT = "2026-03-01 12:00:00.000000"
_STARTED = {AD: ("ad", "01:00", "01:10"), ENTRA: ("entra", "05:00", "05:20"), WORKERS: ("workers", "00:30", "00:35"),
            MIM: ("mim", "00:20", "00:25")}  # fmt: skip

Entry = tuple[str, dict[str, list[bytes]]]


@dataclass
class MadeCompany:
    """`ad`: table, and entries of it by distinguished name, attributes in lower case. `entra_members`: (group, member).

    `unread`: guids and ids of groups whose members could not be read. `entra_deleted`: (user or group, object).
    `entra_before`: (load that no longer had it, alive or kind of deleted object, object). `role_members`: (role,
    member, is eligible). `critical`, `sspr`: what the site says. `mim_roles`: role and SID; `mim_runs`: its history.
    `anchors_before`: (table, guid or id, source anchor that an earlier load saw).
    """

    ad: dict[str, list[Entry]] = field(
        default_factory=lambda: {"ad_user": [], "ad_group": [], "ad_computer": [], "ad_contact": []}
    )
    entra_users: list[dict[str, Any]] = field(default_factory=list)
    entra_groups: list[dict[str, Any]] = field(default_factory=list)
    entra_members: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    workers: list[dict[str, str]] = field(default_factory=list)
    sign_ins: list[dict[str, Any]] = field(default_factory=list)
    unread: set[str] = field(default_factory=set)
    entra_deleted: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    entra_before: list[tuple[int, str, dict[str, Any]]] = field(default_factory=list)
    roles: list[dict[str, Any]] = field(default_factory=list)
    role_members: list[tuple[str, dict[str, Any], bool]] = field(default_factory=list)
    owners: list[tuple[str, dict[str, Any]]] | None = None  # of groups of the tenant; None: not loaded
    critical: list[dict[str, str | None]] = field(default_factory=list)
    sspr: Sspr = field(default_factory=Sspr)
    mim_roles: dict[str, bytes] = field(default_factory=dict)
    mim_runs: list[dict[str, Any]] = field(default_factory=list)
    anchors_before: list[tuple[str, str, str | None]] = field(default_factory=list)

    def users(self) -> Iterator[tuple[str, dict[str, list[bytes]]]]:
        """(guid, attributes) of the AD users."""
        return ((guid_text(raw["objectguid"][0]), raw) for _, raw in self.ad["ad_user"])


# ---- values -------------------------------------------------------------------------------------------

# one name in many spellings: case, composed and decomposed accents, sharp s, dotless i, ligature, emoji, blanks
LOCALS = (
    "anna", "Anna", "ANNA", "änna", "Änna", "a\u0308nna", "A\u0308NNA", "ánna", "straße", "STRASSE", "ınce", "İnce",
    "ince", "ﬁn", "fin", "🦊", "🦊🦊", "o'brien", "anna\u00a0", "1", "Ångström", "A\u030angström", "Å",
)  # fmt: skip
DOMAINS = ("contoso.example", "CONTOSO.EXAMPLE", "con_toso.example", "fabrikam.example", "corp.local", "contoso")
IDS = ("E1", "e1", "E1 ", " E1", "01", "1", "É1", "E\u03011", "E2", " ", "", "🦊")


def _encoded(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode()


mails = st.builds("{}@{}".format, st.sampled_from(LOCALS), st.sampled_from(DOMAINS)) | st.sampled_from(
    ("", " ", "anna", "a@b@contoso.example", " anna@contoso.example", "anna@contoso.example ")
)
proxies = st.builds("{}:{}".format, st.sampled_from(("SMTP", "smtp", "sip", "x500", "X400")), mails)
flags = st.sampled_from((512, 514, 544, 546, 66048, 512 + 524288, 512 + 4194304, 512 + 16777216, 8389120, 530))


def _sid(*subs: int, authority: bytes = bytes(5) + b"\x05") -> bytes:
    return bytes((1, len(subs))) + authority + b"".join(sub.to_bytes(4, "little") for sub in subs)


sids = st.builds(
    lambda authority, subs: _sid(*subs, authority=authority),
    st.sampled_from((bytes(5) + b"\x05", b"\0\x01\0\0\0\0", b"\xff" * 6)),
    st.sampled_from(((), (21, 1, 2, 3, 1001), (21, 1, 2, 3, 1002), tuple(range(15)), (2**32 - 1,) * 15)),
)
_RIDS = st.sampled_from((499, 500, 502, 512, 513, 515, 516, 518, 519, 520, 526, 527, 1512, 2**32 - 1))
former_sids = st.one_of(
    sids,
    st.builds(lambda rid, parents: _sid(21, *parents, rid), _RIDS, st.sampled_from(((1, 2, 3), (1, 2), (1, 2, 3, 4)))),
    st.builds(lambda rid: _sid(32, rid), st.sampled_from((543, 544, 545, 547, 548, 549, 550, 551, 552, 553))),
)
hires = st.sampled_from(
    ("20230212100000.0Z", "20230212", " 20230212100000.0Z", "20230230100000.0Z", "20240229235959.1234567Z", "🦊",
     "2023-02-12T10:00:00Z", "anna@contoso.example", "20230212100000.0Z\u00a0", "20230212250000.0Z")
)  # fmt: skip
certificate_mappings = st.sampled_from(
    ("X509:<I>DC=com,CN=CA<SR>12AB", "x509:<i>dc=com,cn=ca<sr>12ab", "X509:<SKI>0aFF", "X509:<S>CN=Änna",
     "X509:<S>CN=a\u0308nna", "X509:<RFC822>anna@contoso.example", "X509:<I>CN=CA<S>CN=🦊", "X509:<I>CN=CA<SR>123",
     "X509:<PN>anna", "Kerberos:anna@X", "anna", "X509:<I>CN=CA,DC=contoso,DC=com<SR>12ab",
     "X509:<I>C=DE,O=X,CN=CA<SR>12AB",
     "x509:<i>CN=CA,O=Contoso<sr>0B", "X509:<I>CN=CA,DC=com<S>CN=anna", "X509:<I><S>CN=anna",
     "X509:<SKI>0aF", "X509:",
     f"X509:<SHA1-PUKEY>{'0b' * 20}", f"X509:<SHA1-PUKEY>{'0b' * 19}", "X509:<S>CN=anna<I>CN=CA", "X509:anna")
)  # fmt: skip
REFUSALS = (
    [{"category": "PropertyConflict"}],
    [{"category": "PropertyConflict", "propertyCausingError": "ProxyAddresses", "value": "SMTP:🦊@contoso.example"},
     {"category": "Other", "propertyCausingError": "UserPrincipalName", "value": None}],
)  # fmt: skip
filetimes = st.sampled_from((None, "0", str(2**63 - 1), "133000000000000000", "134168000000000000", "-5", "x"))
COUNTRIES = ("", "DE", "GB")
dates = st.sampled_from(("", "2020-01-01", "2026-02-20", "2026-03-01", "2026-03-02", "2026-03-09", "soon"))


def maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """A value, or None for none."""
    return st.none() | values


@st.composite
def companies(draw: st.DrawFn) -> MadeCompany:
    """A handful of people whose records agree, nearly agree or collide."""
    made = MadeCompany()
    guids = [bytes((number, 1)) + bytes(13) + bytes((number,)) for number in range(1, 9)]
    for number in range(draw(st.integers(0, 5))):
        made.ad["ad_user"].append(_ad_user(draw, guids[number], number, guids))
    for number in range(draw(st.integers(0, 2))):
        made.ad["ad_group"].append(_ad_group(draw, guids[5 + number], number, [dn for dn, _ in made.ad["ad_user"]]))
    for number in range(draw(st.integers(0, 1))):
        made.ad["ad_computer"].append(_ad_computer(draw, guids[7], number))
    for number in range(draw(st.integers(0, 4))):
        made.entra_users.append(_entra_user(draw, number, made, guids))
    for number in range(draw(st.integers(0, 3))):
        made.workers.append(_worker(draw, number))
    populate(draw, made)
    disturb(draw, made)
    populate_accounts(draw, made)
    return made


def _raw(attributes: dict[str, Any]) -> dict[str, list[bytes]]:
    """Attributes as LDAP sends them: lower-case names, lists of bytes, none where there is nothing."""
    lists = {name.lower(): value if isinstance(value, list) else [value] for name, value in attributes.items()}
    return {
        name: [_encoded(one) for one in value if one is not None] for name, value in lists.items() if value != [None]
    }


def _ad_user(draw: st.DrawFn, guid: bytes, number: int, guids: list[bytes]) -> Entry:
    dn = f"CN=User {number},OU=People,{BASE}"
    return dn, _raw({
        "objectClass": ["top", "user"], "objectGUID": guid, "cn": f"User {number}", "sAMAccountType": "805306368",
        "whenCreated": "20260301120000.0Z", "whenChanged": "20260301120000.0Z",
        "objectSid": draw(maybe(sids)), "userAccountControl": str(draw(flags)),
        "userPrincipalName": draw(maybe(mails)), "mail": draw(maybe(mails)),
        "employeeID": draw(maybe(st.sampled_from(IDS))),
        "sAMAccountName": draw(maybe(st.sampled_from(LOCALS))), "displayName": draw(maybe(st.sampled_from(LOCALS))),
        "mailNickname": draw(maybe(st.sampled_from(LOCALS))),
        "proxyAddresses": draw(st.lists(proxies, max_size=3, unique=True)),
        "targetAddress": draw(maybe(proxies)), "adminCount": draw(st.sampled_from((None, "0", "1"))),
        "isCriticalSystemObject": draw(st.sampled_from((None, None, "TRUE", "FALSE"))),
        "lastLogonTimestamp": draw(filetimes), "accountExpires": draw(filetimes), "pwdLastSet": draw(filetimes),
        "mS-DS-ConsistencyGuid": draw(maybe(st.sampled_from(guids))), HIRE: draw(maybe(hires)),
        "altSecurityIdentities": draw(st.lists(certificate_mappings, max_size=3, unique=True)),
        "sIDHistory": draw(st.lists(former_sids, max_size=2, unique=True)),
        "manager": draw(maybe(st.sampled_from((f"cn=USER 0, ou=people,{BASE.lower()}", f"CN=Gone,{BASE}")))),
    })  # fmt: skip


def _ad_group(draw: st.DrawFn, guid: bytes, number: int, members: list[str]) -> Entry:
    chosen = draw(st.lists(st.sampled_from(members), unique=True)) if members else []
    return f"CN=Group {number},OU=Groups,{BASE}", _raw({
        "objectClass": ["top", "group"], "objectGUID": guid, "cn": f"Group {number}", "sAMAccountType": "268435456",
        "groupType": "-2147483646", "mail": draw(maybe(mails)),
        "proxyAddresses": draw(st.lists(proxies, max_size=2, unique=True)),
        "sAMAccountName": draw(maybe(st.sampled_from(LOCALS))), "adminCount": draw(st.sampled_from((None, "1"))),
        "objectSid": draw(maybe(sids)), "member": chosen,
    })  # fmt: skip


def _ad_computer(draw: st.DrawFn, guid: bytes, number: int) -> Entry:
    return f"CN=PC{number},CN=Computers,{BASE}", _raw({
        "objectClass": ["top", "computer"], "objectGUID": guid, "cn": f"PC{number}", "sAMAccountType": "805306369",
        "userAccountControl": draw(st.sampled_from(("4096", "4098", "528384", "532480"))),
        "altSecurityIdentities": draw(st.lists(certificate_mappings, max_size=2, unique=True)),
    })  # fmt: skip


def _entra_user(draw: st.DrawFn, number: int, made: MadeCompany, guids: list[bytes]) -> dict[str, Any]:
    """Drawn freely, or what synchronization makes of an AD user, with single properties drawn again."""
    anchors = st.sampled_from([immutable_id(guid) for guid in guids] + [immutable_id(guids[0]).swapcase(), "", " "])
    user: dict[str, Any] = {
        "id": f"{number + 1:08d}-0000-4000-8000-000000000000", "accountEnabled": draw(st.booleans()),
        "userType": draw(st.sampled_from(("Member", "Member", "Guest"))), "createdDateTime": "2026-03-01T12:00:00Z",
        "onPremisesSyncEnabled": draw(st.sampled_from((True, True, None, False))),
        "onPremisesProvisioningErrors": draw(st.sampled_from(([], [], *REFUSALS))),
        "employeeHireDate": draw(st.sampled_from((None, "2023-02-12T10:00:00Z", "2023-02-13T10:00:00Z"))),
        "onPremisesLastSyncDateTime": "2026-03-01T12:00:00Z", "userPrincipalName": draw(maybe(mails)),
        "mail": draw(maybe(mails)), "employeeId": draw(maybe(st.sampled_from(IDS))), "displayName": "Somebody",
        "onPremisesImmutableId": draw(maybe(anchors)),
        "usageLocation": draw(st.sampled_from((None, "DE", "de", "UK", "", "fI", "f\u0131", "ß"))),
        "onPremisesSecurityIdentifier": draw(maybe(sids.map(sid_text))),
        "proxyAddresses": draw(st.lists(proxies, max_size=2, unique=True)),
        "otherMails": draw(st.lists(mails, max_size=2, unique=True)),
    }  # fmt: skip
    if made.ad["ad_user"] and draw(st.booleans()):
        _, raw = draw(st.sampled_from(made.ad["ad_user"]))
        if draw(st.booleans()):
            user["onPremisesImmutableId"] = immutable_id(raw.get("ms-ds-consistencyguid", raw["objectguid"])[0])
        for ours, its in (("userPrincipalName", "userprincipalname"), ("mail", "mail"), ("employeeId", "employeeid")):
            if draw(st.booleans()):
                user[ours] = raw[its][0].decode() if its in raw else None
    return user


def _worker(draw: st.DrawFn, number: int) -> dict[str, str]:
    return {
        "WorkerID": f"W{number}", "EmployeeID": draw(st.sampled_from(IDS)),
        "WorkerStatus": draw(st.sampled_from(("Active", "Terminated", "", "?"))),
        "FullName": draw(st.sampled_from(LOCALS)), "HireDate": draw(dates),
        "TerminationDate": draw(dates | st.just(NO_END)), "PersonalEmail": draw(st.just("") | mails),
        "CountryCode": draw(st.sampled_from(COUNTRIES)),
    }  # fmt: skip


# ---- into a store -------------------------------------------------------------------------------------


def _rows(company: MadeCompany) -> Iterator[tuple[int, Row]]:
    """Every row that the loaders would publish, with its source."""
    ids = EmployeeIdRules()
    for table, entries in company.ad.items():
        maker = RowMaker(table, extra=("userCertificate",))
        for dn, raw in entries:
            row = maker.row(dn, raw)
            is_read = guid_text(raw["objectguid"][0]) not in company.unread
            yield AD, with_member_count(row, len(raw.get("member", ())) if is_read else None)
            if table == "ad_group":
                yield from ((AD, member_row(guid_text(raw["objectguid"][0]), one)) for one in raw.get("member", ()))
    users, groups = UserRows(ids), GroupRows()
    yield from ((ENTRA, users.row(item)) for item in company.entra_users)
    for item in company.entra_groups:
        count = sum(group == item["id"] for group, _ in company.entra_members)
        yield ENTRA, groups.row(item, None if item["id"].lower() in company.unread else count)
    yield from ((ENTRA, entra_member_row(group.lower(), item)) for group, item in company.entra_members)
    yield from ((ENTRA, sign_in_row(item)) for item in company.sign_ins)
    yield from group_rows(company, ids)
    workers = WorkerRows(WorkerSource(file="workers.csv"), map_columns(HEADERS, {}, "workers.csv"), ids)
    yield from ((WORKERS, workers.row(record, number)) for number, record in enumerate(company.workers, 2))


def hold(store: Store, company: MadeCompany) -> None:
    """Make this company what the store holds, and nothing else."""
    rows: dict[str, list[dict[str, object]]] = {}
    for source_id, (name, values, children, _) in _rows(company):
        assert name != "load_reject", values
        for table, its in [(name, values), *((child, (values[0], *rest)) for child, rest in children)]:
            columns = [column.name for column in TABLES[table].columns]
            whole = dict(zip(columns, its, strict=True)) | {"source_id": source_id, "run_id": 1}
            if "row_hash" in LOADED[table].c:
                whole |= {"row_hash": b"\0" * 16, "loaded_at": _LOADED_AT}
            rows.setdefault(table, []).append(whole)
    with store.write() as connection:
        for table in LOADED.values():
            connection.execute(delete(table))
        for name, listed in rows.items():
            connection.execute(insert(LOADED[name]), listed)
        hold_site(connection, company)
        hold_anchors(connection, company)


def prepare(store: Store) -> None:
    """One AD source, one tenant and one HR system, linked and loaded; once for a store."""
    with store.write() as connection:
        for key, (kind, started, finished) in _STARTED.items():
            connection.execute(insert(source).values(
                source_id=key, kind=kind, name=kind, domain=kind,
                load_started_at=f"2026-03-02 {started}:00.000000", load_finished_at=f"2026-03-02 {finished}:00.000000",
            ))  # fmt: skip
        connection.execute(insert(source_link).values(ad_source_id=AD, entra_source_id=ENTRA, worker_source_id=WORKERS))


# ---- for oracles --------------------------------------------------------------------------------------


def same(text: str | bytes | None) -> str | None:
    """What a person would call the same text: case and spelling of accents aside, no blanks at the ends."""
    if text is None:
        return None
    plain = text.decode() if isinstance(text, bytes) else text
    bare = unicodedata.normalize("NFC", unicodedata.normalize("NFD", plain).casefold()).strip()
    return bare or None


def value(raw: dict[str, list[bytes]], attribute: str) -> str | None:
    """The single value of an attribute as text; '' is none."""
    return (raw[attribute.lower()][0].decode() or None) if raw.get(attribute.lower()) else None


def text_of(item: Mapping[str, Any], name: str) -> str | None:
    """A property of Graph as text; '' is none."""
    return item.get(name) or None


def number(raw: dict[str, list[bytes]], attribute: str) -> int | None:
    """The same as a number; None for what is none."""
    text = value(raw, attribute)
    return int(text) if text is not None and text.lstrip("-").isdigit() else None


def shared(values: Iterable[tuple[str, str | None]]) -> set[str]:
    """The owners, of (owner, key), whose key another owner has too."""
    owners: dict[str, set[str]] = {}
    for owner, key in values:
        if key is not None:
            owners.setdefault(key, set()).add(owner)
    return {owner for its in owners.values() if len(its) > 1 for owner in its}

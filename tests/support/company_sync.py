"""What hypothesis adds to a made company: contacts, values that synchronization refuses, certificates, hire and leave
dates, and the source anchors of former loads.

`disturb` works on the company that tests.support.companies has drawn; the rows are those that the loaders make.
"""

import base64
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

from cryptography import x509
from hypothesis import strategies as st
from sqlalchemy import Connection, delete, insert

from recon.decode.guid import guid_bytes, immutable_id
from recon.decode.keys import EmployeeIdRules
from recon.decode.sid import sid_text
from recon.objects import TABLES
from recon.sources.ad import RowMaker
from recon.sources.entra_rows import UserRows
from recon.store.tables import HISTORY
from tests.support.certificates import certificate, name, sid_extension
from tests.support.company_groups import NO_END

if TYPE_CHECKING:
    from tests.support.companies import MadeCompany

BASE = "DC=contoso,DC=example"
HIRE, LEAVE = "extensionAttribute1", "extensionAttribute2"
_SOURCE = {"ad_user": 1, "entra_user": 2}
_HOME = "anna@contoso.example"
_LONG = "x" * 44
MAILS = (
    _HOME, _HOME, "ANNA@CONTOSO.EXAMPLE", "anna@corp.local", "anna@Corp.LOCAL ", "änna@corp.lan",
    "a nna@contoso.example", "an\u0007na@contoso.example", ".anna@contoso.example",
    "an..na@contoso.example", "an(na@contoso.example", "@contoso.example", "anna@", "anna@contoso",
    "anna@contoso..example", "anna@-contoso.example",
    "anna@con_toso.example", "anna@10.1.1.1", "anna@contoso.example.", "anna", "a@b@contoso.example",
    "o'brien@contoso.example", "anna@local.com", "anna@contoso.example.local.", f"{'a' * 65}@contoso.example",
    f"a@{'.'.join([_LONG] * 5)}.{'y' * 20}.com",
    f"a@{'.'.join([_LONG] * 5)}.{'y' * 19}.com", "\tanna@contoso.example",
)  # fmt: skip
UPNS = (
    f"{'a' * 64}@{'b' * 44}.com", f"{'a' * 65}@contoso.example", f"a@{'b' * 45}.com", "anna.@contoso.example",
    "an$na@contoso.example", "an`na@contoso.example", "anna@con_toso.example", "anna@con'toso.example",
    ".anna@contoso.example",
    "anna@contoso.test", "anna@", "anna@corp", "@corp.local", "a@b@corp.local", "anna@contoso.example\u00a0",
    "~!#^anna@contoso.example",
)  # fmt: skip
PROXIES = (
    *(f"{prefix}:{_HOME}" for prefix in ("SMTP", "smtp", "sMtP", "SMTP", "sip", "X500", "x400")),
    "SMTP:Other@contoso.example",
    "SMTP:", "smtp:ANNA@contoso.example ", f" smtp:{_HOME}", f"smtp: {_HOME}", _HOME, f"{_HOME} ", "12:anna",
    "sip:an na@x",
    "sip:anna@x ", "sip:an\u0007na", f"sip:{'a' * 252}", f"sip:{'a' * 253}", f"{'a' * 257}",
    "X500:/o=a (b)/cn=\u0007 ", "EUM:1;x=y",
    f"smtp:{'a' * 59}@{'b.' * 94}com", f"smtp:{'a' * 59}@{'b.' * 94}comm",
)  # fmt: skip
PRIMARIES = (f"SMTP:{_HOME}", "SMTP:Anna@contoso.example ", f"smtp:{_HOME}", "SMTP:other@contoso.example", "SMTP:")
WORDS = ("Anna", "anna", "ANNA", "Änna", " Anna", "Anna\u00a0", "An\u0007na", "An\tna", "🦊" * 32, "🦊" * 33,
         "a" * 64, "a" * 65,
         "b" * 256, "b" * 257, ".anna", "anna.", "an na", "an!na", "", None, None, None)  # fmt: skip
SAMS = ("anna", "Anna", "a" * 20, "a" * 21, "an;na", "an na", "anna@x", " anna", "an\u0007na", None)
DATED = ("n/a", "🦊", "anna@contoso.example", " ", "01.03.2026", "20260301", "20260301240000.0Z")
AS_OF = datetime(2026, 3, 2, 5, 20, tzinfo=UTC)
_DAY = timedelta(days=1)
_UNTIL = (AS_OF + _DAY, AS_OF + _DAY, AS_OF + timedelta(seconds=1), AS_OF, AS_OF - _DAY)
_OTHER_SID = "S-1-5-21-9-9-9-1001"


class Said(NamedTuple):
    """What a certificate says: its SID, whether it holds on, and its strong mapping."""

    sid: str | None
    is_valid: bool
    strong: str


SAYS: dict[bytes, Said] = {}  # by the certificate


@cache
def _certificate(extension: str | None, tag: str | None, until: datetime, serial: int) -> bytes:
    """A certificate with a SID in the extension, in the tag of its subjectAltName, or with none."""
    data = certificate(
        subject=name("DC=com", "CN=Änna"), issuer=name("DC=com", "CN=CA"), serial=serial, until=until,
        sid=None if extension is None else sid_extension(extension.encode()),
        alternatives=() if tag is None else (
            x509.UniformResourceIdentifier(f"tag:microsoft.com,2022-09-14:sid:{tag}"),
        ),
    )  # fmt: skip
    written = f"{serial:06X}"
    strong = f"X509:<I>DC=com,CN=CA<SR>{written[4:6]}{written[2:4]}{written[:2]}"
    SAYS[data] = Said(extension or tag, until > AS_OF, strong)
    return data


def disturb(draw: st.DrawFn, made: "MadeCompany") -> None:
    """Add to a drawn company. One number is drawn: many draws would leave no room for many people."""
    seed = draw(st.integers(0, 2**32 - 1))
    if seed == 0:  # the simplest company has nothing of all this
        return
    chance = Random(seed)
    for number in range(chance.randint(0, 3)):
        made.ad["ad_contact"].append(_contact(chance, number))
    for table in ("ad_user", "ad_group"):
        for _, raw in made.ad[table]:
            if chance.choice((True, True, False)):
                _spoil(chance, table, raw)
    hybrid = {user["displayName"]: user for user in made.entra_users}
    workers = {worker["FullName"]: worker for worker in made.workers}
    if chance.choice((True, False, False)):  # a name twice, which chance makes too seldom
        for _, raw in made.ad["ad_user"][-2:]:
            _set(raw, "sAMAccountName", _one(chance, SAMS[:2]))
            _set(raw, "userPrincipalName")
    for dn, raw in made.ad["ad_user"]:
        _publish(chance, raw)
        person = raw["cn"][0].decode().removeprefix("Jörg ")
        if person in hybrid:
            _agree(chance, dn, raw, hybrid[person], workers.get(person, {}))
    for user in made.entra_users:
        place = chance.choice((None, *(dn for dn, _ in made.ad["ad_user"])))
        user.setdefault("onPremisesDistinguishedName", place)
    _former_anchors(chance, made)


def _one(chance: Random, values: tuple[Any, ...]) -> Any:
    return chance.choice(values)


def _set(raw: dict[str, list[bytes]], attribute: str, *values: str | None) -> None:
    """Give an attribute these values, or none."""
    raw.pop(attribute.lower(), None)
    held = [one.encode() for one in values if one is not None]
    if held:
        raw[attribute.lower()] = held


def _several(chance: Random, values: tuple[str, ...]) -> list[str]:
    return list(dict.fromkeys(chance.sample(values, chance.randint(0, 3))))


def _contact(chance: Random, number: int) -> tuple[str, dict[str, list[bytes]]]:
    raw = {"objectclass": [b"top", b"contact"], "objectguid": [bytes((0x80 + number,)) * 16], "cn": [b"Contact"]}
    mail = _one(chance, (None, _HOME, *MAILS))
    target = _one(chance, (None, None, None, None, f"SMTP:{mail}", f"smtp:{_HOME}", *PROXIES))
    for attribute in ("displayName", "givenName", "sn", "mailNickname"):
        _set(raw, attribute, _one(chance, WORDS))
    _set(raw, "mail", mail)
    _set(raw, "targetAddress", target)
    _set(raw, "proxyAddresses", *_several(chance, PROXIES))
    return f"CN=Contact {number},OU=Contacts,{BASE}", raw


def _spoil(chance: Random, table: str, raw: dict[str, list[bytes]]) -> None:
    """Values at the edge of what synchronization takes; the source anchor and the employee id stay."""
    names = (
        ("displayName", "givenName", "sn", "mailNickname") if table == "ad_user" else ("displayName", "mailNickname")
    )
    for attribute in names:
        if chance.random() < 0.5:
            _set(raw, attribute, _one(chance, WORDS))
    if chance.random() < 0.5:
        _set(raw, "mail", _one(chance, MAILS))
        _set(raw, "proxyAddresses", *_several(chance, _one(chance, (PROXIES, PROXIES, PRIMARIES))))
    if table == "ad_user" and chance.random() < 0.5:
        _set(raw, "targetAddress", _one(chance, (None, *PROXIES)))
        _set(raw, "sAMAccountName", _one(chance, SAMS))
        _set(raw, "userPrincipalName", _one(chance, (None, *UPNS)))


def _publish(chance: Random, raw: dict[str, list[bytes]]) -> None:
    """Certificates of the user: its own SID, another's, none; and bytes that are no certificate."""
    own = sid_text(raw["objectsid"][0]) if raw.get("objectsid", [b"\1\0"])[0][1] else None
    held = []
    for serial in range(0x2B0011, 0x2B0011 + _one(chance, (0, 0, 1, 2))):
        extension, tag = _one(chance, ((None, None), (None, None), (own, None), (_OTHER_SID, None), (None, _OTHER_SID),
                                     (own, _OTHER_SID), (_OTHER_SID, own)))  # fmt: skip
        held.append(_certificate(extension, tag, _one(chance, _UNTIL), serial))
    if held:
        raw["usercertificate"] = [*held, b"\x30\x03abc"]
        if chance.choice((True, False, False)):
            _set(raw, "altSecurityIdentities", "X509:<S>CN=anna")


def _written(at: datetime) -> str:
    return f"{at:%Y%m%d%H%M%S}.0Z"


def _agree(chance: Random, dn: str, raw: dict[str, list[bytes]], user: dict[str, Any], worker: dict[str, str]) -> None:
    """Dates, place and addresses of one person in AD and Entra: the same, nearly, or not."""
    for kind, attribute, entra in (("HireDate", HIRE, "employeeHireDate"),
                                   ("TerminationDate", LEAVE, "employeeLeaveDateTime")):  # fmt: skip
        said = worker.get(kind) or "soon"
        said = "soon" if said == NO_END else said
        day = datetime.fromisoformat(said if said != "soon" else "2026-03-01").replace(tzinfo=UTC)
        shift = timedelta(days=_one(chance, (0, 0, 0, 1, -1, 2, -2)), hours=_one(chance, (0, 9)))
        here = _one(chance, (_written(day + shift),) * 6 + (None, *DATED[:2], DATED[5]))
        _set(raw, attribute, here)
        there = day + shift + timedelta(seconds=_one(chance, (0, 0, 0, 0, 1)))
        user[entra] = _one(chance, (f"{there:%Y-%m-%dT%H:%M:%SZ}",) * 3 + (None,))
    user["onPremisesDistinguishedName"] = _one(
        chance, (dn, dn, dn.upper(), dn.replace(",", ", "), dn.replace("OU=People", "OU=Left"), None, "no name")
    )
    person = user["displayName"]
    addresses = (None, f"{person}@home.example", f"{person.lower()}@HOME.example", f"new.{person}@home.example")
    for addressed in (raw, user):
        mail, primary = _one(chance, addresses), _one(chance, addresses)
        proxies = [f"SMTP:{primary}"] if primary else []
        if addressed is raw:
            _set(raw, "mail", mail)
            _set(raw, "proxyAddresses", *proxies, f"smtp:{person}@home.example")
        else:
            user |= {"mail": mail, "proxyAddresses": proxies}
    if chance.random() < 0.2:  # a cloud user
        user |= {"onPremisesSyncEnabled": None, "onPremisesImmutableId": None}


def _former_anchors(chance: Random, made: "MadeCompany") -> None:
    """Source anchors that loads before saw: other ones, the same, none."""
    others = [None] + [immutable_id(bytes((number, 1)) + bytes(13) + bytes((number,))) for number in (1, 2)]
    for guid, raw in made.users():
        if chance.choice((True, False, False)):
            now = immutable_id(raw.get("ms-ds-consistencyguid", raw["objectguid"])[0])
            made.anchors_before.append(("ad_user", guid, chance.choice((now, *others))))
    for user in made.entra_users:
        for _ in range(chance.choice((0, 0, 1, 2))):
            anchor = user["onPremisesImmutableId"] or None
            former = chance.choice((anchor, anchor and anchor.swapcase(), *others))
            made.anchors_before.append(("entra_user", user["id"], former))


# ---- into a store -------------------------------------------------------------------------------------


def _former_rows(made: "MadeCompany") -> Iterator[tuple[str, tuple[object, ...]]]:
    makers = RowMaker("ad_user"), UserRows(EmployeeIdRules())
    for table, key, anchor in made.anchors_before:
        if table == "ad_user":
            # more bytes than an anchor may have are none
            held = bytes(17) if anchor is None else base64.b64decode(anchor)
            entry = {"objectguid": [guid_bytes(key)], "ms-ds-consistencyguid": [held]}
            yield table, makers[0].row(f"CN=Before,{BASE}", entry).values
        else:
            yield table, makers[1].row({"id": key, "onPremisesImmutableId": anchor}).values


def hold_anchors(connection: Connection, made: "MadeCompany") -> None:
    """The history of the users, and nothing of the company before."""
    for table in _SOURCE:
        connection.execute(delete(HISTORY[table]))
    for number, (table, values) in enumerate(_former_rows(made), 1):
        names = [column.name for column in TABLES[table].columns]
        whole = dict(zip(names, values, strict=True)) | {"row_id": number, "source_id": _SOURCE[table]}
        kept = {"row_hash": b"\0" * 16, "loaded_at": "2026-03-01 12:00:00.000000"}
        connection.execute(insert(HISTORY[table]).values(**whole, **kept, from_run=number - 1, to_run=number))

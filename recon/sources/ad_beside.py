"""The domain, its fine-grained password policies and deleted objects as rows: what stands beside people and groups.

Ages and durations are negative counts of 100 ns; none and the smallest number mean without end ([MS-ADTS] 6.1.1.4.1,
[MS-ADA2] msDS-MaximumPasswordAge). A value that cannot be read leaves its column NULL.
"""

from datetime import date

from recon.decode.guid import guid_text
from recon.decode.keys import dn_key, dn_parts, fold
from recon.errors import DecodeError
from recon.objects import TABLES, Row
from recon.sources.ad import Attributes, domain_name, reject_row
from recon.sources.ad_values import NotValidError, converter, sid, text

_TICKS_A_MINUTE, _MINUTES_A_DAY = 600_000_000, 1440
_NO_END = -(1 << 63)
_DAY_1970 = date(1970, 1, 1).toordinal()
_KINDS = (b"computer", b"user", b"group", b"contact")  # computers are users too


def asked_for(table: str) -> list[str]:
    """The attributes to ask a server for."""
    names = [column.attribute for column in TABLES[table].columns if column.attribute is not None]
    return [*names, *{"ad_deleted": ["objectClass"], "ad_password_policy": ["msDS-PSOAppliesTo"]}.get(table, [])]


def _values(table: str, dn: str, attributes: Attributes) -> dict[str, object]:
    found: dict[str, object] = dict.fromkeys(TABLES[table].position)
    for column in TABLES[table].columns:
        raw = attributes.get(column.attribute.lower(), ()) if column.attribute is not None else ()
        if raw:
            try:
                found[column.name] = converter(column)(raw[0])
            except NotValidError:
                continue
    guid = found["objectguid"]
    found["guid"] = guid_text(guid) if isinstance(guid, bytes) and len(guid) == 16 else None
    found["distinguishedname"] = found["distinguishedname"] or dn
    if isinstance(found.get("objectsid"), bytes):
        try:
            found["sid"] = sid(attributes["objectsid"][0])
        except NotValidError:
            found["objectsid"] = None
    return found


def _row(table: str, dn: str, found: dict[str, object], *children: tuple[str, tuple[object, ...]]) -> Row:
    if found["guid"] is None:
        return reject_row(table, dn, "no_objectguid", "the entry has no objectGUID that can be read")
    return Row(table, tuple(found.values()), children)


def minutes(ticks: object) -> int | None:
    """A duration in whole minutes; None without end."""
    return -ticks // _TICKS_A_MINUTE if isinstance(ticks, int) and _NO_END < ticks < 0 else None


def days(ticks: object) -> int | None:
    """A password's longest age in whole days; None without end."""
    found = minutes(ticks)
    return None if found is None else found // _MINUTES_A_DAY


def domain_row(dn: str, attributes: Attributes, forest: Attributes) -> Row:
    """The row of the domain's head; `forest`: the object CN=Directory Service with the lifetimes of what is deleted."""
    lifetimes: Attributes = {
        name: forest[name] for name in ("tombstonelifetime", "msds-deletedobjectlifetime") if name in forest
    }
    found = _values("ad_domain", dn, {**attributes, **lifetimes})
    found["dns_name"] = domain_name(dn)
    found["max_password_days"] = days(found["maxpwdage"])
    found["lockout_minutes"] = minutes(found["lockoutduration"])
    return _row("ad_domain", dn, found)


def policy_row(dn: str, attributes: Attributes) -> Row:
    """The row of one fine-grained password policy, with what it is applied to."""
    found = _values("ad_password_policy", dn, attributes)
    found["max_password_days"] = days(found["msdsmaximumpasswordage"])
    found["lockout_minutes"] = minutes(found["msdslockoutduration"])
    children = []
    for position, raw in enumerate(sorted(attributes.get("msds-psoappliesto", ()))):
        try:
            name = text(raw)
        except NotValidError:
            continue
        children.append(("ad_password_policy_target", (position, name, dn_key(name or "", 850))))
    return _row("ad_password_policy", dn, found, *children)


def _last_name(dn: str) -> str | None:
    """The name before CN=Ada\\0ADEL:guid,CN=Deleted Objects,… ([MS-ADTS] 3.1.1.5.5.1.1).

    That of a conflict keeps its line feed and CNF:guid, as its cn does: it was not the object of the plain name.
    """
    try:
        return text(dn_parts(dn)[0][0][1].partition("\nDEL:")[0].encode())
    except (DecodeError, NotValidError):
        return None


def deleted_row(dn: str, attributes: Attributes) -> Row:
    """The row of one deleted object."""
    found = _values("ad_deleted", dn, attributes)
    classes = {value.lower() for value in attributes.get("objectclass", ())}
    kind = next((name for name in _KINDS if name in classes), None)
    found["object_type"] = None if kind is None else kind.decode()
    found["last_name"] = _last_name(dn)
    found["sam_key"] = fold(str(found["samaccountname"]), 256) if found["samaccountname"] else None
    when = found["whenchanged"]
    found["deleted_day"] = date.fromisoformat(when[:10]).toordinal() - _DAY_1970 if isinstance(when, str) else None
    return _row("ad_deleted", dn, found)

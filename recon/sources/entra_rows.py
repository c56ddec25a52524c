"""Graph's JSON objects as rows of recon.objects: typed columns, derived columns, children, defects.

Nothing a tenant sends makes a load fail: a value of another type, an unknown enum member or an impossible time
becomes NULL and a row of entra_value_defect (attribute named as our column); unknown properties are left alone.
A property that the answer does not contain is not empty: what it would have told stays unknown (NULL).

Defects: not_text, not_true_or_false, not_a_list, not_an_object, bad_time, bad_sid, empty, too_long,
unknown_country, and those of recon.decode.mail for otherMails (whose value is masked in the defect).
"""

from collections.abc import Iterable
from typing import Any

from recon import objects
from recon.decode.country import is_country_code
from recon.decode.keys import EmployeeIdRules, cut_units, dn_key, employee_id_key, fold, proxy_parts, upn_suffix
from recon.decode.mail import mail_defects
from recon.decode.mask import mask_mail
from recon.decode.sid import canonical_sid
from recon.decode.times import day
from recon.errors import DecodeError
from recon.objects import Row
from recon.sources.entra_values import (
    Child,
    Columns,
    Defects,
    Members,
    is_longer,
    records_of,
    texts_of,
    time_of,
)

# properties of a user that become children, in the order of their tables
USER_COLLECTIONS = (
    "otherMails",
    "proxyAddresses",
    "businessPhones",
    "imAddresses",
    "identities",
    "assignedLicenses",
    "onPremisesProvisioningErrors",
)
GROUP_COLLECTIONS = ("groupTypes", "proxyAddresses")


def properties_of(table: str, further: Iterable[str]) -> tuple[str, ...]:
    """The Graph properties that fill a table: those of its columns, then `further`, each once; for $select."""
    names = [column.attribute.split(".")[0] for column in objects.TABLES[table].columns if column.attribute]
    return tuple(dict.fromkeys([*names, *further]))


USER_PROPERTIES = properties_of("entra_user", USER_COLLECTIONS)
GROUP_PROPERTIES = properties_of("entra_group", GROUP_COLLECTIONS)


def reject(table: str, key: str | None, source_row: int | None, reason: str, detail: str | None = None) -> Row:
    """One row of load_reject: a record that was read and is not published."""
    return Row(
        "load_reject", (table, key and cut_units(key, 450), source_row, reason, detail and cut_units(detail, 1000))
    )


DELETED, ROLE, ROLE_MEMBER = "entra_deleted", "entra_role", "entra_role_member"
OWNER = "entra_group_owner"

_IDENTITY = Members("entra_user_identity", "identities", ("signInType", "issuer", "issuerAssignedId"))
_LICENSE = Members("entra_user_license", "assignedlicenses", ("skuId",))
_SYNC_ERROR = Members(
    "entra_user_provisioningerror", "onpremisesprovisioningerrors", ("category", "propertyCausingError", "value")
)


def _sid(value: str | None, defects: Defects) -> str | None:
    if value is None:
        return None
    try:
        return canonical_sid(value)
    except DecodeError:
        defects.add("onpremisessecurityidentifier", "bad_sid", value)
        return None


def _proxies(table: str, item: dict[str, Any], defects: Defects) -> tuple[list[Child], str | None]:
    """The rows of proxyAddresses, and the primary SMTP address among them."""
    rows: list[Child] = []
    primary = None
    for position, value in texts_of(item, "proxyAddresses", defects):
        prefix, address = proxy_parts(value)
        # the case of the prefix is the meaning: SMTP is the primary address, smtp another one
        if prefix == "SMTP" and primary is None and address and not is_longer(address, 1024):
            primary = address
        rows.append((table, (position, value, fold(value, 450), prefix, address or None)))
    return rows, primary


def object_id(item: Any) -> str | None:
    """The id of a Graph object in lower case; None when it has none that could be a key."""
    value = item.get("id") if type(item) is dict else None
    return value.lower() if type(value) is str and 0 < len(value) <= 36 else None


class UserRows:
    """Turns the users of one tenant into rows. `ids`: how an employee id is made comparable."""

    def __init__(self, ids: EmployeeIdRules) -> None:
        self._ids = ids
        self._columns = Columns("entra_user", derived=frozenset({"id"}))
        self._place = self._columns.place

    def row(self, item: Any, source_row: int | None = None) -> Row:
        """The row of one user, or one of load_reject for what is no user object."""
        key = object_id(item)
        if key is None:
            return reject("entra_user", None, source_row, "no_id", "a user without a usable id")
        found = Defects()
        values = self._columns.read(item, found)
        place = self._place
        values[place["id"]] = key
        self._derive(item, values, found)
        children: list[Child] = []
        _other_mails(item, values, place, children, found)
        proxies, primary = _proxies("entra_user_proxyaddress", item, found)
        children += proxies
        values[place["smtp_primary"]] = primary
        values[place["smtp_primary_key"]] = fold(primary, 450)
        _plain_children("entra_user_businessphone", item, "businessPhones", children, found)
        _plain_children("entra_user_imaddress", item, "imAddresses", children, found)
        for position, record in records_of(item, "identities", found):
            children.append(("entra_user_identity", (position, *_IDENTITY.read(record, found))))
        for position, record in records_of(item, "assignedLicenses", found):
            (sku,) = _LICENSE.read(record, found)
            children.append(("entra_user_license", (position, sku and sku.lower())))
        for position, record in records_of(item, "onPremisesProvisioningErrors", found):
            occurred = record.get("occurredDateTime")
            at = None
            if occurred is not None:
                at = time_of("onpremisesprovisioningerrors_occurreddatetime", occurred, found, position)
            children.append(("entra_user_provisioningerror", (position, *_SYNC_ERROR.read(record, found), at)))
        if found.rows:
            children += _without_repeats(found.rows)
        return Row("entra_user", tuple(values), tuple(children))

    def _derive(self, item: dict[str, Any], values: list[Any], found: Defects) -> None:
        place = self._place
        upn = values[place["userprincipalname"]]
        values[place["upn_key"]] = fold(upn, 450)
        values[place["upn_suffix"]] = _bounded(upn_suffix(upn), 256)
        values[place["mail_key"]] = fold(values[place["mail"]], 256)
        if "userType" in item:
            kind = values[place["usertype"]]
            values[place["is_guest"]] = int(kind is not None and kind.lower() == "guest")
        values[place["is_enabled"]] = values[place["accountenabled"]]
        values[place["employeeid_key"]] = employee_id_key(values[place["employeeid"]], self._ids)
        values[place["usagelocation_known"]] = int("usageLocation" in item)
        location = values[place["usagelocation"]]
        if location is not None and not (location.isascii() and is_country_code(location.upper())):
            found.add("usagelocation", "unknown_country", location)
        created = values[place["createddatetime"]]
        if created is not None:
            values[place["created_day"]] = day(created)
        _derive_synced(item, values, place, found)
        values[place["onpremises_dn_key"]] = dn_key(values[place["onpremisesdistinguishedname"]], 850)
        values[place["onpremises_upn_key"]] = fold(values[place["onpremisesuserprincipalname"]], 450)


class GroupRows:
    """Turns the groups of one tenant into rows."""

    def __init__(self) -> None:
        self._columns = Columns("entra_group", derived=frozenset({"id"}))
        self._place = self._columns.place

    def row(self, item: Any, member_count: int | None, source_row: int | None = None) -> Row:
        """The row of one group, or one of load_reject. `member_count`: direct members as read, None: not read."""
        key = object_id(item)
        if key is None:
            return reject("entra_group", None, source_row, "no_id", "a group without a usable id")
        found = Defects()
        values = self._columns.read(item, found)
        place = self._place
        values[place["id"]] = key
        values[place["name_key"]] = fold(values[place["displayname"]], 256)
        values[place["mail_key"]] = fold(values[place["mail"]], 256)
        if "groupTypes" in item:
            kinds = {kind.lower() for _, kind in texts_of(item, "groupTypes", found)}
            values[place["is_unified"]] = int("unified" in kinds)
            values[place["is_dynamic"]] = int("dynamicmembership" in kinds)
        _derive_synced(item, values, place, found)
        values[place["member_count"]] = member_count
        proxies, _ = _proxies("entra_group_proxyaddress", item, found)
        # defects are kept of users alone: entra_value_defect belongs to entra_user
        return Row("entra_group", tuple(values), tuple(proxies))


def member_row(group_id: str, item: Any, table: str = "entra_member") -> Row:
    """The row of one direct member, or owner, or one of load_reject. Only id and @odata.type are looked at."""
    key = object_id(item)
    if key is None:
        what = "an owner" if table == OWNER else "a member"
        return reject(table, group_id, None, "no_id", f"{what} without a usable id")
    return Row(table, (group_id, key, _type_name(item)))


def _type_name(item: dict[str, Any]) -> str | None:
    """user, group, device … of an object's @odata.type."""
    kind = item.get("@odata.type")
    name = kind.removeprefix("#").removeprefix("microsoft.graph.")[:64] if type(kind) is str else ""
    return name or None


class DeletedRows:
    """Turns deleted users and groups into rows. `ids`: how an employee id is made comparable."""

    def __init__(self, ids: EmployeeIdRules) -> None:
        self._ids = ids
        self._columns = Columns(DELETED, derived=frozenset({"id"}))
        self._place = self._columns.place

    def row(self, item: Any, kind: str, source_row: int | None = None) -> Row:
        """The row of one deleted object of type `kind` (user, group), or one of load_reject for what is none."""
        key = object_id(item)
        if key is None:
            return reject(DELETED, None, source_row, "no_id", f"a deleted {kind} without a usable id")
        found = Defects()  # not kept: entra_value_defect belongs to live users
        values = self._columns.read(item, found)
        place = self._place
        values[place["id"]] = key
        values[place["object_type"]] = kind
        values[place["name_key"]] = fold(values[place["displayname"]], 256)
        values[place["upn_key"]] = fold(values[place["userprincipalname"]], 450)
        values[place["mail_key"]] = fold(values[place["mail"]], 256)
        values[place["employeeid_key"]] = employee_id_key(values[place["employeeid"]], self._ids)
        if "onPremisesSyncEnabled" in item:
            values[place["is_synced"]] = int(values[place["onpremisessyncenabled"]] == 1)
        if kind == "group" and "groupTypes" in item:
            kinds = {text.lower() for _, text in texts_of(item, "groupTypes", found)}
            values[place["is_unified"]] = int("unified" in kinds)
        deleted = values[place["deleteddatetime"]]
        if deleted is not None:
            values[place["deleted_day"]] = day(deleted)
        return Row(DELETED, tuple(values))


class RoleRows:
    """Turns roles and their members into rows."""

    def __init__(self) -> None:
        self._columns = Columns(ROLE, derived=frozenset({"id"}))

    def role(self, item: Any, source_row: int | None = None) -> Row:
        """The row of one activated role, or one of load_reject."""
        key = object_id(item)
        if key is None:
            return reject(ROLE, None, source_row, "no_id", "a directory role without a usable id")
        values = self._columns.read(item, Defects())
        place = self._columns.place
        values[place["id"]] = key
        template = values[place["roletemplateid"]]
        values[place["roletemplateid"]] = template and template.lower()
        values[place["is_activated"]] = int(item.get("isActivated") is not False)
        return Row(ROLE, tuple(values))

    @staticmethod
    def member(role_id: str, item: Any, *, is_eligible: bool, source_row: int | None = None) -> Row:
        """The row of one member, or one of load_reject."""
        key = object_id(item)
        if key is None:
            return reject(ROLE_MEMBER, role_id, source_row, "no_id", "a member of a role without a usable id")
        return Row(ROLE_MEMBER, (role_id, key, _type_name(item), int(is_eligible)))


def _derive_synced(item: dict[str, Any], values: list[Any], place: dict[str, int], found: Defects) -> None:
    if "onPremisesSyncEnabled" in item:
        values[place["is_synced"]] = int(values[place["onpremisessyncenabled"]] == 1)
    values[place["sid"]] = _sid(values[place["onpremisessecurityidentifier"]], found)
    values[place["sam_key"]] = fold(values[place["onpremisessamaccountname"]], 256)


def _bounded(text: str | None, size: int) -> str | None:
    return None if text is None or is_longer(text, size) else text


def _plain_children(table: str, item: dict[str, Any], name: str, children: list[Child], found: Defects) -> None:
    for position, value in texts_of(item, name, found):
        children.append((table, (position, value, fold(value, 450))))


def _other_mails(
    item: dict[str, Any], values: list[Any], place: dict[str, int], children: list[Child], found: Defects
) -> None:
    """The rows of otherMails; their number counts values of any kind: one of them may not be overwritten."""
    raw = item.get("otherMails")
    if "otherMails" in item and (raw is None or type(raw) is list):
        values[place["othermails_count"]] = len(raw or ())
    for position, value in texts_of(item, "otherMails", found):
        masked = mask_mail(value)[:320]
        children.append(("entra_user_othermail", (position, value, fold(value, 450), masked or None)))
        for defect in mail_defects(value):
            found.add("othermails", defect, value if "@" in value else masked, position)


def _without_repeats(rows: list[Child]) -> list[Child]:
    """One row per attribute, position and defect: the table's key."""
    return list({row[1][:3]: row for row in rows}.values())

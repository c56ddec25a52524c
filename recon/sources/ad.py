"""Entries of Active Directory as rows: one conversion for LDAP and LDIF, so that both give the same rows.

An entry is its distinguished name and a mapping of lower-case attribute names to raw values. A value that is not
what its attribute says (no UTF-8, no SID, no number, no time) is never guessed and never ends a load: the column
stays NULL and the defect is told, for users, groups and contacts as a row of their own. Nothing here talks to a
server or a file. Long, because one conversion serves every table.
"""

import base64
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any

from recon.decode.guid import guid_text, immutable_id
from recon.decode.idfix import (
    address_defects,
    nickname_defects,
    parted_defects,
    proxy_defects,
    target_key,
    upn_defects,
    user_sam_defects,
)
from recon.decode.keys import (
    EmployeeIdRules,
    cut_units,
    dn_key,
    dn_key_and_path,
    dn_parts,
    employee_id_key,
    fold,
    proxy_parts,
    upn_suffix,
)
from recon.decode.text import printable
from recon.decode.times import filetime_text
from recon.decode.uac import is_disabled
from recon.errors import DecodeError
from recon.objects import TABLES, Row
from recon.sources.ad_certificates import CERTIFICATE, certificate_rows, mapping_columns
from recon.sources.ad_values import LOST, NotValidError, converter, own_texts, shown, sid, text, text_defects

Attributes = dict[str, list[bytes]]
Children = list[tuple[str, tuple[object, ...]]]  # (child table, values after the parent's key)
Defects = dict[tuple[str, int, str], bytes | str]  # (attribute, position, defect): value
Lost = dict[tuple[str, str, str], tuple[int, str]]  # (table, attribute, defect): number, first name

# attribute -> child table
CHILDREN: dict[str, dict[str, str]] = {
    "ad_user": {
        "proxyAddresses": "ad_user_proxyaddress",
        "altSecurityIdentities": "ad_user_altsecurityidentity",
        "servicePrincipalName": "ad_user_serviceprincipalname",
        "sIDHistory": "ad_user_sidhistory",
    },
    "ad_group": {"proxyAddresses": "ad_group_proxyaddress"},
    "ad_computer": {
        "altSecurityIdentities": "ad_computer_altsecurityidentity",
        "servicePrincipalName": "ad_computer_serviceprincipalname",
    },
    "ad_contact": {"proxyAddresses": "ad_contact_proxyaddress"},
}

_TICKS_A_DAY, _DAY_1970 = 864_000_000_000, 134_774  # FILETIME counts 100 ns since 1601-01-01
_CACHED_LENGTH = 512  # a hostile name may be long; the cache is not for it
_USER_TYPE, _COMPUTER_TYPE = b"805306368", b"805306369"
# FILETIME column: time column, day column
_MOMENTS = {
    "pwdlastset": ("pwd_last_set_at", "pwd_last_set_day"),
    "lastlogontimestamp": ("last_logon_at", "last_logon_day"),
    "accountexpires": ("account_expires_at", "account_expires_day"),
    "lockouttime": ("locked_out_at", None),
}
# text column: key column
_FOLDED = {
    "samaccountname": "sam_key",
    "userprincipalname": "upn_key",
    "mail": "mail_key",
    "mailnickname": "mailnickname_key",
    "smtp_primary": "smtp_primary_key",
}
# table: where the defects of its values stand; those of computers are only counted
DEFECT_TABLES = {
    "ad_user": "ad_value_defect",
    "ad_group": "ad_group_value_defect",
    "ad_contact": "ad_contact_value_defect",
}
# text column: what synchronization would refuse about it
_RULES = {
    "mail": address_defects,
    "userprincipalname": upn_defects,
    "mailnickname": nickname_defects,
    "targetaddress": proxy_defects,
}
_NAMES = {"manager": "manager_key", "managedby": "managedby_key"}


_kept_key = lru_cache(maxsize=16384)(dn_key)


def _other_key(dn: str, size: int | None) -> str | None:
    """The key of another object's name: a manager's stands in many entries."""
    return _kept_key(dn, size) if len(dn) < _CACHED_LENGTH else dn_key(dn, size)


def column_name(attribute: str) -> str:
    """The attribute as columns and ad_attribute spell it: lower case, hyphens dropped."""
    return attribute.lower().replace("-", "")


def requested_attributes(table: str, extra: Iterable[str] = ()) -> list[str]:
    """The attributes to ask a server for, once each, in their usual spelling."""
    names = [column.attribute for column in TABLES[table].columns if column.attribute is not None]
    names += CHILDREN[table]
    if table == "ad_group":
        names.append("member")
    known = {name.lower() for name in names}
    names += [name for name in dict.fromkeys(extra) if name.lower() not in known]
    return names


def table_of(attributes: Attributes) -> str | None:
    """The table an entry belongs to, by sAMAccountType and objectClass; None for every other object.

    805306368 is a user and 805306369 a computer (managed service accounts included); trusts are neither. An
    entry without sAMAccountType is judged by its classes alone.
    """
    account = attributes.get("samaccounttype")
    if account:
        if account[0] == _USER_TYPE:
            return "ad_user"
        if account[0] == _COMPUTER_TYPE:
            return "ad_computer"
    classes = {value.lower() for value in attributes.get("objectclass", ())}
    if b"group" in classes:
        return "ad_group"
    if b"contact" in classes:
        return "ad_contact"
    if account:
        return None
    if b"computer" in classes:
        return "ad_computer"
    return "ad_user" if b"user" in classes else None


def domain_name(dn: str) -> str | None:
    """The DNS name of the domain a distinguished name lies in: its DC parts; None without any."""
    try:
        labels = [name[0][1] for name in dn_parts(dn) if name[0][0].lower() == "dc"]
    except DecodeError:
        return None
    return ".".join(labels).lower() or None


# ---- rows ---------------------------------------------------------------------------------------------


class _Places:
    """Where the columns stand that are derived, or derived from; -1 where the table has no such column.

    Looked up by name in every row, they were a tenth of the time that a row takes.
    """

    def __init__(self, table: str) -> None:
        place = TABLES[table].position
        self.objectguid = place["objectguid"]
        self.distinguishedname = place["distinguishedname"]
        self.objectsid = place["objectsid"]
        self.dn_key = place["dn_key"]
        self.ou_path = place["ou_path"]
        self.sid = place["sid"]
        self.rid = place.get("rid", -1)
        self.useraccountcontrol = place.get("useraccountcontrol", -1)
        self.is_enabled = place.get("is_enabled", -1)
        self.targetaddress = place.get("targetaddress", -1)
        self.targetaddress_key = place.get("targetaddress_key", -1)
        self.smtp_primary = place.get("smtp_primary", -1)
        self.msdsconsistencyguid = place.get("msdsconsistencyguid", -1)
        self.guid_immutable_id = place.get("guid_immutable_id", -1)
        self.immutable_id = place.get("immutable_id", -1)
        self.userprincipalname = place.get("userprincipalname", -1)
        self.upn_suffix = place.get("upn_suffix", -1)
        self.employeeid = place.get("employeeid", -1)
        self.employeeid_key = place.get("employeeid_key", -1)


class RowMaker:
    """Turns entries of one table into rows. Made once per load: what can be looked up before, is.

    `extra` are further attributes for ad_attribute (users alone).
    """

    def __init__(self, table: str, ids: EmployeeIdRules | None = None, extra: Sequence[str] = ()) -> None:
        self.table = table
        self._ids = ids or EmployeeIdRules()
        columns = TABLES[table].columns
        self._at = _Places(table)
        self._width = len(columns)
        self._columns = {
            column.attribute.lower(): (place, converter(column), column.name, column.size)
            for place, column in enumerate(columns)
            if column.attribute is not None
        }
        # attribute: its place, its conversion (None: text), and the length up to which no text is too long
        self._plans = {
            name: (place, None if convert is text else convert, sys.maxsize if size is None else size // 2)
            for name, (place, convert, _, size) in self._columns.items()
        }
        self._children = {name.lower(): child for name, child in CHILDREN[table].items()}
        self._extra = {name.lower(): column_name(name) for name in extra} if table == "ad_user" else {}
        place = TABLES[table].position
        self._moments = [
            (place[raw], place[at], None if on is None else place[on], raw)
            for raw, (at, on) in _MOMENTS.items()
            if raw in place
        ]
        self._folded = [
            (place[source], place[key], columns[place[key]].size) for source, key in _FOLDED.items() if key in place
        ]
        self._rules = [(place[name], name, rule) for name, rule in _RULES.items() if name in place]
        if table == "ad_user":
            self._rules.append((place["samaccountname"], "samaccountname", user_sam_defects))
        self._defects = DEFECT_TABLES.get(table)
        self._dn_key_size = columns[place["dn_key"]].size
        self._names = [
            (place[source], place[key], columns[place[key]].size) for source, key in _NAMES.items() if key in place
        ]

    def row(self, dn: str, attributes: Attributes, found: Defects | None = None) -> Row:
        """The row of one entry; a row of load_reject where it has no objectGUID.

        Defects of values go into `found`; those of users, groups and contacts also become rows of their own.
        """
        defects: Defects = {} if found is None else found
        values, children = self._read(attributes, defects)
        if self._extra:
            children += self._own_attributes(attributes)
        place = self._at
        guid = values[place.objectguid]
        if not isinstance(guid, bytes):
            detail = "objectGUID is not 16 bytes" if attributes.get("objectguid") else "the entry has no objectGUID"
            return reject_row(self.table, dn, "no_objectguid", detail)
        values[0] = guid_text(guid)
        if values[place.distinguishedname] is None:
            values[place.distinguishedname] = dn
        self._derive(values, defects)
        if defects and self._defects is not None:
            children += [(self._defects, (*key, shown(value))) for key, value in defects.items()]
        children.sort()  # the order of attributes in an answer means nothing either; places are unique per table
        return Row(self.table, tuple(values), tuple(children))

    def _read(self, attributes: Attributes, defects: Defects) -> tuple[list[Any], Children]:
        """The columns that hold attributes, and the children, as they stand in the entry."""
        values: list[Any] = [None] * self._width
        children: Children = []
        plans = self._plans
        for name, raw in attributes.items():
            plan = plans.get(name)
            if plan is None:
                if name in self._children:
                    self._add_children(values, children, name, raw, defects)
                continue
            if len(raw) == 1:  # most values are alone and sound: no call for these
                at, convert, longest = plan
                one = raw[0]
                try:
                    if convert is not None:
                        values[at] = convert(one)
                        continue
                    value = one.decode()
                except ValueError:  # no UTF-8, or not valid: told below
                    value = ""
                if value and value.isprintable() and len(value) <= longest and value == value.strip():
                    values[at] = value
                    continue
            if raw:
                self._fill(values, self._columns[name], raw, defects)
        return values, children

    def _own_attributes(self, attributes: Attributes) -> Iterator[tuple[str, tuple[object, ...]]]:
        """Rows of the attributes that the site asked for."""
        for name, spelled in self._extra.items():
            raw = attributes.get(name, ())
            yield from (("ad_attribute", (spelled, *one)) for one in own_texts(raw))
            if spelled == CERTIFICATE:
                yield from (("ad_user_certificate", one) for one in certificate_rows(raw))

    def _fill(
        self,
        values: list[Any],
        column: tuple[int, Callable[[bytes], Any], str, int | None],
        raw: list[bytes],
        defects: Defects,
    ) -> None:
        place, convert, name, size = column
        try:
            value = convert(raw[0])
        except NotValidError as error:
            defects[name, 0, str(error)] = raw[0]
            return
        values[place] = value
        if convert is text and value:
            for defect in text_defects(name, value, size):
                defects[name, 0, defect] = value
        if len(raw) > 1:
            defects[name, 1, "several_values"] = raw[1]

    def _add_children(
        self,
        values: list[Any],
        children: Children,
        name: str,
        raw: list[bytes],
        defects: Defects,
    ) -> None:
        """Rows of a multi-valued attribute. Sorted: AD gives no order, and history must not see one."""
        table = self._children[name]
        convert = sid if name == "sidhistory" else text
        primary: list[str] = []
        for position, one in enumerate(sorted(raw)):
            try:
                value = convert(one)
            except NotValidError as error:
                defects[name, position, str(error)] = one
                continue
            if value is None:
                continue
            key = fold(value, 450)
            if key is None and value.strip():
                defects[name, position, "too_long"] = value
            if name != "proxyaddresses":
                further = mapping_columns(value) if name == "altsecurityidentities" else ()
                children.append((table, (position, value, key, *further)))
                continue
            prefix, address = proxy_parts(value)
            children.append((table, (position, value, key, prefix, address or None)))
            if prefix == "SMTP":
                primary.append(address)
            for defect in parted_defects(value, prefix, address):
                defects[name, position, defect] = value
        if len(primary) > 1:
            defects[name, 0, "several_primary"] = ", ".join(primary)
        elif primary and self._at.smtp_primary >= 0:
            values[self._at.smtp_primary] = primary[0] or None

    def _derive_sid(self, values: list[Any], defects: Defects) -> None:
        place = self._at
        raw_sid = values[place.objectsid]
        if raw_sid is not None:
            try:
                values[place.sid] = sid(raw_sid)
            except NotValidError as error:
                values[place.objectsid] = None
                defects["objectsid", 0, str(error)] = raw_sid
        if place.rid >= 0 and values[place.sid] is not None:
            values[place.rid] = last_rid(values[place.sid])

    def _derive(self, values: list[Any], defects: Defects) -> None:
        place = self._at
        self._derive_sid(values, defects)
        values[place.dn_key], values[place.ou_path] = dn_key_and_path(
            values[place.distinguishedname], self._dn_key_size
        )
        for key_of, pairs in ((_other_key, self._names), (fold, self._folded)):
            for source, target, size in pairs:
                if values[source] is not None:
                    values[target] = key_of(values[source], size)
        for at, name, rule in self._rules:
            value = values[at]
            if value is not None:
                for defect in rule(value):
                    defects[name, 0, defect] = value
        if place.targetaddress >= 0 and values[place.targetaddress] is not None:
            values[place.targetaddress_key] = target_key(values[place.targetaddress], 450)
        if place.is_enabled >= 0 and values[place.useraccountcontrol] is not None:
            values[place.is_enabled] = 0 if is_disabled(values[place.useraccountcontrol]) else 1
        self._derive_moments(values, defects)
        if self.table == "ad_user":
            self._derive_user(values, defects)

    def _derive_moments(self, values: list[Any], defects: Defects) -> None:
        for raw, at, on, name in self._moments:
            ticks = values[raw]
            if ticks is None:
                continue
            try:
                moment = filetime_text(ticks)
            except DecodeError:
                defects[name, 0, "bad_time"] = str(ticks)
                continue
            if moment is not None:
                values[at] = moment
                if on is not None:
                    values[on] = ticks // _TICKS_A_DAY - _DAY_1970

    def _derive_user(self, values: list[Any], defects: Defects) -> None:
        place = self._at
        anchor = values[place.msdsconsistencyguid]
        values[place.guid_immutable_id] = immutable_id(values[place.objectguid])
        if not anchor:
            values[place.msdsconsistencyguid] = None
            values[place.immutable_id] = values[place.guid_immutable_id]
        elif len(anchor) > 16:  # more than the attribute may hold: no anchor is better than a wrong one
            values[place.msdsconsistencyguid] = None
            defects["msdsconsistencyguid", 0, "bad_guid"] = base64.b64encode(anchor).decode("ascii")
        else:
            values[place.immutable_id] = immutable_id(anchor)
        values[place.upn_suffix] = upn_suffix(values[place.userprincipalname])
        values[place.employeeid_key] = employee_id_key(values[place.employeeid], self._ids)


def last_rid(sid_text: str) -> int | None:
    """The last sub-authority of a SID; None where it does not fit 31 bits, which no domain's RID exceeds."""
    number = sid_text.rpartition("-")[2]
    return int(number) if number.isdigit() and int(number) < 2**31 else None


def reject_row(table: str, key: str, reason: str, detail: str) -> Row:
    """A record that was read and is not published."""
    return Row("load_reject", (table, cut_units(printable(key), 450), None, reason, cut_units(printable(detail), 1000)))


def member_row(guid: str, raw: bytes) -> Row:
    """One direct member of the group `guid`; a row of load_reject where the value is no distinguished name."""
    try:
        dn = text(raw)
    except NotValidError as error:
        return reject_row("ad_member", f"{guid} {shown(raw)}", str(error), "member cannot be read")
    key = dn_key(dn, 850)
    if key is None:
        reason = "too_long" if dn_key(dn) else "bad_dn"
        return reject_row("ad_member", f"{guid} {shown(raw)}", reason, "member has no comparable name")
    return Row("ad_member", (guid, dn, key))


@lru_cache(maxsize=32)
def _maker(table: str, ids: EmployeeIdRules | None = None, extra: tuple[str, ...] = ()) -> RowMaker:
    return RowMaker(table, ids, extra)


def user_row(dn: str, attributes: Attributes, ids: EmployeeIdRules, extra: tuple[str, ...] = ()) -> Row:
    """The row of one user with its child values and defects; attribute names in lower case."""
    return _maker("ad_user", ids, extra).row(dn, attributes)


def group_row(dn: str, attributes: Attributes, member_count: int | None, found: Defects | None = None) -> Row:
    """The row of one group; its members are rows of their own (member_row)."""
    return with_member_count(_maker("ad_group").row(dn, attributes, found), member_count)


def with_member_count(row: Row, count: int | None) -> Row:
    """A group's row with the number of direct members that were read."""
    if row.table != "ad_group":
        return row
    place = TABLES["ad_group"].position["member_count"]
    return row._replace(values=(*row.values[:place], count, *row.values[place + 1 :]))


def computer_row(dn: str, attributes: Attributes, found: Defects | None = None) -> Row:
    """The row of one computer."""
    return _maker("ad_computer").row(dn, attributes, found)


def contact_row(dn: str, attributes: Attributes, found: Defects | None = None) -> Row:
    """The row of one contact."""
    return _maker("ad_contact").row(dn, attributes, found)


def count_lost(lost: Lost, table: str, dn: str, found: Defects) -> None:
    """Count the values that could not be read, for the warnings of a load."""
    for name, _, defect in found:
        if defect in LOST:
            count, first = lost.get((table, name, defect), (0, dn))
            lost[table, name, defect] = (count + 1, first)


def lost_warnings(lost: Lost) -> list[str]:
    """One line per table, attribute and defect."""
    return [
        f"{table}: {count} values of {name} left empty ({defect}), first in {printable(dn)}"
        for (table, name, defect), (count, dn) in sorted(lost.items())
    ]

"""Who is never written: the privileged and the members of the configured groups, direct and nested, on both sides.

The members of groups are walked here, level by level, and never cut, as the closures of a refresh may be; what is
privileged in Entra ID is read from table privileged_account, which a plan's loads are never newer than. A configured
name that fits no loaded group is an error: a deny list with a misspelt name protects nobody.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from sqlalchemy import Connection, and_, func, or_, select

from recon.decode.keys import fold
from recon.errors import ConfigError
from recon.store.match_tables import privileged_account
from recon.store.tables import LOADED

_CHUNK = 500  # values in one IN list


@dataclass(frozen=True, slots=True)
class Denied:
    """row_id of ad_user, and object id of entra_user, to the configured group that denies them."""

    ad: Mapping[int, str] = field(default_factory=dict)
    entra: Mapping[str, str] = field(default_factory=dict)


def _chunks(values: Iterable[Any]) -> Iterator[list[Any]]:
    stream = iter(values)
    while chunk := list(islice(stream, _CHUNK)):
        yield chunk


def _named(wanted: Mapping[str, str], *names: str | None) -> str | None:
    """The configured name that one of an object's names is."""
    return next((wanted[key] for name in names if (key := fold(name)) is not None and key in wanted), None)


def find_denied(
    connection: Connection, groups: Collection[str], ad_sources: Collection[int], entra_source: int
) -> Denied:
    """Every account that is in one of `groups` (object id, SID, distinguished, account or display name).

    Raises ConfigError when a name fits no group of the loaded directories.
    """
    wanted = {key: name for name in groups if (key := fold(name)) is not None}
    if not wanted:
        return Denied()
    ad_groups, primary = _ad_groups(connection, wanted, ad_sources)
    entra_groups = _entra_groups(connection, wanted, entra_source)
    missing = set(wanted.values()) - set(ad_groups.values()) - set(entra_groups.values())
    if missing:
        raise ConfigError(
            f"[backfill] denied_groups: no loaded group is called {', '.join(sorted(missing))}",
            hint="write the name as in table ad_group or entra_group, and load groups with members",
        )
    return Denied(
        _ad_users(connection, ad_groups, primary, ad_sources), _entra_users(connection, entra_groups, entra_source)
    )


# Domain, Schema and Enterprise Admins, Group Policy Creator Owners, Key Admins, Enterprise Key Admins
_ADMIN_RIDS = frozenset({"512", "518", "519", "520", "526", "527"})
# Administrators, Account, Server, Print and Backup Operators, Replicator
_ADMIN_SIDS = frozenset(f"S-1-5-32-{rid}" for rid in (544, 548, 549, 550, 551, 552))


def find_administrators(connection: Connection, ad_sources: Collection[int]) -> dict[int, str]:
    """row_id of ad_user to the group of administrators that it is in, directly or nested.

    adminCount tells it too, but only an hour or so later, and only where the directory's own task ran.
    """
    table = LOADED["ad_group"]
    groups, sids = {}, {}
    names = func.coalesce(table.c.samaccountname, table.c.cn)  # as in privileged_account
    rows = connection.execute(select(table.c.guid, table.c.sid, names).where(table.c.source_id.in_(ad_sources)))
    for guid, sid, name in rows:
        if sid is not None and (sid in _ADMIN_SIDS or (sid.count("-") == 7 and sid.rpartition("-")[2] in _ADMIN_RIDS)):
            groups[guid] = name or sid
            sids[sid] = name or sid
    return _ad_users(connection, groups, sids, ad_sources)


@dataclass(frozen=True, slots=True)
class Privileged:
    """row_id of ad_user to groups of administrators; object id of entra_user to roles, and to the
    role-assignable groups that it is in or owns."""

    ad: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    roles: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    role_groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def find_privileged(connection: Connection, ad_sources: Collection[int], entra_source: int) -> Privileged:
    """Who is privileged, directly, through nested groups or a primary group, active or eligible."""
    ad: dict[int, dict[str, None]] = {}
    roles: dict[str, dict[str, None]] = {}
    groups: dict[str, dict[str, None]] = {}
    for row_id, name in find_administrators(connection, ad_sources).items():
        ad.setdefault(row_id, {})[name] = None
    table = privileged_account.c
    columns = (
        table.object_type, table.account_row_id, table.object_key, table.reason, table.holder_key, table.holder_name,
        table.depth, table.is_eligible,
    )  # fmt: skip
    wanted = or_(
        and_(table.object_type == "ad_user", table.source_id.in_(ad_sources)),
        and_(table.object_type == "entra_user", table.source_id == entra_source),
    )
    for row in connection.execute(select(*columns).where(wanted).order_by(table.holder_name, table.holder_key)):
        name = row.holder_name or row.holder_key
        if row.object_type == "ad_user":
            ad.setdefault(row.account_row_id, {})[name] = None
            continue
        ways = (
            ("eligible", row.is_eligible),
            ("through a group", row.depth > 1),
            ("owner", row.reason.startswith("owner")),
        )
        how = [word for word, is_so in ways if is_so]
        told = f"{name} ({', '.join(how)})" if how else name
        (roles if row.reason == "directory role" else groups).setdefault(row.object_key, {})[told] = None
    return Privileged(
        {row_id: tuple(names) for row_id, names in ad.items()},
        {key: tuple(names) for key, names in roles.items()},
        {key: tuple(names) for key, names in groups.items()},
    )


def _ad_groups(
    connection: Connection, wanted: Mapping[str, str], sources: Collection[int]
) -> tuple[dict[str, str], dict[str, str]]:
    """guid to configured name, and SID to configured name (for members by primary group)."""
    table = LOADED["ad_group"]
    columns = (table.c.guid, table.c.sid, table.c.cn, table.c.name, table.c.samaccountname, table.c.distinguishedname)
    found, sids = {}, {}
    for row in connection.execute(select(*columns).where(table.c.source_id.in_(sources))):
        name = _named(wanted, *row)
        if name is not None:
            found[row.guid] = name
            if row.sid is not None:
                sids[row.sid] = name
    return found, sids


def _entra_groups(connection: Connection, wanted: Mapping[str, str], source: int) -> dict[str, str]:
    table = LOADED["entra_group"]
    columns = (table.c.id, table.c.displayname, table.c.sid, table.c.securityidentifier)
    rows = connection.execute(select(*columns).where(table.c.source_id == source))
    return {row.id: name for row in rows if (name := _named(wanted, *row)) is not None}


def _ad_users(
    connection: Connection, groups: dict[str, str], primary: dict[str, str], sources: Collection[int]
) -> dict[int, str]:
    member, group, user = LOADED["ad_member"], LOADED["ad_group"], LOADED["ad_user"]
    denied: dict[int, str] = {}
    seen = dict(groups)
    level = dict(groups)
    while level:
        below: dict[str, str] = {}
        for chunk in _chunks(level):
            nested = (
                select(member.c.guid, group.c.guid.label("inner"), group.c.sid)
                .join_from(member, group, group.c.dn_key == member.c.member_key)
                .where(member.c.guid.in_(chunk), member.c.source_id.in_(sources), group.c.source_id.in_(sources))
            )
            for row in connection.execute(nested):
                if row.inner not in seen:
                    seen[row.inner] = below[row.inner] = level[row.guid]
                    if row.sid is not None:
                        primary.setdefault(row.sid, level[row.guid])
            users = (
                select(member.c.guid, user.c.row_id)
                .join_from(member, user, user.c.dn_key == member.c.member_key)
                .where(member.c.guid.in_(chunk), member.c.source_id.in_(sources), user.c.source_id.in_(sources))
            )
            for guid, row_id in connection.execute(users):
                denied.setdefault(row_id, level[guid])
        level = below
    # members by primary group do not stand in `member` ([MS-ADTS] 3.1.1.4.5.34)
    for sid, name in primary.items():
        domain, _, rid = sid.rpartition("-")
        held = select(user.c.row_id, user.c.sid).where(user.c.primarygroupid == int(rid), user.c.source_id.in_(sources))
        for row_id, user_sid in connection.execute(held):
            if user_sid is not None and user_sid.rpartition("-")[0] == domain:
                denied.setdefault(row_id, name)
    return denied


def _entra_users(connection: Connection, groups: dict[str, str], source: int) -> dict[str, str]:
    member, group = LOADED["entra_member"], LOADED["entra_group"]
    denied: dict[str, str] = {}
    known = set(connection.scalars(select(group.c.id).where(group.c.source_id == source)))
    seen = set(groups)
    level = dict(groups)
    while level:
        below: dict[str, str] = {}
        for chunk in _chunks(level):
            rows = connection.execute(
                select(member.c.id, member.c.member_id).where(member.c.id.in_(chunk), member.c.source_id == source)
            )
            for row in rows:
                if row.member_id not in known:
                    denied.setdefault(row.member_id, level[row.id])
                elif row.member_id not in seen:
                    seen.add(row.member_id)
                    below[row.member_id] = level[row.id]
        level = below
    return denied

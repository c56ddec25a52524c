"""Writes the queries over history in sql/queries: as_of_*, changes_*, appeared, vanished, came_back.

Plain SQL cannot take a table's name as a parameter, so every loaded table has an as_of query of its own, with its
columns written out. `make sql` writes the files, they are committed, and a test holds them against this module.
Nothing here runs a statement; what is written are files that a person may read and run. The module is long because
half of it is their text.
"""

from collections.abc import Iterable
from pathlib import Path

from recon.catalog import data_folder
from recon.objects import TABLES, Column, Table

_RUN = (
    "-- param: run int number of a load (kept_loads lists them); every source as it was after its last load until then"
)
_AT = "-- param: at time instead of run: UTC, for example 2026-03-02 05:00"
_BETWEEN = """-- param: before int number of the load to compare from (kept_loads lists them), itself not included
-- param: before_at time instead of before: UTC, for example 2026-03-01
-- param: after int number of the load to compare up to, itself included
-- param: after_at time instead of after: UTC
"""
# compared attribute by attribute
_COMPARED = ("ad_user", "ad_group", "ad_computer", "ad_contact", "entra_user", "entra_group", "worker")
# byte-exact values stand apart: SQL Server keeps them in another collation, and they should never change
_ANCHORS = {
    "ad_user": ("immutable_id", "msdsconsistencyguid", "sid"),
    "ad_group": ("sid",),
    "ad_computer": ("sid",),
    "entra_user": ("onpremisesimmutableid", "sid"),
    "entra_group": ("sid",),
}
# not compared beside keys, days and what changes without meaning: they say again what another column says
_REPEATED = {
    "objectguid": "the key in bytes",
    "guid_immutable_id": "the key in base64",
    "objectsid": "sid in bytes",
    "rid": "the end of sid",
    "ad_contact.sid": "a contact has none",
    "usncreated": "a number of one domain controller: another has another for the same object",
    "pwdlastset": "pwd_last_set_at",
    "accountexpires": "account_expires_at",
    "lockouttime": "locked_out_at",
    "entra_user.is_enabled": "accountenabled",
    "is_guest": "usertype",
    "is_synced": "onpremisessyncenabled",
    "personal_mail_masked": "personal_mail",
    "country_code": "country",
}
# values of those, a child table each: its columns that are compared, and as which attribute. Not compared: parts of the
# value and what is read from it, the positions, and tables of value defects, because the values themselves are
_VALUES = {
    "ad_user_proxyaddress": {"value": "proxyaddresses"},
    "ad_user_altsecurityidentity": {"value": "altsecurityidentities"},
    "ad_user_serviceprincipalname": {"value": "serviceprincipalname"},
    "ad_user_sidhistory": {"value": "sidhistory"},
    "ad_user_certificate": {"strong_value": "certificate"},  # its issuer and serial number: all of it follows
    "ad_attribute": {"value": ""},  # the table names the attribute
    "ad_group_proxyaddress": {"value": "proxyaddresses"},
    "ad_computer_altsecurityidentity": {"value": "altsecurityidentities"},
    "ad_computer_serviceprincipalname": {"value": "serviceprincipalname"},
    "ad_contact_proxyaddress": {"value": "proxyaddresses"},
    "entra_user_othermail": {"value": "othermails"},
    "entra_user_proxyaddress": {"value": "proxyaddresses"},
    "entra_user_businessphone": {"value": "businessphones"},
    "entra_user_imaddress": {"value": "imaddresses"},
    "entra_user_license": {"skuid": "assignedlicenses"},
    "entra_user_identity": {
        "signintype": "identities.signintype",
        "issuer": "identities.issuer",
        "issuerassignedid": "identities.issuerassignedid",
    },
    "entra_user_provisioningerror": {
        "category": "onpremisesprovisioningerrors.category",
        "propertycausingerror": "onpremisesprovisioningerrors.propertycausingerror",
        "value": "onpremisesprovisioningerrors.value",
        "occurreddatetime": "onpremisesprovisioningerrors.occurreddatetime",
    },
    "entra_group_proxyaddress": {"value": "proxyaddresses"},
    "worker_prior_id": {"prior_id": "prior_id"},
    "worker_attribute": {"value": ""},
}
_BLOCK = 10  # columns that a CASE looks through at most: one over all of a wide table is most of the work
# not a key: SQL Server keeps keys in another collation, and takes no union of both. Tables without: the key is the name
_NAMES = {"ad_user": "displayname", "ad_group": "name", "ad_computer": "name", "ad_contact": "displayname",
          "ad_deleted": "last_name", "ad_domain": "distinguishedname", "ad_password_policy": "name",
          "entra_user": "displayname", "entra_group": "displayname", "entra_deleted": "displayname",
          "entra_role": "displayname", "entra_registration": "userprincipalname",
          "worker": "display_name", "mim_run": "run_profile_name"}  # fmt: skip
# link table: whose links they are
_OWNERS = {"ad_member": "ad_group", "entra_member": "entra_group", "entra_group_owner": "entra_group",
           "entra_role_member": "entra_role"}  # fmt: skip
_OBJECTS = tuple(table for table in TABLES.values() if table.kind == "object")


def _moment(name: str, run: str, at: str) -> str:
    return f"""{name} as (
    select
        r.source_id,
        max(r.run_id) as run_id
    from load_run as r
    inner join source as s on s.source_id = r.source_id
    where r.status = 'published' and (r.run_id <= :{run} or r.finished_at <= :{at})
    group by r.source_id
    having max(r.run_id) >= max(coalesce(s.history_run, 0))
)"""


def _meaning(text: str) -> str:
    lines, line = [], "-- meaning:"
    for word in text.split():
        if len(line) + len(word) > 110:
            lines.append(line)
            line = "--  "
        line = f"{line} {word}"
    return "\n".join([*lines, line])


def _columns(alias: str, names: Iterable[str]) -> str:
    return "".join(f"    {alias}.{name},\n" for name in names)


def _select(names: Iterable[str], alias: str, from_run: str, to_run: str) -> str:
    return f"select\n{_columns(alias, names)}    {from_run} as from_run,\n    {to_run} as to_run\n"


def _personal(columns: Iterable[Column]) -> str:
    return "-- personal: yes\n" if any(column.personal for column in columns) else ""


def as_of(table: Table) -> str:
    """The rows of one table as they were at a load."""
    names = (["row_id"] if table.kind == "object" else []) + ["source_id"] + [column.name for column in table.columns]
    meaning = _meaning(
        f"{table.grain} As it was after a load: of each source the last one until then; to_run is the load that "
        "replaced the row, NULL while it stands. A source whose history does not reach back so far is left out."
    )
    return f"""-- title: {table.name} as of a load
{meaning}
{_personal(table.columns)}{_RUN}
{_AT}
with {_moment("moment", "run", "at")}

{_select(names, "c", "c.run_id", "null")}from {table.name} as c
inner join moment as m on m.source_id = c.source_id
where c.run_id <= m.run_id
union all
{_select(names, "h", "h.from_run", "h.to_run")}from {table.name}_history as h
inner join moment as m on m.source_id = h.source_id
where h.from_run <= m.run_id and h.to_run > m.run_id
"""


# ---- what changed -------------------------------------------------------------------------------------


def _as_text(alias: str, column: Column) -> str:
    name = f"{alias}.{column.name}"
    if column.type in ("int", "bigint", "flag"):
        return f"cast({name} as varchar(20))"
    if column.type == "time":
        return f"substring(cast({name} as varchar(26)), 1, 19)"
    if column.type == "date":
        return f"cast({name} as varchar(10))"
    return name


def _by_place(values: list[str], alias: str, margin: int) -> str:
    """The CASE that takes one of several values by its place, which counts from 1."""
    whens = [f"when {place} then {value}" for place, value in enumerate(values, 1)]
    if len(whens) <= _BLOCK:
        lines = [f"case {alias}.place", *(f"    {when}" for when in whens)]
    else:
        lines = ["case"]
        for first in range(0, len(whens), _BLOCK):
            block = whens[first : first + _BLOCK]
            lines.append(f"    when {alias}.place <= {first + len(block)} then case {alias}.place")
            lines += [*(f"        {when}" for when in block), "    end"]
    return f"\n{' ' * margin}".join([*lines, "end"])


def _places(name: str, count: int) -> str:
    lines = ["    select 1 as place", *(f"    union all\n    select {place}" for place in range(2, count + 1))]
    return f"{name} as (\n" + "\n".join(lines) + "\n)"


def _versions(table: Table, names: Iterable[str]) -> str:
    """The objects that stand at both moments in different versions: as they were, and as they became."""
    key = table.key[0]
    wanted = "".join(f"        {{alias}}.{name},\n" for name in ["source_id", key, *names])
    return f"""old_row as (
    select
{wanted.format(alias="h")}        b.run_id as before_run,
        e.run_id as after_run
    from {table.name}_history as h
    inner join moment_before as b on b.source_id = h.source_id
    inner join moment_after as e on e.source_id = h.source_id
    where h.from_run <= b.run_id and h.to_run > b.run_id and h.to_run <= e.run_id
),

new_row as (
    select
{wanted.format(alias="c")}        c.run_id as from_run
    from {table.name} as c
    inner join moment_before as b on b.source_id = c.source_id
    inner join moment_after as e on e.source_id = c.source_id
    where c.run_id > b.run_id and c.run_id <= e.run_id
    union all
    select
{wanted.format(alias="h")}        h.from_run
    from {table.name}_history as h
    inner join moment_before as b on b.source_id = h.source_id
    inner join moment_after as e on e.source_id = h.source_id
    where h.from_run > b.run_id and h.from_run <= e.run_id and h.to_run > e.run_id
)"""


def left_out(table: Table) -> dict[str, str]:
    """The columns that no changes_* compares, with the reason."""
    why = {}
    for column in table.columns:
        if column.name in table.key:
            why[column.name] = "names the object"
        elif column.volatile:
            why[column.name] = "changes without meaning, and makes no version"
        elif column.type == "key" or column.type == "day":
            why[column.name] = "made from the column of its text or time"
        else:
            reason = _REPEATED.get(f"{table.name}.{column.name}") or _REPEATED.get(column.name)
            why |= {column.name: reason} if reason else {}
    return why


def _hidden(table: Table) -> list[str]:
    """The columns that are compared and never shown."""
    return [column.name for column in table.columns if column.personal and column.type == "text"]


def _compared(table: Table) -> list[Column]:
    """The columns that stand side by side; anchors and what is hidden have a SELECT of their own."""
    apart = {*left_out(table), *_ANCHORS.get(table.name, ()), *_hidden(table)}
    return [column for column in table.columns if column.name not in apart]


def _changed(table: Table) -> str:
    key = table.key[0]
    return f"""changed_row as (
    select
        o.source_id,
        o.{key},
        n.{_NAMES[table.name]} as object_name,
        n.from_run,
        o.before_run,
        o.after_run
    from old_row as o
    inner join new_row as n on n.source_id = o.source_id and n.{key} = o.{key}
)"""


def _values(child: str) -> str:
    """The values of one child table at both moments, of objects that changed in between."""
    table = TABLES[child]
    key = table.key[0]
    columns = [table.columns[table.position[name]] for name in _VALUES[child]]

    def side(alias: str, source: str, was_there: str, is_there: str, where: str) -> str:
        if len(columns) > 1:
            own = ["a.place", _by_place([_as_text(alias, column) for column in columns], "a", 8) + " as value"]
        elif "attribute" in table.position:
            own = [f"{alias}.attribute", f"{alias}.value"]
        else:
            own = [f"{alias}.{columns[0].name} as value"]
        if "value_masked" in table.position:
            own.append(f"{alias}.value_masked")
        shown = "".join(f"        {each},\n" for each in own)
        places = f"\n    cross join place_{child} as a" if len(columns) > 1 else ""
        return f"""    select
        b.source_id,
        b.{key},
        b.object_name,
        b.from_run,
{shown}        case when {was_there} then 1 else 0 end as was_there,
        case when {is_there} then 1 else 0 end as is_there
    from changed_row as b
    inner join {source} as {alias} on {alias}.source_id = b.source_id and {alias}.{key} = b.{key}{places}
    where {where}"""

    sides = (
        side("c", child, "c.run_id <= b.before_run", "c.run_id <= b.after_run", "c.run_id <= b.after_run"),
        side(
            "h",
            f"{child}_history",
            "h.from_run <= b.before_run and h.to_run > b.before_run",
            "h.from_run <= b.after_run and h.to_run > b.after_run",
            "h.from_run <= b.after_run and h.to_run > b.before_run",
        ),
    )
    places = f"{_places(f'place_{child}', len(columns))},\n\n" if len(columns) > 1 else ""
    return f"{places}side_{child} as (\n" + "\n    union all\n".join(sides) + "\n)"


def _value_branch(table: Table, child: str) -> str:
    """What stands on one side alone: counted, because joining two lists of changes costs their product."""
    key = table.key[0]
    position = TABLES[child].position
    names = list(_VALUES[child].values())
    grouped = f"s.name, v.{key}, v.object_name, v.from_run"
    if len(names) > 1:
        attribute, grouped = _by_place([f"'{name}'" for name in names], "v", 4), f"{grouped}, v.place"
    elif "attribute" in position:
        attribute, grouped = "v.attribute", f"{grouped}, v.attribute"
    else:
        attribute = f"'{names[0]}'"
    if "position" in position:
        shown = "v.value_masked" if "value_masked" in position else "v.value"
        before, after = (f"case when max(v.{side}) = 1 then max({shown}) end" for side in ("was_there", "is_there"))
        rest = f"where v.value is not null\ngroup by {grouped}, v.value\nhaving max(v.was_there) <> max(v.is_there)"
    else:  # one value at a time: what was and what is stand in one row
        before, after = (f"max(case when v.{side} = 1 then v.value end)" for side in ("was_there", "is_there"))
        rest = f"group by {grouped}\nhaving\n    coalesce({before}, '')\n    <> coalesce({after}, '')"
    return f"""select
    s.name as source_name,
    v.{key},
    v.object_name,
    {attribute}{"" if attribute == "v.attribute" else " as attribute"},
    {before} as before_value,
    {after} as after_value,
    v.from_run as run_id
from side_{child} as v
inner join source as s on s.source_id = v.source_id
{rest}"""


def _forms(table: Table, hidden: str) -> tuple[str, str]:
    """The column that tells that a hidden one differs, and the one that is shown: itself where there is no other."""
    compared, masked = (f"{hidden}{form}" for form in ("_key", "_masked"))
    return compared if compared in table.position else hidden, masked if masked in table.position else hidden


def _hidden_branch(table: Table, hidden: str) -> str:
    key = table.key[0]
    compared, masked = _forms(table, hidden)

    def shown(alias: str) -> str:
        return f"case when {alias}.{hidden} <> '' then '***' end" if masked == hidden else f"{alias}.{masked}"

    return f"""select
    s.name as source_name,
    n.{key},
    n.{_NAMES[table.name]} as object_name,
    '{hidden}' as attribute,
    {shown("o")} as before_value,
    {shown("n")} as after_value,
    n.from_run as run_id
from old_row as o
inner join new_row as n on n.source_id = o.source_id and n.{key} = o.{key}
inner join source as s on s.source_id = o.source_id
where coalesce(o.{compared}, '') <> coalesce(n.{compared}, '')"""


def changes(table: Table) -> str:
    """Attribute by attribute, what differs between two loads."""
    key = table.key[0]
    columns = _compared(table)
    children = [child for child in _VALUES if TABLES[child].parent == table.name]
    name = _NAMES[table.name]
    names = [column.name for column in columns]
    hidden = _hidden(table)
    forms = dict.fromkeys(form for each in hidden for form in _forms(table, each))
    parts = [
        _moment("moment_before", "before", "before_at"),
        _moment("moment_after", "after", "after_at"),
        _places("compared", len(columns)),
        _versions(table, [*names, *forms]),
        f"""compared_value as (
    select
        n.source_id,
        n.{key},
        n.{name},
        n.from_run,
        a.place,
        {_by_place([_as_text("o", column) for column in columns], "a", 8)} as before_value,
        {_by_place([_as_text("n", column) for column in columns], "a", 8)} as after_value
    from old_row as o
    inner join new_row as n on n.source_id = o.source_id and n.{key} = o.{key}
    cross join compared as a
)""",
        _changed(table),
        *(_values(child) for child in children),
    ]
    # the names of attributes are written here and not with their places: SQL Server gives a column of texts the
    # database's collation, and takes no union of that with the column attribute of a table, which is a key
    branches = [
        f"""select
    s.name as source_name,
    v.{key},
    v.{name} as object_name,
    {_by_place([f"'{each}'" for each in names], "v", 4)} as attribute,
    v.before_value,
    v.after_value,
    v.from_run as run_id
from compared_value as v
inner join source as s on s.source_id = v.source_id
where coalesce(v.before_value, '') <> coalesce(v.after_value, '')""",
        *(_hidden_branch(table, each) for each in hidden),
        *(_value_branch(table, child) for child in children),
    ]
    meaning = _meaning(
        f"One row per attribute of {table.name} that differs between two loads, for objects that stand at both; of a "
        "multi-valued attribute one row per value gained or lost. run_id is the load that brought the present version. "
        "Left out are values kept fresh in place (last logon, whenChanged and their like), what only repeats another "
        "column (keys, days, raw times) and the order of values. Where the database compares text without case, a "
        "change of case alone is not seen; source anchors and SIDs stand in changes_anchor. Private addresses and "
        "mobile numbers are masked."
    )
    return (
        f"-- title: What changed in {table.name}\n{meaning}\n{_BETWEEN}with "
        + ",\n\n".join(parts)
        + "\n\n"
        + "\nunion all\n".join(branches)
        + "\n"
    )


def changes_anchor() -> str:
    """Source anchors and SIDs that differ between two loads."""

    def shown(alias: str, column: str) -> str:
        if column != "msdsconsistencyguid":
            return f"{alias}.{column}"
        # where it is set the immutable id is its base64, where not that of the objectGUID
        return f"case when {alias}.{column} is not null then {alias}.immutable_id end"

    def branch(name: str, column: str) -> str:
        key = TABLES[name].key[0]
        before, after = shown("o", column), shown("n", column)
        return f"""select
    s.name as source_name,
    '{name}' as object_type,
    o.{key} as object_key,
    n.{_NAMES[name]} as object_name,
    '{column}' as attribute,
    {before} as before_anchor,
    {after} as after_anchor,
    n.from_run as run_id
from {name}_old as o
inner join {name}_new as n on n.source_id = o.source_id and n.{key} = o.{key}
inner join source as s on s.source_id = o.source_id
where
    coalesce({before}, '')
    <> coalesce({after}, '')"""

    parts = [_moment("moment_before", "before", "before_at"), _moment("moment_after", "after", "after_at")]
    for name, columns in _ANCHORS.items():
        versions = _versions(TABLES[name], [_NAMES[name], *columns])
        parts.append(versions.replace("old_row", f"{name}_old").replace("new_row", f"{name}_new"))
    meaning = _meaning(
        "One row per source anchor or SID that differs between two loads, for users, groups and computers that stand "
        "at both. They should never change, but for a consistency GUID that is set: an object whose anchor or SID does "
        "was made again, moved from another domain, or matched to another."
    )
    return (
        f"-- title: Source anchors and SIDs that changed\n{meaning}\n{_BETWEEN}with "
        + ",\n\n".join(parts)
        + "\n\n"
        + "\nunion all\n".join(branch(name, column) for name, columns in _ANCHORS.items() for column in columns)
        + "\n"
    )


# ---- who came and went --------------------------------------------------------------------------------

# what the load where history begins replaced is gone: whether it brought or changed a row cannot be told
_KNOWN = "r.run_id > coalesce(s.history_run, 0)"


def changes_member(table: Table) -> str:
    """Members that joined and left groups between two loads."""
    group = _OWNERS[table.name]
    key, member, name = table.key[0], table.columns[1].name, _NAMES[group]
    others = [each for each in table.key if each not in (key, member)]  # of a role: held, or eligible for it
    shown = [each for each in others if table.columns[table.position[each]].type != "key"]
    grouped = [key, *([member] if member in table.key else []), *others]

    def side(source: str, alias: str, run: str, is_new: int) -> str:
        return f"""    select
        {alias}.source_id,
{_columns(f"    {alias}", dict.fromkeys([key, member, *others]))}        r.run_id,
        r.finished_at,
        {is_new} as is_new
    from {source} as {alias}
    inner join load_run as r on r.run_id = {alias}.{run}
    inner join source as s on s.source_id = {alias}.source_id
    where
        (r.run_id > :before or r.finished_at > :before_at)
        and (r.run_id <= :after or r.finished_at <= :after_at)
        and {_KNOWN}"""

    past = f"{table.name}_history"
    sides = "\n    union all\n".join(
        (side(table.name, "c", "run_id", 1), side(past, "h", "from_run", 1), side(past, "h", "to_run", 0))
    )
    # where the name shown is not the key, one of its spellings
    either = "" if member in table.key else f"        max(v.{member}) as {member},\n"
    title, what = ("Owners", "owner") if table.name == "entra_group_owner" else ("Members", "direct member")
    kinds = " is_eligible tells who may activate the role from who holds it." if "is_eligible" in shown else ""
    meaning = _meaning(
        f"One row per {what} that joined or left a group between two loads, with the load that showed it. One that "
        f"left and joined again has a row for each.{kinds} group_name is the present one, of a group that is gone the "
        "one it had then."
    )
    # counted: a link that only changed ends and begins at the same load; had_run: a load at which the group had it
    return f"""-- title: {title} that joined or left ({table.name})
{meaning}
{_BETWEEN}with side as (
{sides}
),

event as (
    select
        v.source_id,
{_columns("    v", grouped)}{either}        v.run_id,
        v.finished_at,
        max(v.is_new) as is_new,
        v.run_id - 1 + max(v.is_new) as had_run
    from side as v
    group by v.source_id, {"".join(f"v.{each}, " for each in grouped)}v.run_id, v.finished_at
    having min(v.is_new) = max(v.is_new)
)

select
    s.name as source_name,
    v.{key},
    coalesce(g.{name}, p.{name}) as group_name,
    v.{member},
{_columns("v", shown)}    case when v.is_new = 1 then 'joined' else 'left' end as change,
    v.run_id,
    v.finished_at
from event as v
inner join source as s on s.source_id = v.source_id
left join {group} as g on g.source_id = v.source_id and g.{key} = v.{key}
left join {group}_history as p
    on p.source_id = v.source_id and p.{key} = v.{key} and p.from_run <= v.had_run and p.to_run > v.had_run
"""


def _event(table: Table, source: str, alias: str, run: str, *conditions: str) -> str:
    key = table.key[0]
    tests = "".join(f"\n    and {condition.format(source=source, alias=alias, key=key)}" for condition in conditions)
    name = f"{alias}.{_NAMES[table.name]}" if table.name in _NAMES else "null"
    return f"""select
    s.name as source_name,
    '{table.name}' as object_type,
    {alias}.{key} as object_key,
    {name} as object_name,
    r.run_id,
    r.finished_at
from {source} as {alias}
inner join load_run as r on r.run_id = {alias}.{run}
inner join source as s on s.source_id = {alias}.source_id
where
    (r.run_id > :before or r.finished_at > :before_at)
    and (r.run_id <= :after or r.finished_at <= :after_at){tests}"""


def _other(word: str, table: str, condition: str) -> str:
    """`not exists` or `exists` another version of the same object."""
    return (
        f"{word} (\n        select 1\n        from {table} as o\n"
        f"        where o.source_id = {{alias}}.source_id and o.{{key}} = {{alias}}.{{key}} and {condition}\n    )"
    )


def _events(title: str, meaning: str, branches: Iterable[str]) -> str:
    return f"-- title: {title}\n{_meaning(meaning)}\n{_BETWEEN}" + "\nunion all\n".join(branches) + "\n"


def appeared() -> str:
    """Objects that a load showed for the first time."""
    branches = []
    for table in _OBJECTS:
        past = f"{table.name}_history"
        for source, alias, run in ((table.name, "c", "run_id"), (past, "h", "from_run")):
            is_first = _other("not exists", past, f"o.to_run <= {alias}.{run}")
            branches.append(_event(table, source, alias, run, _KNOWN, is_first))
    return _events(
        "Who appeared",
        "One row per object that a load between the two showed for the first time, as far back as history is kept: of "
        "the load where it begins nobody knows what was there before. Where the key is the name, object_name is NULL.",
        branches,
    )


def vanished() -> str:
    """Objects that a load no longer showed."""
    branches = [
        _event(
            table,
            f"{table.name}_history",
            "h",
            "to_run",
            _other("not exists", table.name, "o.run_id = h.to_run"),
            _other("not exists", f"{table.name}_history", "o.from_run = h.to_run"),
        )
        for table in _OBJECTS
    ]
    return _events(
        "Who vanished",
        "One row per object and load between the two that no longer showed it, with the name it had last; it may have "
        "come back since. Where the key is the name, object_name is NULL.",
        branches,
    )


def came_back() -> str:
    """Objects that a load showed again after others had not."""
    branches = []
    for table in _OBJECTS:
        past = f"{table.name}_history"
        for source, alias, run in ((table.name, "c", "run_id"), (past, "h", "from_run")):
            branches.append(
                _event(
                    table,
                    source,
                    alias,
                    run,
                    _other("exists", past, f"o.to_run < {alias}.{run}"),
                    _other("not exists", past, f"o.to_run = {alias}.{run}"),
                )
            )
    return _events(
        "Who came back",
        "One row per object and load between the two that showed it again after it had been gone, as far back as "
        "history is kept. Where the key is the name, object_name is NULL.",
        branches,
    )


def generated() -> dict[str, str]:
    """File name in sql/queries and its text."""
    files = {f"as_of_{table.name}.sql": as_of(table) for table in TABLES.values() if table.kind != "reject"}
    files |= {f"changes_{name}.sql": changes(TABLES[name]) for name in _COMPARED}
    files |= {f"changes_{name}.sql": changes_member(TABLES[name]) for name in _OWNERS}
    return files | {
        "changes_anchor.sql": changes_anchor(),
        "appeared.sql": appeared(),
        "vanished.sql": vanished(),
        "came_back.sql": came_back(),
    }


def write(folder: Path | None = None) -> None:
    """Write the files again, in sql/queries or another folder."""
    target = folder or data_folder("sql") / "queries"
    for name, text in generated().items():
        (target / name).write_text(text, encoding="utf-8", newline="\n")

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
# compared by changes_*: what a person would call a change of the account; keys and numbers behind them left out
_COMPARED = {
    "ad_user": (
        "samaccountname userprincipalname displayname givenname sn initials description ou_path cn employeeid "
        "employeenumber employeetype mail mailnickname targetaddress smtp_primary title department company division "
        "manager physicaldeliveryofficename telephonenumber streetaddress l st postalcode c preferredlanguage info "
        "useraccountcontrol is_enabled primarygroupid admincount pwd_last_set_at account_expires_at locked_out_at "
        + " ".join(f"extensionattribute{n}" for n in range(1, 16))
    ),
    "entra_user": (
        "userprincipalname displayname givenname surname usertype accountenabled employeeid employeetype "
        "employeehiredate employeeleavedatetime mail mailnickname smtp_primary othermails_count usagelocation country "
        "externaluserstate jobtitle department companyname officelocation streetaddress city state postalcode "
        "preferredlanguage onpremisessyncenabled onpremisessecurityidentifier onpremisessamaccountname "
        "onpremisesdistinguishedname onpremisesdomainname onpremisesuserprincipalname passwordpolicies "
        "lastpasswordchangedatetime showinaddresslist isresourceaccount ismanagementrestricted "
        + " ".join(f"extensionattribute{n}" for n in range(1, 16))
    ),
    "ad_group": (
        "samaccountname name displayname description ou_path grouptype mail mailnickname managedby admincount"
    ),
    "ad_computer": (
        "samaccountname name displayname description ou_path useraccountcontrol is_enabled primarygroupid dnshostname "
        "operatingsystem operatingsystemversion managedby pwd_last_set_at account_expires_at"
    ),
    "ad_contact": (
        "cn displayname description ou_path givenname sn mail mailnickname targetaddress company department"
    ),
    "entra_group": (
        "displayname description mail mailnickname mailenabled securityenabled is_unified is_dynamic "
        "isassignabletorole visibility classification membershiprule membershipruleprocessingstate "
        "expirationdatetime reneweddatetime onpremisessyncenabled onpremisessamaccountname onpremisesdomainname"
    ),
    "worker": (
        "employee_id user_id first_name last_name display_name worker_type worker_status is_active hire_date "
        "original_hire_date termination_date work_mail country company department cost_center "
        "job_title location manager_id"
    ),
}
# compared by its key, shown by its masked form
_HIDDEN = {"worker": "personal_mail"}
# multi-valued attributes of those: table and the column that is compared
_COMPARED_VALUES = {
    "ad_user": (
        ("ad_user_proxyaddress", "proxyaddresses"),
        ("ad_user_altsecurityidentity", "altsecurityidentities"),
        ("ad_user_serviceprincipalname", "serviceprincipalname"),
        ("ad_user_sidhistory", "sidhistory"),
    ),
    "entra_user": (
        ("entra_user_othermail", "othermails"),
        ("entra_user_proxyaddress", "proxyaddresses"),
        ("entra_user_businessphone", "businessphones"),
    ),
    "ad_group": (("ad_group_proxyaddress", "proxyaddresses"),),
    "ad_computer": (
        ("ad_computer_altsecurityidentity", "altsecurityidentities"),
        ("ad_computer_serviceprincipalname", "serviceprincipalname"),
    ),
    "ad_contact": (("ad_contact_proxyaddress", "proxyaddresses"),),
    "entra_group": (("entra_group_proxyaddress", "proxyaddresses"),),
    "worker": (),
}
# byte-exact values stand apart: SQL Server keeps them in another collation, and they should never change
_ANCHORS = (
    ("ad_user", "immutable_id"),
    ("ad_user", "sid"),
    ("entra_user", "onpremisesimmutableid"),
    ("entra_user", "sid"),
)
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


def _case(alias: str, columns: Iterable[Column], to: str) -> str:
    cases = "".join(f"            when '{column.name}' then {_as_text(alias, column)}\n" for column in columns)
    return f"        case a.attribute\n{cases}        end as {to}"


def _versions(table: Table, names: list[str]) -> str:
    """The objects that stand at both moments in different versions: as they were, and as they became."""
    key = table.key[0]
    wanted = "".join(f"        {{alias}}.{name},\n" for name in ["source_id", key, *names])
    return f"""old_row as (
    select
{wanted.format(alias="h")}        h.to_run
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


def _list(name: str, values: Iterable[str]) -> str:
    first, *rest = values
    lines = [
        f"    select '{first}' as attribute",
        *(f"    union all\n    select '{value}' as attribute" for value in rest),
    ]
    return f"{name} as (\n" + "\n".join(lines) + "\n)"


def _changed(table: Table) -> str:
    key = table.key[0]
    return f"""changed_row as (
    select
        o.source_id,
        o.{key},
        n.{_NAMES[table.name]} as object_name,
        n.from_run
    from old_row as o
    inner join new_row as n on n.source_id = o.source_id and n.{key} = o.{key}
)"""


def _values(child: str) -> str:
    """The values of one multi-valued attribute at both moments, of objects that changed in between."""
    key = TABLES[child].key[0]
    shown = "value_masked" if "value_masked" in TABLES[child].position else "value"

    def side(alias: str, source: str, is_new: int, moment: str, was_there: str) -> str:
        return f"""    select
        b.source_id,
        b.{key},
        b.object_name,
        b.from_run,
        {alias}.value,
        {alias}.{shown} as shown,
        {is_new} as is_new
    from changed_row as b
    inner join {moment} as m on m.source_id = b.source_id
    inner join {source} as {alias} on {alias}.source_id = b.source_id and {alias}.{key} = b.{key}
    where {was_there}"""

    sides = [
        each
        for is_new, moment in enumerate(("moment_before", "moment_after"))
        for each in (
            side("c", child, is_new, moment, "c.run_id <= m.run_id"),
            side("h", f"{child}_history", is_new, moment, "h.from_run <= m.run_id and h.to_run > m.run_id"),
        )
    ]
    return f"side_{child} as (\n" + "\n    union all\n".join(sides) + "\n)"


def _value_branch(table: Table, child: str, attribute: str) -> str:
    """What stands on one side alone: counted, because joining two lists of changes costs their product."""
    key = table.key[0]
    return f"""select
    s.name as source_name,
    v.{key},
    v.object_name,
    '{attribute}' as attribute,
    case when max(v.is_new) = 0 then max(v.shown) end as before_value,
    case when max(v.is_new) = 1 then max(v.shown) end as after_value,
    v.from_run as run_id
from side_{child} as v
inner join source as s on s.source_id = v.source_id
group by s.name, v.{key}, v.object_name, v.from_run, v.value
having min(v.is_new) = max(v.is_new)"""


def _hidden_branch(table: Table, hidden: str) -> str:
    key = table.key[0]
    return f"""select
    s.name as source_name,
    n.{key},
    n.{_NAMES[table.name]} as object_name,
    '{hidden}' as attribute,
    o.{hidden}_masked as before_value,
    n.{hidden}_masked as after_value,
    n.from_run as run_id
from old_row as o
inner join new_row as n on n.source_id = o.source_id and n.{key} = o.{key}
inner join source as s on s.source_id = o.source_id
where coalesce(o.{hidden}_key, '') <> coalesce(n.{hidden}_key, '')"""


def changes(table: Table) -> str:
    """Attribute by attribute, what differs between two loads."""
    key = table.key[0]
    columns = [table.columns[table.position[name]] for name in _COMPARED[table.name].split()]
    children = _COMPARED_VALUES[table.name]
    name = _NAMES[table.name]
    names = [column.name for column in columns]
    hidden = _HIDDEN.get(table.name)
    parts = [
        _moment("moment_before", "before", "before_at"),
        _moment("moment_after", "after", "after_at"),
        _list("compared", names),
        _versions(table, [*names, *([f"{hidden}_key", f"{hidden}_masked"] if hidden else [])]),
        f"""compared_value as (
    select
        n.source_id,
        n.{key},
        n.{name},
        n.from_run,
        a.attribute,
{_case("o", columns, "before_value")},
{_case("n", columns, "after_value")}
    from old_row as o
    inner join new_row as n on n.source_id = o.source_id and n.{key} = o.{key}
    cross join compared as a
)""",
        *([_changed(table)] if children else []),
        *(_values(child) for child, _ in children),
    ]
    branches = [
        f"""select
    s.name as source_name,
    v.{key},
    v.{name} as object_name,
    v.attribute,
    v.before_value,
    v.after_value,
    v.from_run as run_id
from compared_value as v
inner join source as s on s.source_id = v.source_id
where coalesce(v.before_value, '') <> coalesce(v.after_value, '')""",
        *([_hidden_branch(table, hidden)] if hidden else []),
        *(_value_branch(table, child, attribute) for child, attribute in children),
    ]
    meaning = _meaning(
        f"One row per attribute of {table.name} that differs between two loads, for objects that stand at both; of a "
        "multi-valued attribute one row per value gained or lost. run_id is the load that brought the present version. "
        "Where the database compares text without case, a change of case alone is not seen; source anchors and SIDs "
        "stand in changes_anchor. Private addresses are masked."
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

    def branch(name: str, column: str) -> str:
        key = TABLES[name].key[0]
        return f"""select
    s.name as source_name,
    '{name}' as object_type,
    o.{key} as object_key,
    n.displayname as object_name,
    '{column}' as attribute,
    o.{column} as before_anchor,
    n.{column} as after_anchor,
    n.from_run as run_id
from {name}_old as o
inner join {name}_new as n on n.source_id = o.source_id and n.{key} = o.{key}
inner join source as s on s.source_id = o.source_id
where coalesce(o.{column}, '') <> coalesce(n.{column}, '')"""

    parts = [_moment("moment_before", "before", "before_at"), _moment("moment_after", "after", "after_at")]
    for name in dict.fromkeys(name for name, _ in _ANCHORS):
        columns = ["displayname", *(column for each, column in _ANCHORS if each == name)]
        parts.append(
            _versions(TABLES[name], columns).replace("old_row", f"{name}_old").replace("new_row", f"{name}_new")
        )
    meaning = _meaning(
        "One row per source anchor or SID that differs between two loads, for users that stand at both. They should "
        "never change: an account that does was made again or matched to another."
    )
    return (
        f"-- title: Source anchors and SIDs that changed\n{meaning}\n{_BETWEEN}with "
        + ",\n\n".join(parts)
        + "\n\n"
        + "\nunion all\n".join(branch(name, column) for name, column in _ANCHORS)
        + "\n"
    )


# ---- who came and went --------------------------------------------------------------------------------

_BETWEEN_RUNS = (
    "(r.run_id > :before or r.finished_at > :before_at) and (r.run_id <= :after or r.finished_at <= :after_at)"
)


def changes_member(table: Table) -> str:
    """Members that joined and left groups between two loads."""
    group = _OWNERS[table.name]
    key, member = table.key[0], table.columns[1].name

    def branch(word: str, source: str, alias: str, run: str) -> str:
        return f"""select
    s.name as source_name,
    {alias}.{key},
    g.{_NAMES[group]} as group_name,
    {alias}.{member},
    '{word}' as change,
    r.run_id,
    r.finished_at
from {source} as {alias}
inner join load_run as r on r.run_id = {alias}.{run}
inner join source as s on s.source_id = {alias}.source_id
left join {group} as g on g.source_id = {alias}.source_id and g.{key} = {alias}.{key}
where {_BETWEEN_RUNS}"""

    title, what = ("Owners", "owner") if table.name == "entra_group_owner" else ("Members", "direct member")
    meaning = _meaning(
        f"One row per {what} that joined or left a group between two loads, with the load that showed it. One that "
        "left and joined again has a row for each."
    )
    return (
        f"-- title: {title} that joined or left ({table.name})\n{meaning}\n{_BETWEEN}"
        + "\nunion all\n".join(
            (
                branch("joined", table.name, "c", "run_id"),
                branch("joined", f"{table.name}_history", "h", "from_run"),
                branch("left", f"{table.name}_history", "h", "to_run"),
            )
        )
        + "\n"
    )


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
        branches.append(_event(table, table.name, "c", "run_id", _other("not exists", past, "o.to_run <= c.run_id")))
        branches.append(_event(table, past, "h", "from_run", _other("not exists", past, "o.to_run <= h.from_run")))
    return _events(
        "Who appeared",
        "One row per object that a load between the two showed for the first time, as far back as history is kept. "
        "Where the key is the name, object_name is NULL.",
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

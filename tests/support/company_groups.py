"""What hypothesis adds to a made company: hybrid people, nested groups, a recycle bin, roles, policies, MIM.

`populate` works on the company that tests.support.companies has drawn: hybrid people, groups of both sides with members
that may form cycles, deleted objects and what the load before had, directory roles, the site's critical groups, a
declared policy of password reset, MIM rows. The rows are those that the loaders make.
"""

from collections.abc import Iterator
from random import Random
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st
from sqlalchemy import Connection, delete, insert, select

from recon.config import Sspr
from recon.decode.guid import guid_text, immutable_id
from recon.decode.keys import EmployeeIdRules
from recon.decode.sid import sid_bytes, sid_text
from recon.objects import TABLES, Row
from recon.sources.entra_rows import OWNER, DeletedRows, GroupRows, RoleRows, member_row
from recon.sources.mim import ROLES, role_row, run_row
from recon.store.closure import closure_state
from recon.store.site_tables import critical_group, sspr_policy
from recon.store.tables import HISTORY, load_run, load_run_table

if TYPE_CHECKING:
    from tests.support.companies import MadeCompany

BASE = "DC=contoso,DC=example"
ENTRA, MIM = 2, 4
BEFORE, LAST = 1, 2  # load runs of the tenant
_DOMAIN = "S-1-5-21-1-2-3"
_LONGEST = "S-1-5-" + "-".join(map(str, range(100, 115)))  # 15 sub-authorities
GROUP_NAMES = ("Straße", "STRASSE", "strasse ", "Ärzte", "A\u0308RZTE", "🦊", "Team, A", "")
GROUP_SIDS = (f"{_DOMAIN}-512", "S-1-5-32-544", f"{_DOMAIN}-2001", _LONGEST, "S-1-5-32-545", f"{_DOMAIN}-2002")
PERSONAL = ("jo@home.example", "JO@Home.Example", " jo@home.example ", "jö@home.example", "jo@", "", "k@a.b.example",
            "jo@contoso.example", "o'k+1@home.example", "a..b@home.example", "jo@home", "jo@-home.example")  # fmt: skip
_TIMES = ("2026-03-01T12:00:00Z", "2026-03-02T02:00:00Z", "2026-01-01T00:00:00Z")
_CHANGED = (*(b"20260301120000.0Z",) * 3, b"20260302030000.0Z", b"20260302040000.0Z")
# 2 March is the day of the clock: purged yesterday, today the last day, 6, 7 and 8 days left, 29 days left, unknown
_DELETED = ("2026-01-30T12:00:00Z", "2026-01-31T12:00:00Z", "2026-02-06T23:59:59Z", "2026-02-07T00:00:00Z",
            "2026-02-08T00:00:00Z", "2026-03-01T12:00:00Z", None)  # fmt: skip
NO_END = "9999-12-31"
_DATES = ("2020-01-01", "2026-03-01", "2026-03-02", "2026-03-09", "2026-03-16", "2026-03-17", "soon")
_ROLE_SIDS = ("S-1-1-0", "S-1-5-11", "S-1-5-32-545", "S-1-5-32-544", f"{_DOMAIN}-513", f"{_DOMAIN}-512",
              f"{_DOMAIN}-2001", f"{_DOMAIN}-9999", "S-1-5-21-1-513", f"{_DOMAIN}-4294967295", _LONGEST,
              "S-1-5-21-" + "-".join(["7"] * 13) + "-512", "S-1-5-80-513")  # fmt: skip


def cloud_id(number: int, kind: str) -> str:
    """An object id of a kind of its own, in lower case."""
    return f"{number:08d}-0000-4000-8000-00000000{kind:>04}"


def populate(draw: st.DrawFn, made: "MadeCompany") -> None:
    """Add to a drawn company; nothing that is there loses what it has."""
    for number in range(draw(st.sampled_from((0, 1, 2, 3, 4, 4)))):
        _hybrid(draw, made, number)
    _ad_groups(draw, made)
    _entra_groups(draw, made)
    _hold_owners(made)
    _recycle_bin(draw, made)
    _roles(draw, made)
    yes = st.sampled_from((None, True, False))
    named = [group["displayName"] for group in made.entra_groups] + [group["id"] for group in made.entra_groups]
    made.sspr = Sspr(
        email_method=draw(yes), methods_required=draw(st.sampled_from((None, 1, 2))), password_writeback=draw(yes),
        group=draw(st.sampled_from((None, "Everybody", "nobody knows", *filter(None, named)))),
    )  # fmt: skip
    _service(draw, made)


def _lists(draw: st.DrawFn, pool: list[Any]) -> list[Any]:
    return draw(st.lists(st.sampled_from(pool), unique=True, max_size=4)) if pool else []


def _hybrid(draw: st.DrawFn, made: "MadeCompany", number: int) -> None:
    """One person in AD and in Entra, often in HR too: what a directory has most of."""
    guid = bytes((0x40 + number,)) * 16
    person = f"H{number}"
    dn = f"CN=Jörg {person},OU=People,{BASE}"
    managers = [b""] + [other.encode() for other, _ in made.ad["ad_user"]]
    made.ad["ad_user"].append((dn, {
        "objectclass": [b"top", b"user"], "objectguid": [guid], "cn": [f"Jörg {person}".encode()],
        "samaccounttype": [b"805306368"], "whencreated": [b"20260301120000.0Z"],
        "whenchanged": [draw(st.sampled_from(_CHANGED))],
        "objectsid": [sid_bytes(f"{_DOMAIN}-{3000 + number}")],
        "useraccountcontrol": [draw(st.sampled_from((b"512", b"512", b"514")))], "employeeid": [person.encode()],
        "userprincipalname": [f"{person}@contoso.example".encode()], "samaccountname": [person.encode()],
        "manager": [draw(st.sampled_from(managers))],
    }))  # fmt: skip
    user: dict[str, Any] = {
        "id": cloud_id(number, "ad"), "accountEnabled": draw(st.sampled_from((True, True, False))),
        "userType": draw(st.sampled_from(("Member", "Member", "Member", "Guest"))), "displayName": person,
        "createdDateTime": "2026-03-01T12:00:00Z", "mail": None, "proxyAddresses": [], "usageLocation": "DE",
        "onPremisesSyncEnabled": draw(st.sampled_from((True, True, None))), "onPremisesProvisioningErrors": [],
        "employeeHireDate": None, "onPremisesLastSyncDateTime": draw(st.sampled_from((*_TIMES[:1] * 4, _TIMES[1]))),
        "userPrincipalName": draw(st.sampled_from((None, f"{person}@Contoso.example"))),
        "employeeId": f" {person.lower()}",
        "onPremisesImmutableId": draw(st.sampled_from((immutable_id(guid), immutable_id(guid), None))),
        "onPremisesSecurityIdentifier": draw(st.sampled_from((f"{_DOMAIN}-{3000 + number}", None))),
        "otherMails": draw(st.lists(st.sampled_from(PERSONAL), max_size=2, unique=True)),
    }  # fmt: skip
    if draw(st.sampled_from((False, False, False, True))):
        del user["otherMails"]  # the answer did not contain it
    worker = {
        "WorkerID": f"WH{number}", "EmployeeID": draw(st.sampled_from((person, f"{person.lower()} ", "H0"))),
        "WorkerStatus": "Active", "FullName": person, "HireDate": draw(st.sampled_from(_DATES)),
        "TerminationDate": draw(st.sampled_from(("", "", NO_END, *_DATES))),
        "PersonalEmail": draw(st.sampled_from(PERSONAL)), "CountryCode": draw(st.sampled_from(("", "FR"))),
    }  # fmt: skip
    usual = draw(st.sampled_from((None, None, [], [PERSONAL[1]], ["k@a.b.example", PERSONAL[0]])))
    if usual is not None:  # as most people are
        user |= {"userType": "Member", "onPremisesSyncEnabled": True, "otherMails": usual}
        worker |= {"EmployeeID": person, "PersonalEmail": draw(st.sampled_from((PERSONAL[0], PERSONAL[6])))}
    made.entra_users.append(user)
    if draw(st.sampled_from((True, True, False))):
        made.workers.append(worker)


# ---- groups -------------------------------------------------------------------------------------------


def _respelled(dn: str, way: str) -> str:
    """The same name as a member value may spell it."""
    return {"upper": dn.upper(), "blanks": dn.replace(",OU", " , OU"), "hex": dn.replace("\\,", "\\2C")}.get(way, dn)


def _ad_groups(draw: st.DrawFn, made: "MadeCompany") -> None:
    """More groups, with and beside those that are there; members of all of them, spelled in several ways."""
    groups = made.ad["ad_group"]
    for number in range(draw(st.integers(0, 4))):
        name = draw(st.sampled_from(("Straße", "Ärzte", "A\u0308rzte", "Team\\, A", "🦊")))
        groups.append((f"CN={name} {number},OU=Groups,{BASE}", {
            "objectclass": [b"top", b"group"], "objectguid": [bytes((0x60 + number,)) * 16],
            "samaccounttype": [b"268435456"], "cn": [f"Nested {number}".encode()],
            "whenchanged": [draw(st.sampled_from(_CHANGED))],
        }))  # fmt: skip
    users = [dn for dn, _ in made.ad["ad_user"]]
    people = users + [dn for dn, _ in made.ad["ad_computer"]]
    nested = [dn for dn, _ in groups]
    sids = draw(st.permutations(GROUP_SIDS))
    spelled = st.sampled_from(("plain", "upper", "blanks", "hex"))
    for number, (_, raw) in enumerate(groups):
        raw["objectsid"] = [sid_bytes(sids[number])]
        raw["grouptype"] = [draw(st.sampled_from((b"-2147483646", b"-2147483646", b"-2147483643")))]
        if draw(st.sampled_from((False, False, False, True))):
            raw["iscriticalsystemobject"] = [b"TRUE"]
        members = _lists(draw, people) + _lists(draw, nested)
        raw["member"] = [_respelled(dn, draw(spelled)).encode() for dn in members]
        owner = draw(st.sampled_from((None, f"CN=Gone,{BASE}", *users)))
        if owner is not None:
            raw["managedby"] = [_respelled(owner, draw(spelled)).encode()]
        if draw(st.sampled_from((False, False, False, False, True))):
            made.unread.add(guid_text(raw["objectguid"][0]))
            raw["member"] = []
    hybrid = [dn for dn in users if dn.startswith("CN=Jörg ")]
    if hybrid and len(groups) > 1 and draw(st.booleans()):  # a chain, which chance makes too seldom
        for (_, raw), dn in zip(groups, (nested[1], hybrid[0]), strict=False):
            if not {_respelled(dn, way).encode() for way in ("plain", "upper", "blanks", "hex")} & set(raw["member"]):
                raw["member"].append(dn.encode())
                made.unread.discard(guid_text(raw["objectguid"][0]))
    for table in ("ad_user", "ad_computer"):
        for _, raw in made.ad[table]:
            primary = draw(st.sampled_from((None, b"513", b"512", b"2001", b"2001")))
            if primary is not None:
                raw["primarygroupid"] = [primary]


def _entra_groups(draw: st.DrawFn, made: "MadeCompany") -> None:
    sids = [sid_text(raw["objectsid"][0]) for _, raw in made.ad["ad_group"]]
    for number in range(draw(st.integers(0, 4))):
        is_synced = draw(st.sampled_from((True, True, None, False)))
        made.entra_groups.append({
            "id": draw(st.sampled_from((str.lower, str.upper)))(cloud_id(number, "a0")),
            "displayName": draw(st.sampled_from((None, *GROUP_NAMES))), "onPremisesSyncEnabled": is_synced,
            "onPremisesSecurityIdentifier": draw(st.sampled_from((*sids, *sids, _LONGEST, None))),
            "onPremisesLastSyncDateTime": draw(st.sampled_from((None, *_TIMES[:1] * 4, _TIMES[1]))),
            "groupTypes": draw(st.sampled_from(([], [], ["Unified"], ["unified", "DynamicMembership"]))),
            "mailEnabled": draw(st.booleans()), "securityEnabled": draw(st.booleans()), "mail": None,
            "isAssignableToRole": draw(st.sampled_from((None, False, True))), "proxyAddresses": [],
            "createdDateTime": draw(st.sampled_from((None, *_TIMES))),
        })  # fmt: skip
    users = [user["id"] for user in made.entra_users]
    groups = [group["id"] for group in made.entra_groups]
    for group in groups:
        if draw(st.sampled_from((False, False, False, False, True))):
            made.unread.add(group.lower())
            continue
        for kind, chosen in (("user", _lists(draw, [*users, cloud_id(9, "ff")])), ("group", _lists(draw, groups))):
            made.entra_members += [
                (group, {"@odata.type": f"#microsoft.graph.{kind}", "id": draw(st.sampled_from((one, one.upper())))})
                for one in chosen
            ]


def _hold_owners(made: "MadeCompany") -> None:
    """Owners of the cloud groups, enabled, disabled and unknown; not always read.

    They follow from what was drawn: one draw more would make other companies of everything else.
    """
    chance = Random(repr((made.entra_users, made.entra_groups)))
    if chance.random() < 0.3:
        return
    made.owners = []
    users = [user["id"] for user in made.entra_users] + [cloud_id(9, "ff")]
    for group in made.entra_groups:
        for one in chance.sample(users, min(len(users), chance.choice((0, 0, 1, 1, 2)))):
            item = {"@odata.type": "#microsoft.graph.user", "id": chance.choice((one, one.upper()))}
            made.owners.append((group["id"], item))


def _recycle_bin(draw: st.DrawFn, made: "MadeCompany") -> None:
    """What is deleted, what the loads before had, and which groups the site holds for critical."""
    for number in range(draw(st.integers(0, 4))):
        made.entra_deleted.append((draw(st.sampled_from(("user", "group", "group"))), {
            "id": cloud_id(number, "de"), "displayName": draw(st.sampled_from((None, *GROUP_NAMES))), "mail": None,
            "groupTypes": draw(st.sampled_from(([], ["Unified"], ["unified"]))),
            "deletedDateTime": draw(st.sampled_from(_DELETED)),
        }))  # fmt: skip
    alive = [group["id"].lower() for group in made.entra_groups]
    binned = [item["id"] for _, item in made.entra_deleted]
    for place in range(draw(st.integers(0, 3))):
        made.entra_before.append((
            draw(st.sampled_from((BEFORE, LAST, LAST))), draw(st.sampled_from(("alive", "group", "user"))), {
                "id": draw(st.sampled_from((*(cloud_id(place, "ee"),) * 4, *alive, *binned))),
                "displayName": draw(st.sampled_from((None, *GROUP_NAMES))),
                "groupTypes": draw(st.sampled_from(([], ["Unified"]))),
                "deletedDateTime": draw(st.sampled_from(_DELETED)),
            },
        ))  # fmt: skip
    pool = [*alive, *binned, *binned, cloud_id(0, "a0").upper(), cloud_id(1, "f0")]
    for one in _lists(draw, pool):
        owner, note = draw(st.sampled_from((None, "Zoë", " "))), draw(st.sampled_from((None, "🦊")))
        made.critical.append({"id": one, "owner": owner, "contact": None, "note": note})


def _roles(draw: st.DrawFn, made: "MadeCompany") -> None:
    holders = [user["id"] for user in made.entra_users] + [group["id"] for group in made.entra_groups]
    names = ("User Administrator", "Directory Readers", "Reports Reader", None)
    for number in range(draw(st.integers(0, 2))):
        role = cloud_id(number, "b0")
        made.roles.append({"id": role, "displayName": draw(st.sampled_from(names))})
        made.role_members += [(role, {"id": one}, draw(st.booleans())) for one in _lists(draw, holders)]


# ---- the synchronization service ------------------------------------------------------------------------


def _service(draw: st.DrawFn, made: "MadeCompany") -> None:
    """Its five roles, some of them, and a history of runs."""
    for role in ROLES:
        sid = draw(st.sampled_from((None, *_ROLE_SIDS)))
        if sid is not None:
            made.mim_roles[role] = sid_bytes(sid)
    for number in range(draw(st.integers(0, 4))):
        made.mim_runs.append({
            "run_history_id": f"RUN-{number}", "ma_id": draw(st.sampled_from(("MA-1", "ma-1 ", "MA-2"))),
            "run_number": number, "run_profile_name": draw(st.sampled_from(("Full Import", "Export ", "Ärzte"))),
            "user_name": None, "is_run_complete": draw(st.sampled_from((True, True, False, None))),
            "run_result": draw(st.sampled_from(("success", "success ", "Success", "stopped-server", None))),
            "current_step_number": 1, "total_steps": 1, "start_date": "2026-03-01 12:00:00", "end_date": None,
        })  # fmt: skip


# ---- into a store -------------------------------------------------------------------------------------


def group_rows(made: "MadeCompany", ids: EmployeeIdRules) -> Iterator[tuple[int, Row]]:
    """The rows of what this module adds; those of groups, users and workers stand in tests.support.companies."""
    deleted, roles = DeletedRows(ids), RoleRows()
    yield from ((ENTRA, deleted.row(item, kind)) for kind, item in made.entra_deleted)
    yield from ((ENTRA, roles.role(item)) for item in made.roles)
    yield from ((ENTRA, member_row(group.lower(), item, OWNER)) for group, item in made.owners or ())
    yield from ((ENTRA, roles.member(role, item, is_eligible=may)) for role, item, may in made.role_members)
    yield from ((MIM, role_row(role, data)) for role, data in made.mim_roles.items())
    yield from ((MIM, run_row(SimpleNamespace(**run))) for run in made.mim_runs)


def hold_site(connection: Connection, made: "MadeCompany") -> None:
    """What is no loaded row: history, the site's own tables, and no memory of the company before."""
    for table in (closure_state, sspr_policy, critical_group, HISTORY["entra_group"], HISTORY["entra_deleted"]):
        connection.execute(delete(table))
    if made.critical:
        connection.execute(insert(critical_group), made.critical)
    _hold_runs(connection)
    connection.execute(delete(load_run_table).where(load_run_table.c.table_name == OWNER))
    if made.owners is not None:
        connection.execute(insert(load_run_table).values(run_id=LAST, table_name=OWNER))
    deleted, groups = DeletedRows(EmployeeIdRules()), GroupRows()
    for number, (to_run, kind, item) in enumerate(made.entra_before, 1):
        row = groups.row(item, None) if kind == "alive" else deleted.row(item, kind)
        names = [column.name for column in TABLES[row.table].columns]
        values = dict(zip(names, row.values, strict=True)) | {"row_id": number, "source_id": ENTRA}
        kept = {"row_hash": b"\0" * 16, "loaded_at": f"2026-03-0{BEFORE} 12:00:00.000000"}
        connection.execute(insert(HISTORY[row.table]).values(**values, **kept, from_run=to_run - 1, to_run=to_run))


def _hold_runs(connection: Connection) -> None:
    """Two published loads of the tenant, unless they are there."""
    if connection.scalar(select(load_run.c.run_id).where(load_run.c.run_id == LAST)) is not None:
        return
    for run in (BEFORE, LAST):
        at = f"2026-03-0{run} 05:00:00.000000"
        values = {"started_at": at, "finished_at": at, "tool_version": "x", "schema_version": 3, "status": "published"}
        connection.execute(insert(load_run).values(run_id=run, source_id=ENTRA, **values))
        connection.execute(insert(load_run_table).values(run_id=run, table_name="entra_deleted"))

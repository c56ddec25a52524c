"""What a night can bring about between two plans: each person ends with the reason that protects him."""

import csv
from dataclasses import replace

import pytest
from sqlalchemy import delete, func, insert, select, update

from recon.backfill.build import build_plan
from recon.backfill.campaign import apply_plan
from recon.backfill.plan import load_plan
from recon.backfill.precondition import Reply, Write, judge_fresh
from recon.backfill.sources import check_fresh, describe, find_sources
from recon.backfill_config import Mapping
from recon.decode.times import utc_now_text
from recon.errors import PlanError
from recon.lab.sample import SampleCompany
from recon.pipeline.steps import refresh_findings
from recon.store import Store
from recon.store.check import check
from recon.store.tables import LOADED, load_run, load_run_table, setting, source
from recon.store.verified import record_checks
from tests.backfill.make import item as sample_item
from tests.backfill.tenant import user_of
from tests.support.estate import Estate


def worker_id(name):
    return SampleCompany().person(name).workers[0].worker_id


JOERG, AARAV, CHLOE = (worker_id(name) for name in ("Jörg Müller", "Aarav Kulkarni", "Chloé Dupré"))
PAIR = (JOERG, AARAV)


def outcome(rehearsal, wanted, **options):
    """item, or the code and detail, of one worker."""
    with rehearsal.store() as store:
        plan = build_plan(rehearsal.config, store, **options)
    found = {each.worker_id: (each.code, each.detail) for each in plan.reasons()}
    return found.get(wanted, ("item", ""))


def change_workers(rehearsal, change):
    """Rewrite the HR extract; `change` gets each row as a dict."""
    file = rehearsal.folder / "workers.csv"
    with file.open(newline="", encoding="utf-8") as opened:
        reader = csv.DictReader(opened)
        rows, names = list(reader), reader.fieldnames
    for row in rows:
        change(row)
    with file.open("w", newline="", encoding="utf-8") as opened:
        writer = csv.DictWriter(opened, names)
        writer.writeheader()
        writer.writerows(rows)
    rehearsal.load_workers()


def mail_column(rehearsal):
    with (rehearsal.folder / "workers.csv").open(newline="", encoding="utf-8") as opened:
        return next(name for name in next(csv.reader(opened)) if "ersonal" in name)


def test_an_address_that_changed_in_hr_is_held(everywhere):
    column = mail_column(everywhere)

    def change(row):
        if JOERG in row.values():
            row[column] = "somebody@else.example"
        if AARAV in row.values():
            row[column] = row[column].upper()  # the same address

    change_workers(everywhere, change)
    code, detail = outcome(everywhere, JOERG)
    assert code == "mail_changed_recently"
    assert detail.startswith("the address is another since 20")
    assert outcome(everywhere, AARAV) == ("item", "")
    # a first address is no change
    change_workers(everywhere, lambda row: row.update({column: "new@mail.example"} if "Käthe" in row.values() else {}))
    # a week later it holds no longer, and a site may choose another time
    with everywhere.store() as store, store.write() as connection:
        connection.execute(update(setting).where(setting.c.name == "held_mail_days").values(value_int=0))
    assert outcome(everywhere, JOERG) == ("item", "")
    with everywhere.store() as store, store.write() as connection:
        connection.execute(update(setting).where(setting.c.name == "held_mail_days").values(value_int=7))
        connection.execute(update(load_run).values(finished_at="2020-01-01 00:00:00.000000"))
    assert outcome(everywhere, JOERG) == ("item", "")


def nest(rehearsal, *, role=False, is_eligible=0, assignable=0, depth=0, is_owner=False):
    """Jörg in `depth` groups, one in the other; the outermost (or Jörg himself) holds a role or is role-assignable."""
    user, group, member = (LOADED[name] for name in ("entra_user", "entra_group", "entra_member"))
    held, holder = LOADED["entra_role"], LOADED["entra_role_member"]
    owner = LOADED["entra_group_owner"]
    with rehearsal.store() as store:
        with store.write() as connection:
            found = connection.execute(select(user.c.source_id, user.c.id).where(user.c.employeeid_key == JOERG)).one()
            base = {"source_id": found.source_id, "run_id": 1}
            row = base | {"row_hash": b"\0" * 16, "loaded_at": "2026-01-01 00:00:00.000000"}
            top = found.id
            for number in range(depth):
                inner, top = top, f"eeeeeeee-0000-0000-0000-00000000000{number}"
                is_top = number == depth - 1
                connection.execute(insert(group).values(**row, id=top, displayname=f"Level {number}",
                                                        isassignabletorole=assignable if is_top else 0))  # fmt: skip
                link = (
                    {"owner_id": inner, "owner_type": "user"}
                    if is_owner
                    else {"member_id": inner, "member_type": "user"}
                )
                connection.execute(insert(owner if is_owner else member).values(**base, id=top, **link))
            if role:
                connection.execute(insert(held).values(**row, id="r1", displayname="Helpdesk Administrator"))
                connection.execute(insert(holder).values(**base, id="r1", member_id=top, is_eligible=is_eligible))
        refresh_findings(rehearsal.config, store)


@pytest.mark.parametrize(
    ("how", "detail"),
    [
        ({"role": True}, "holds a directory role (Helpdesk Administrator)"),
        ({"role": True, "is_eligible": 1}, "holds a directory role (Helpdesk Administrator (eligible))"),
        ({"role": True, "depth": 1}, "holds a directory role (Helpdesk Administrator (through a group))"),
        (
            {"role": True, "is_eligible": 1, "depth": 3},
            "holds a directory role (Helpdesk Administrator (eligible, through a group))",
        ),
        ({"assignable": 1, "depth": 1}, "member or owner of a role-assignable group (Level 0)"),
        ({"assignable": 1, "depth": 2}, "member or owner of a role-assignable group (Level 1 (through a group))"),
        (
            {"assignable": 1, "depth": 1, "is_owner": True},
            "member or owner of a role-assignable group (Level 0 (owner))",
        ),
    ],
)
def test_whoever_is_privileged_in_the_tenant_however_deep(everywhere, how, detail):
    nest(everywhere, **how)
    assert outcome(everywhere, JOERG) == ("privileged", detail)
    assert outcome(everywhere, AARAV) == ("item", "")


def test_plain_groups_make_nobody_privileged(rehearsal):
    nest(rehearsal, depth=3)
    assert outcome(rehearsal, JOERG) == ("item", "")


def test_an_administrator_by_a_nested_group_whose_admincount_is_not_set_yet(rehearsal):
    user, group, member = (LOADED[name] for name in ("ad_user", "ad_group", "ad_member"))
    with rehearsal.store() as store, store.write() as connection:
        joerg = connection.execute(select(user).where(user.c.employeeid_key == JOERG)).one()
        assert not joerg.admincount
        groups = connection.execute(select(group).where(group.c.source_id == joerg.source_id)).all()
        inner, outer = groups[0], groups[1]
        domain = joerg.sid.rpartition("-")[0]
        connection.execute(update(group).where(group.c.row_id == outer.row_id).values(sid=f"{domain}-512"))
        connection.execute(delete(member).where(member.c.guid.in_([inner.guid, outer.guid])))
        for owner, one in ((inner, joerg), (outer, inner)):
            connection.execute(
                insert(member).values(
                    source_id=joerg.source_id, run_id=1, guid=owner.guid, member_dn=one.distinguishedname,
                    member_key=one.dn_key,
                )
            )  # fmt: skip
    told = ("privileged", f"member of {outer.samaccountname or outer.cn} in AD")
    assert outcome(rehearsal, JOERG) == told
    assert outcome(rehearsal, AARAV) == ("item", "")
    with rehearsal.store() as store:  # the walk and table privileged_account say the same
        refresh_findings(rehearsal.config, store)
    assert outcome(rehearsal, JOERG) == told


@pytest.mark.parametrize("protected", [551, 552])
def test_an_administrator_by_the_primary_group_of_a_nested_group(rehearsal, protected):
    user, group, member = (LOADED[name] for name in ("ad_user", "ad_group", "ad_member"))
    with rehearsal.store() as store, store.write() as connection:
        joerg = connection.execute(select(user).where(user.c.employeeid_key == JOERG)).one()
        groups = connection.execute(select(group).where(group.c.source_id == joerg.source_id)).all()
        inner, outer = groups[0], groups[1]
        domain = joerg.sid.rpartition("-")[0]
        for one, rid in ((outer, protected), (inner, 7001)):
            sid = f"{domain}-{rid}" if rid > 1000 else f"S-1-5-32-{rid}"
            connection.execute(update(group).where(group.c.row_id == one.row_id).values(sid=sid, rid=rid))
        connection.execute(delete(member).where(member.c.guid.in_([inner.guid, outer.guid])))
        connection.execute(
            insert(member).values(source_id=joerg.source_id, run_id=1, guid=outer.guid,
                                  member_dn=inner.distinguishedname, member_key=inner.dn_key)
        )  # fmt: skip
        connection.execute(update(user).where(user.c.row_id == joerg.row_id).values(primarygroupid=7001))
    with rehearsal.store() as store:
        refresh_findings(rehearsal.config, store)
    assert outcome(rehearsal, JOERG) == ("privileged", f"member of {outer.samaccountname or outer.cn} in AD")


def swap_in_hr(rehearsal):
    """HR's ids stand at each other's people; AD and Entra are right."""
    other = {JOERG: AARAV, AARAV: JOERG}
    change_workers(rehearsal, lambda row: row.update(EmployeeID=other.get(row["EmployeeID"], row["EmployeeID"])))
    with rehearsal.store() as store, store.write() as connection:  # else another address would hold them already
        connection.execute(update(setting).where(setting.c.name == "held_mail_days").values(value_int=0))


def swap_in_entra(rehearsal):
    """The tenant's users carry each other's id; AD is right."""
    user = LOADED["entra_user"]
    with rehearsal.store() as store, store.read() as connection:
        ids = {each: connection.scalar(select(user.c.id).where(user.c.employeeid_key == each)) for each in PAIR}
    rehearsal.graph.change_user(rehearsal.tenant, ids[JOERG], employeeId=AARAV)
    rehearsal.graph.change_user(rehearsal.tenant, ids[AARAV], employeeId=JOERG)
    rehearsal.load_entra()


def swap_in_both(rehearsal):
    """AD has them swapped, and synchronization brought it to the tenant."""
    user = LOADED["ad_user"]
    with rehearsal.store() as store, store.write() as connection:
        rows = {each: connection.execute(select(user).where(user.c.employeeid_key == each)).one() for each in PAIR}
        for mine, other in ((JOERG, AARAV), (AARAV, JOERG)):
            connection.execute(
                update(user)
                .where(user.c.row_id == rows[mine].row_id)
                .values(employeeid=rows[other].employeeid, employeeid_key=other)
            )
    swap_in_entra(rehearsal)


@pytest.mark.parametrize(
    ("swap", "codes"),
    [
        (swap_in_hr, ("reused_employee_id", "name_contradicts")),  # Jörg's hire is later than the account
        (swap_in_both, ("reused_employee_id", "name_contradicts")),
        (swap_in_entra, ("anchor_contradicts", "anchor_contradicts")),
    ],
)
def test_swapped_employee_ids(rehearsal, swap, codes):
    swap(rehearsal)
    with rehearsal.store() as store:
        plan = build_plan(rehearsal.config, store)
    found = {each.worker_id: each.code for each in plan.reasons()}
    assert (found[JOERG], found[AARAV]) == codes
    rehearsal.graph.service.directories[rehearsal.tenant].privileged.clear()
    assert apply_plan(rehearsal.config, plan).counts == {"done": 3}
    written = {write.user_id for write in rehearsal.graph.writes}
    assert written == {item.object_id for item in plan.items()}
    for name in ("Jörg Müller", "Aarav Kulkarni"):
        assert SampleCompany().person(name).entra[0].other_mails == []
        assert mails_of(rehearsal, name) == []


def mails_of(rehearsal, name):
    wanted = SampleCompany().person(name).entra[0].upn
    users = rehearsal.graph.service.directories[rehearsal.tenant].users
    rows = (users.json(place) for place, row in enumerate(users.rows) if row is not None)
    return next(row["otherMails"] for row in rows if row["userPrincipalName"] == wanted)


def test_a_read_right_lost_overnight(rehearsal):
    user = LOADED["entra_user"]
    with rehearsal.store() as store, store.write() as connection:
        connection.execute(update(user).values(othermails_count=None))
    code, detail = outcome(rehearsal, JOERG)
    assert (code, detail) == ("unknown_value", "the load's answer did not contain otherMails")


@pytest.fixture
def two_domains(tmp_path):
    """Two domains and one HR source linked with a tenant."""
    with Store.open(f"sqlite:///{tmp_path}/recon.db") as store:
        estate = Estate(store)
        estate.source("north", "ad")
        estate.link(("ad", "entra", "workers"), ("north", "entra", "workers"))
        estate.refresh()
        yield estate


def set_loaded(estate, **finished):
    with estate.store.write() as connection:
        for name, at in finished.items():
            connection.execute(update(source).where(source.c.name == name).values(load_finished_at=at))


def test_one_stale_domain_of_two_holds_its_people(two_domains):
    now, fresh, old = "2026-03-02 12:00:00.000000", "2026-03-02 05:00:00.000000", "2026-02-28 05:00:00.000000"
    set_loaded(two_domains, ad=fresh, north=old, entra=fresh, workers=fresh)

    def stale():
        with two_domains.store.read() as connection:
            return check_fresh(connection, find_sources(connection), now=now, max_age_hours=24)

    assert stale() == {two_domains.sources["north"]}
    set_loaded(two_domains, north=fresh)
    assert stale() == frozenset()
    for names in (("ad", "north"), ("entra",), ("workers",)):
        set_loaded(two_domains, **dict.fromkeys(names, old))
        with pytest.raises(PlanError, match=f"the load of {names[0]} is stale"):
            stale()
        set_loaded(two_domains, **dict.fromkeys(names, fresh))


def test_a_table_that_is_not_what_was_loaded_is_no_ground_for_a_plan(rehearsal):
    with rehearsal.store() as store:
        with store.write() as connection:
            connection.execute(update(LOADED["ad_user"]).values(title="edited"))
        found = list(check(store))
        with store.write() as connection:
            record_checks(connection, found, "2026-03-10 12:00:00.000000")
        with pytest.raises(PlanError, match="contoso: ad_user is not what was loaded: a verification found it at 2026"):
            build_plan(rehearsal.config, store)


def test_a_load_found_broken_after_the_plan_stops_the_writing_and_not_the_way_back(recon):
    one = ("apply", "latest", "--commit")
    recon("plan")
    plan = load_plan(recon.rehearsal.folder / "plans", "latest")
    assert recon(*one)[0] == 0
    with recon.rehearsal.store() as store:
        with store.write() as connection:
            connection.execute(update(LOADED["ad_user"]).values(title="edited"))
        found = list(check(store))
        with store.write() as connection:
            record_checks(connection, found, utc_now_text())
    writes = len(recon.rehearsal.graph.writes)
    for arguments in (one, one[:2]):
        code, _, err = recon(*arguments)
        assert (code, len([line for line in err.splitlines() if line.startswith("recon: ")])) == (1, 1)
        assert f"plan {plan.short} stands on contoso: ad_user is not what was loaded" in err
    assert len(recon.rehearsal.graph.writes) == writes
    with recon.rehearsal.store() as store, store.write() as connection:
        # a later full load mends the table, not the plan
        run = connection.scalar(select(func.max(load_run.c.run_id)))
        mine = select(source.c.source_id).where(source.c.name == "contoso").scalar_subquery()
        later = {"run_id": run + 1, "source_id": mine, "status": "published", "started_at": utc_now_text()}
        later |= {"tool_version": "1", "schema_version": 1}
        connection.execute(insert(load_run).values(later))
        connection.execute(insert(load_run_table).values(run_id=run + 1, table_name="ad_user"))
    assert f"plan {plan.short} stands on contoso" in recon(*one)[2]
    assert recon("undo", plan.short)[0] == 0
    undo = load_plan(recon.rehearsal.folder / "plans", "latest")
    assert undo.header["kind"] == "undo"
    assert recon("apply", undo.short, "--commit")[0] == 0
    assert len(recon.rehearsal.graph.writes) == 2 * writes


def test_the_header_describes_the_loads(rehearsal):
    with rehearsal.store() as store, store.read() as connection:
        found = describe(connection, find_sources(connection))
    assert [(each["name"], each["read"]) for each in found] == [("entra", "full"), ("contoso", "full"), ("hr", "full")]
    assert len(found[0]["fingerprints"]["entra_user"]) == 32
    assert set(found[2]["fingerprints"]) >= {"worker"}


EXTENSION = "extension_0a1b2c3d4e5f60718293a4b5c6d7e8f9_department"


@pytest.mark.parametrize(("mode", "code"), [("fill", "item"), ("owned", "item"), ("replace", "unknown_value")])
def test_an_extension_attribute_is_decided_at_the_write(rehearsal, mode, code):
    mapping = Mapping(attribute=EXTENSION, source="worker.department", mode=mode)
    backfill = rehearsal.config.backfill.model_copy(update={"mapping": (mapping,)})
    config = rehearsal.config.model_copy(update={"backfill": backfill})
    with rehearsal.store() as store:
        plan = build_plan(config, store)
    found = {item.worker_id: "item" for item in plan.items()} | {each.worker_id: each.code for each in plan.reasons()}
    assert found[JOERG] == code
    assert plan.attributes == (EXTENSION,)
    for item in plan.items():
        assert (item.before, len(item.after)) == ((), 1)
    # what the loads do not say, the re-read must: a value there, or an answer without the property, is not written over
    item = replace(next(plan.items(), None) or sample_item(1), attribute=EXTENSION, after=("Sales",))
    body = user_of(item)
    assert judge_fresh(item, Reply(200, body=body | {EXTENSION: None})) == Write((), ("Sales",))
    assert judge_fresh(item, Reply(200, body=body | {EXTENSION: "Legal"})).reason == "value_changed"
    assert judge_fresh(item, Reply(200, body=body | {EXTENSION: "Sales"})).reason == "already_present"
    assert judge_fresh(item, Reply(200, body=body)).reason == "unknown_value"

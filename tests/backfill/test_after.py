"""What comes before and after the writing: rehearsal, verification, the tables, the way back, the evidence."""

import csv
import hashlib
import io
import json
import stat
import time
import zipfile

import pytest
from sqlalchemy import select

from recon.backfill.build import build_plan
from recon.backfill.campaign import apply_plan, refresh_ledger
from recon.backfill.journal import Journal, read_entries, read_journal
from recon.backfill.lanes import Inline
from recon.backfill.pacing import Pacer, Quota
from recon.backfill.plan import freeze, load_plan
from recon.backfill.precondition import Reply
from recon.backfill.rehearse import read_rehearsal, rehearse
from recon.backfill.stops import Limits
from recon.backfill.verify import verify
from recon.backfill.virtual import VirtualTime
from recon.backfill.writer import GraphWriter
from recon.errors import PlanError
from recon.lab.graph import App, GraphSimulator
from recon.lab.graph import Tenant as GraphTenant
from recon.lab.graph.inprocess import InProcessGraph
from recon.store.backfill_tables import backfill_item, backfill_plan
from recon.store.tables import LOADED, source
from tests.backfill.make import TENANT, header, item, plan_of
from tests.backfill.tenant import Clock, Tenant, user_of
from tests.backfill.test_apply import clock_waiting, run


def looked(plan, tenant, *, patience=60.0, clock=None):
    """One verification of the plan."""
    clock = clock or Clock()
    with Journal(plan.journal_file) as journal:
        pacer = Pacer(1.0, quota=Quota(3_500, 10), burst=350, clock=clock)
        return verify(
            plan, journal, Inline(tenant), pacer,
            patience=patience, user="tester", waiting=clock_waiting(clock), clock=clock,
        )  # fmt: skip


def written_plan(tmp_path, count):
    plan = plan_of(tmp_path, count)
    tenant = Tenant.of(list(plan.items()))
    run(plan, tenant)
    return plan, tenant


def test_verification_reports_each_drift_and_journals_it(tmp_path):
    plan, tenant = written_plan(tmp_path, 30)
    tenant.users[item(3).object_id]["otherMails"] = ["own@choice.example"]
    del tenant.users[item(4).object_id]
    tenant.users[item(5).object_id]["otherMails"] = ...
    result = looked(plan, tenant)
    assert result.counts == {"consistent": 27, "drifted": 1, "deleted": 1, "unreadable": 1}
    assert {(drift.item.object_id, drift.verdict, drift.found) for drift in result.drifts} == {
        (item(3).object_id, "drifted", ("own@choice.example",)),
        (item(4).object_id, "deleted", None),
        (item(5).object_id, "unreadable", None),
    }
    state = read_journal(plan.journal_file)
    assert [state.verified[number] for number in (2, 3, 4, 5)] == ["consistent", "drifted", "deleted", "unreadable"]
    assert (len(state.verified), state.runs) == (30, 1)
    found = next(entry for entry in read_entries(plan.journal_file) if entry.get("verdict") == "drifted")
    assert found["found"] == ["own@choice.example"]


def test_what_shows_late_is_waited_for_and_no_longer_than_asked(tmp_path):
    plan, tenant = written_plan(tmp_path, 5)
    late, clock = {item(2).object_id: 2}, Clock()

    def stale(kind, object_id):
        if kind == "read" and late.get(object_id, 0):
            late[object_id] -= 1
            return Reply(200, body=tenant.users[object_id] | {"otherMails": []})
        return None

    tenant.fault = stale
    result = looked(plan, tenant, clock=clock)
    assert (result.counts, result.rounds) == ({"consistent": 5}, 3)
    assert clock.now >= 1015  # 5 s, then 10 s
    late[item(2).object_id] = 99
    clock = Clock()
    result = looked(plan, tenant, patience=60, clock=clock)
    assert result.counts == {"consistent": 4, "drifted": 1}
    assert 1000 < clock.now <= 1061


def test_the_journal_goes_on_after_a_verification(tmp_path):
    plan = plan_of(tmp_path, 3)
    tenant = Tenant.of(list(plan.items()), fault=lambda kind, o: Reply(503) if o == item(1).object_id else None)
    run(plan, tenant)
    tenant.fault = lambda _kind, _object_id: None
    assert looked(plan, tenant).counts == {"consistent": 2}
    assert run(plan, tenant).counts == {"done": 1}
    assert looked(plan, tenant).counts == {"consistent": 3}


def test_nothing_to_verify(recon):
    recon("plan")
    code, _, err = recon("verify", "latest")
    assert (code, len(err.splitlines())) == (1, 1)
    assert "has written nothing" in err


def rows(text):
    return list(csv.reader(io.StringIO(text)))


def test_rehearse_write_verify_undo_and_the_evidence(recon, tmp_path):
    recon("plan")
    rehearsal = recon.rehearsal
    plan = load_plan(rehearsal.folder / "plans", "latest")
    code, out, err = recon("rehearse", plan.short, "--profile", "storm", "--format", "csv")
    assert code == 0, err
    counted = dict(rows(out)[1:])
    assert sum(int(number) for what, number in counted.items() if what.startswith("done: ")) == 5
    assert counted["left"] == "0"
    assert "predicted duration 0:00:" in err
    page = (plan.folder / "plan.html").read_text(encoding="utf-8")
    assert 'id="rehearsal">Under the fault profile storm: ' in page
    assert f"shown on its page, {plan.folder / 'plan.html'}" in err
    kept = read_rehearsal(plan)
    assert (kept["items"], kept["left"], kept["stopped"], kept["write_share"]) == (5, 0, None, 1.0)
    assert stat.S_IMODE((plan.folder / "rehearsal.json").stat().st_mode) == 0o600
    assert rehearsal.graph.writes == []
    assert not plan.journal_file.exists()

    assert recon("apply", plan.short, "--commit")[0] == 0
    code, out, err = recon("verify", plan.short, "--format", "csv")
    assert (code, len(rows(out))) == (0, 1)
    assert "5 of 5 stand as written" in err
    first, second, *_ = plan.items()
    rehearsal.graph.change_user(rehearsal.tenant, first.object_id, otherMails=["own.choice@mail.example"])
    rehearsal.graph.remove_user(rehearsal.tenant, second.object_id)
    code, out, err = recon("verify", plan.short, "--patience", "0", "--format", "json")
    assert code == 4
    assert {(each["verdict"], each["found"]) for each in json.loads(out)} == {
        ("drifted", "o***@m***.example"), ("deleted", ""),
    }  # fmt: skip
    assert rows(recon("status", plan.short, "--format", "csv")[1])[-3:] == [
        ["verified", "consistent", "3"], ["verified", "deleted", "1"], ["verified", "drifted", "1"],
    ]  # fmt: skip

    with rehearsal.store() as store, store.read() as connection:
        derived = connection.execute(
            select(backfill_item.c.outcome, backfill_item.c.verdict, backfill_item.c.after_masked, backfill_item.c.code)
            .where(backfill_item.c.plan == plan.hash)
            .order_by(backfill_item.c.item_number)
        ).all()
        assert [row.verdict for row in derived] == ["drifted", "deleted", "consistent", "consistent", "consistent"]
        assert {row.outcome for row in derived} == {"done"}
        assert all("***@" in row.after_masked for row in derived)
        assert connection.scalars(select(backfill_plan.c.run_count)).all() == [1]
        before = connection.execute(select(backfill_item)).all()
    with rehearsal.store() as store, store.write() as connection:
        connection.execute(backfill_item.delete())
    assert "5 rows of backfill_item made anew" in recon("status", "--rebuild")[2]
    with rehearsal.store() as store, store.read() as connection:
        assert connection.execute(select(backfill_item)).all() == before

    target = tmp_path / "evidence.zip"
    code, out, err = recon("evidence", plan.short, "--output", str(target), "--format", "csv")
    assert code == 0, err
    check_evidence(target, plan, is_masked=True)
    code, _, err = recon("evidence", plan.short, "--output", str(target))
    assert (code, len(err.splitlines())) == (2, 1)
    clear = tmp_path / "clear.zip"
    assert recon("evidence", plan.short, "--output", str(clear), "--unmask")[0] == 0
    check_evidence(clear, plan, is_masked=False)

    code, out, err = recon("undo", plan.short, "--format", "csv")
    assert code == 0
    assert dict(rows(out)[1:]) == {
        "item": "3",
        "deleted": "1",
        "value_changed": "1",
        "in scope": "5",
        "out of scope": "0",
    }
    assert "2 cannot be taken back" in err
    undo = load_plan(rehearsal.folder / "plans", "latest")
    assert recon("apply", undo.short, "--commit")[0] == 0
    assert rehearsal.values([each.object_id for each in undo.items()]) == [[]] * 3
    assert rehearsal.values([first.object_id]) == [["own.choice@mail.example"]]
    redo = recon("undo", undo.short, "--format", "csv")[1]
    assert dict(rows(redo)[1:])["item"] == "3"


def check_evidence(target, plan, *, is_masked):
    """Every file of the zip has the hash of the manifest, and no address is clear that must not be."""
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    address = next(plan.items()).after[0]
    with zipfile.ZipFile(target) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(files.pop("manifest.json"))
    assert set(files) == set(manifest["files"])
    assert {"plan/plan.json", "plan/items.jsonl", "plan/reasons.jsonl", "plan/rehearsal.json", "journal.jsonl",
            "items.csv", "loads.json", "report.html"} <= set(files)  # fmt: skip
    for name, data in files.items():
        assert manifest["files"][name]["sha256"] == hashlib.sha256(data).hexdigest()
    assert any(address.encode() in data for data in files.values()) is not is_masked
    journal = hashlib.sha256(plan.journal_file.read_bytes()).hexdigest()
    assert manifest["files"]["journal.jsonl"]["sha256_on_disk" if is_masked else "sha256"] == journal
    assert manifest["outcomes"] == {"done: written": 5}
    loads = json.loads(files["loads.json"])
    assert {each["load"]["status"] for each in loads} == {"published"}
    assert all(each["tables"] for each in loads)


def test_evidence_of_a_damaged_journal_is_refused(recon, tmp_path):
    recon("plan")
    plan = load_plan(recon.rehearsal.folder / "plans", "latest")
    assert recon("apply", plan.short, "--commit")[0] == 0
    data = plan.journal_file.read_bytes()
    plan.journal_file.write_bytes(data.replace(b"written", b"wrotten", 1))
    target = tmp_path / "evidence.zip"
    code, _, err = recon("evidence", plan.short, "--output", str(target))
    assert (code, len(err.splitlines())) == (1, 1)
    assert "the journal is damaged" in err
    assert list(tmp_path.glob("*evidence*")) == []
    with pytest.raises(PlanError, match="damaged"):
        read_journal(plan.journal_file)


def test_who_left_since_the_plan_is_not_written(recon):
    recon("plan")
    rehearsal = recon.rehearsal
    plan = load_plan(rehearsal.folder / "plans", "latest")
    leaver, gone, *_ = (each for each in plan.items() if not each.may_be_disabled)
    file = rehearsal.folder / "workers.csv"
    with file.open(newline="", encoding="utf-8") as read:
        people = list(csv.DictReader(read))
    for person in people:
        if person["WorkerID"] == leaver.worker_id:
            person["TerminationDate"] = person["HireDate"]
    with file.open("w", newline="", encoding="utf-8") as write:
        writer = csv.DictWriter(write, list(people[0]))
        writer.writeheader()
        writer.writerows(person for person in people if person["WorkerID"] != gone.worker_id)
    rehearsal.load_workers()
    code, out, err = recon("apply", plan.short, "--commit", "--format", "csv")
    assert code == 0, err
    assert ["not written", "terminated", "2"] in rows(out)
    assert {write.user_id for write in rehearsal.graph.writes}.isdisjoint({leaver.object_id, gone.object_id})
    assert len(rehearsal.graph.writes) == 3


def test_undo_names_who_has_an_authentication_email(recon):
    rehearsal = recon.rehearsal
    recon("plan")
    plan = load_plan(rehearsal.folder / "plans", "latest")
    recon("apply", plan.short, "--commit")
    assert "registration details are not loaded" in recon("undo", plan.short)[2]
    first, second, *_ = plan.items()
    with rehearsal.store() as store, store.write() as connection:
        number = connection.scalar(select(source.c.source_id).where(source.c.name == "entra"))
        for each, method in ((first, "email"), (second, "mobilePhone")):
            key = {"source_id": number, "id": each.object_id, "row_hash": b"", "run_id": 1, "position": 0}
            key |= {"value": method, "loaded_at": "2026-01-01 00:00:00.000000"}
            for name in ("entra_registration", "entra_registration_method"):
                table = LOADED[name]
                columns = {column: value for column, value in key.items() if column in table.c}
                connection.execute(table.insert().values(**columns))
    err = recon("undo", plan.short)[2]
    assert "1 have registered an Authentication Email, which no undo of otherMails takes back:" in err
    assert f"  {first.upn} ({first.worker_id})" in err
    assert second.upn not in err


def test_the_tables_follow_the_journal_on_each_engine(everywhere):
    with everywhere.store() as store:
        plan = build_plan(everywhere.config, store)
    everywhere.graph.service.directories[everywhere.tenant].privileged.clear()
    apply_plan(everywhere.config, plan)
    for _ in range(2):  # made anew, never added to
        assert refresh_ledger(everywhere.config, plan) is None
    with everywhere.store() as store, store.read() as connection:
        items = connection.execute(select(backfill_item).order_by(backfill_item.c.item_number)).mappings().all()
        plans = connection.execute(select(backfill_plan)).mappings().all()
    assert [(each["item_number"], each["outcome"], each["status"], each["attempts"]) for each in items] == [
        (number, "done", 204, 1) for number in range(5)
    ]
    assert all(each["intent_at"] <= each["outcome_at"] and each["before_masked"] is None for each in items)
    assert [(each["plan"], each["item_count"], each["run_count"], each["kind"]) for each in plans] == [
        (plan.hash, 5, 1, "fill")
    ]
    assert plans[0]["window_longest_ms"] >= plans[0]["window_median_ms"] > 0


def test_a_directory_extension_is_rehearsed(tmp_path):
    name = "extension_0123456789abcdef0123456789abcdef_costCenter"
    items = [item(number, attribute=name, after=(f"CC{number}",)) for number in range(3)]
    mappings = [{"attribute": name, "mode": "fill", "source": "worker.cost_center"}]
    plan = freeze(tmp_path / "plans", header(attribute=name, mappings=mappings), items)
    virtual = VirtualTime()
    users = [user_of(each) | {name: None} for each in items]
    users[2][name] = "CC9"
    simulator = GraphSimulator(
        [GraphTenant(TENANT, users)], apps={"app": App("s", ("User.ReadWrite.All",))}, monotonic=virtual.clock
    )
    graph = InProcessGraph(simulator, TENANT, "app")
    writer = GraphWriter(graph, graph, now=time.time, attributes=plan.attributes)
    report = rehearse(
        plan, writer, virtual, limits=Limits(), share=0.5, lanes=2, latency=(0.1, 0.2), profile="calm",
    )  # fmt: skip
    assert report["outcomes"] == {"done: written": 2, "skipped: value_changed": 1}
    assert [(write.property, write.after) for write in simulator.writes] == [(name, "CC0"), (name, "CC1")]
    assert read_rehearsal(plan) == report
    assert not plan.journal_file.exists()
    again = rehearse(
        plan, writer, VirtualTime(), limits=Limits(), share=0.5, lanes=2, latency=(0.1, 0.2), profile="calm",
    )  # fmt: skip
    assert again["outcomes"] == {"skipped: already_present": 2, "skipped: value_changed": 1}

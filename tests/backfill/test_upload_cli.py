"""`--via bulk-upload` as a person types it: what is refused before anything is sent, and the whole way."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections import Counter

import pytest
from sqlalchemy import insert, select

from recon.backfill.allowance import Allowance
from recon.backfill.journal import read_journal
from recon.backfill.plan import load_plan
from recon.backfill.upload_plan import check_schema
from recon.cli.main import run
from recon.decode.times import from_datetime
from recon.errors import PlanError
from recon.lab.graph.provisioning import ProvisioningJob
from recon.lab.sample import SampleCompany
from recon.store import Store
from recon.store.backfill_tables import backfill_plan, bulk_upload_hour
from tests.backfill.rehearsal import rehearse
from tests.backfill.uploading import JOB, SETTINGS, SP, URN, attribute, schema
from tests.servers.stores import fresh_database

TABLE = f"""
[bulk_upload]
service_principal_id = "{SP}"
job_id = "{JOB}"
urn = "{URN}"
columns = {{ worker_type = "WorkerType" }}

[campaign.nightly]
scope = "hybrid"
max_share = 1.0
"""
VIA = ("--via", "bulk-upload")


@pytest.fixture
def site(tmp_path, secrets, capsys):
    """The sample company with a provisioning job; `site(...)` runs `recon backfill …`."""
    permissions = ("Synchronization.Read.All", "ProvisioningLog.Read.All")
    writes = ("SynchronizationData-User.Upload", "User-Mail.ReadWrite.All")
    with rehearse(SampleCompany(), tmp_path, reads=permissions, writes=writes) as running:
        running.load()
        running.graph.service.directories[running.tenant].privileged.clear()
        job = ProvisioningJob(SP, JOB, schema())
        running.graph.add_job(running.tenant, job)
        file = tmp_path / "recon.toml"
        file.write_text(file.read_text(encoding="utf-8") + TABLE, encoding="utf-8")

        def call(*arguments):
            with pytest.raises(SystemExit) as ended:
                run(["--config", str(file), "backfill", *arguments])
            streams = capsys.readouterr()
            return ended.value.code, streams.out, streams.err

        call.rehearsal, call.job, call.file = running, job, file
        call.plan = lambda: load_plan(tmp_path / "plans", "latest")
        yield call


def rows(text):
    return list(csv.reader(io.StringIO(text)))


def uploads(site):
    return [each.status for each in site.rehearsal.graph.requests if each.target.endswith("/bulkUpload")]


def test_the_whole_way(site):
    site("plan")
    plan = site.plan()
    code, out, err = site("apply", "latest", *VIA, "--format", "csv")
    assert (code, rows(out)) == (0, [["decision", "items"], ["would be written", "5"]])
    assert err.rstrip().endswith(f"next: recon backfill apply {plan.short} --commit --via bulk-upload")
    assert uploads(site) == []

    code, out, err = site("apply", "latest", "--commit", *VIA, "--format", "json")
    assert (code, json.loads(out)) == (0, [
        {"outcome": "done", "reason": "", "items": 5}, {"outcome": "left", "reason": "", "items": 0},
    ])  # fmt: skip
    assert "knowing the outcome from the provisioning log (202 is not done): median" in err
    assert uploads(site) == [202, 202]  # the canary of 2, the rest
    ids = [item.object_id for item in plan.items()]
    assert site.rehearsal.values(ids) == [list(item.after) for item in plan.items()]
    assert Counter(write.user_id for write in site.rehearsal.graph.writes) == Counter(ids)

    code, out, err = site("status", plan.short, "--format", "csv")
    assert (code, rows(out)[1:]) == (0, [["done", "written", "5"], ["open", "", "0"]])
    assert "from the provisioning log (202 is not done), where nothing protects" in err
    assert site("verify", plan.short)[0] == 0
    with site.rehearsal.store() as store, store.read() as connection:
        assert connection.scalars(select(bulk_upload_hour.c.calls)).all() == [2]
        assert connection.scalars(select(backfill_plan.c.way)).all() == ["bulk-upload"]
    zipped = site.file.parent / "evidence.zip"
    assert site("evidence", plan.short, "--output", str(zipped))[0] == 0
    with zipfile.ZipFile(zipped) as files:
        page = files.read("report.html").decode()
    assert "knowing the outcome from the provisioning log (202 is not done), where nothing protects" in page

    assert site("undo", plan.short)[0] == 0
    undo = site.plan()
    code, out, err = site("apply", undo.short, "--commit", *VIA)
    assert (code, out, len(err.splitlines())) == (1, "", 3)
    assert "5 of 5 items are no fill (the first is of mode undo)" in err
    assert site("apply", undo.short, "--commit")[0] == 0
    assert site.rehearsal.values(ids) == [[]] * 5


def test_a_campaign_goes_the_same_way(site):
    code, out, err = site("run", "nightly", "--commit", *VIA, "--format", "json")
    assert code == 0, err
    found = {(row["step"], row["outcome"]): row["people"] for row in json.loads(out)}
    assert (found["apply", "done"], found["apply", "left"], found["verify", "consistent"]) == (5, 0, 5)
    assert read_journal(site.plan().journal_file).way == "bulk-upload"


def mapped(*attributes):
    return schema(attributeMappings=list(attributes))


ID, MAIL = attribute("externalId", "employeeId", 1), attribute(f"{URN}:PersonalEmail", "otherMails")
UPN = attribute("userName", "userPrincipalName", 2)
ASKS_MORE = {
    "groups": [
        {
            "name": "g",
            "clauses": [
                {"operatorName": "EQUALS", "sourceOperandName": f"{URN}:Company", "targetOperand": {"values": ["x"]}}
            ],
        }
    ]
}


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (schema(flowTypes="Add,Update"), "create-on (users): it creates users"),
        (schema(flowTypes="Update, Delete"), "delete-on (users): it deletes users"),
        (schema(flowTypes=None), "create-on (users)"),
        (mapped(ID, MAIL, attribute("active", "accountEnabled")), "extra-target (accountEnabled)"),
        (mapped(ID, MAIL, attribute("title", "jobTitle")), "extra-target (jobTitle)"),
        (mapped({**ID, "matchingPriority": 2}, MAIL, {**UPN, "matchingPriority": 1}), "match (users): it matches on"),
        (mapped(attribute("userName", "employeeId", 1), MAIL), "source (employeeId): it comes from userName"),
        (mapped(ID, attribute("title", "otherMails")), "source (otherMails): it comes from title, not straight from"),
        (mapped(ID, attribute(f"{URN}:PersonalEmail", "otherMails", 0, "Function")), "source (otherMails)"),
        (schema(scope=None), "no-scope (users: scope)"),
        (schema(scope=ASKS_MORE), f"scope-attribute (scope): the filter asks for {URN}:Company"),
        ({"id": "x"}, "schema cannot be audited: not a synchronization schema"),
    ],
)
def test_a_schema_that_does_more_or_else_is_refused(made, said):
    with pytest.raises(PlanError, match="nothing was sent: the provisioning job") as refused:
        check_schema(made, SETTINGS, ["otherMails"])
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_sound_schema_passes():
    check_schema(schema(), SETTINGS, ["otherMails", "usageLocation"])
    check_schema(mapped(ID, MAIL), SETTINGS, ["otherMails"])
    with pytest.raises(PlanError, match=r"source \(usageLocation\): it is not mapped"):
        check_schema(mapped(ID, MAIL), SETTINGS, ["otherMails", "usageLocation"])


def test_the_schema_is_read_in_each_run_and_nothing_is_sent_at_a_fault(site):
    site("plan")
    site.job.schema = schema(flowTypes="Add,Update")
    for commit in ((), ("--commit",)):
        code, out, err = site("apply", "latest", *commit, *VIA)
        assert (code, out) == (1, "")
        assert "create-on (users): it creates users" in err.splitlines()[-1]
    assert uploads(site) == []
    assert read_journal(site.plan().journal_file).runs == 0
    assert site("apply", "latest", "--commit")[0] == 0  # the other way is open still


def test_plans_that_do_more_than_fill_are_refused(site):
    text = site.file.read_text(encoding="utf-8")
    site.file.write_text(text + '[[backfill.mapping]]\nattribute = "otherMails"\nmode = "merge"\n', encoding="utf-8")
    site("plan")
    code, _, err = site("apply", "latest", "--commit", *VIA)
    assert (code, len(err.splitlines())) == (1, 3)
    assert "cannot go by bulk upload: it fills and nothing else" in err
    assert "is of mode merge" in err
    assert uploads(site) == []


def test_without_a_table_or_a_right_it_says_so(site):
    site("plan")
    text = site.file.read_text(encoding="utf-8")
    site.file.write_text(text.replace("[bulk_upload]", "[bulk_uploads]"), encoding="utf-8")
    assert site("apply", "latest", "--commit", *VIA)[0] == 2
    site.file.write_text(text.partition("[bulk_upload]")[0], encoding="utf-8")
    code, _, err = site("apply", "latest", "--commit", *VIA)
    assert (code, err.splitlines()[-1][:50]) == (2, "recon: there is no [bulk_upload] in recon.toml. Do")
    site.file.write_text(text.replace("worker_type = ", "workertype = "), encoding="utf-8")
    code, _, err = site("apply", "latest", "--commit", *VIA)
    assert (code, "[bulk_upload] columns names workertype, which no worker has" in err) == (2, True)
    # the application for reading may not upload
    site.file.write_text(text.replace('writer_client_id = "writer"\n', ""), encoding="utf-8")
    code, _, err = site("apply", "latest", "--commit", *VIA)
    assert code == 1
    assert "Grant the application permission SynchronizationData-User.Upload and admin consent" in err
    assert site.rehearsal.graph.writes == []


def test_a_run_that_is_used_up_ends_with_4_and_goes_on_another_day(site):
    site.file.write_text(
        site.file.read_text(encoding="utf-8").replace("columns = {", "daily_calls = 1\ncolumns = {"), encoding="utf-8"
    )
    site("plan")
    code, out, err = site("apply", "latest", "--commit", *VIA, "--format", "csv")
    assert (code, rows(out)[1:]) == (4, [["done", "", "2"], ["left", "", "3"]])
    assert "the tenant's bulk uploads of 24 hours are used up: 3 items are left" in err
    assert site("apply", "latest", "--commit", *VIA)[0] == 4
    assert uploads(site) == [202]
    with site.rehearsal.store() as store, store.write() as connection:  # a day goes by
        connection.execute(bulk_upload_hour.update().values(hour="2020-01-01 00:00:00.000000"))
    assert site("apply", "latest", "--commit", *VIA)[0] == 0
    assert uploads(site) == [202, 202]
    assert read_journal(site.plan().journal_file).intents == {}


@pytest.mark.parametrize("engine", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def test_the_allowance_holds_in_any_24_hours(engine, tmp_path, request):
    from datetime import UTC, datetime, timedelta

    def check(url):
        now = [datetime(2026, 1, 5, 10, 30, tzinfo=UTC)]
        with Store.open(url) as store:
            allowance = Allowance(store, "TENANT", 3, now=lambda: now[0])
            other = Allowance(store, "other", 1, now=lambda: now[0])
            assert [allowance.take() for _ in range(4)] == [True, True, True, False]
            assert [other.take(), other.take()] == [True, False]
            now[0] += timedelta(hours=13, minutes=45)  # another day, and not 24 hours
            assert not Allowance(store, "tenant", 3, now=lambda: now[0]).take()
            now[0] += timedelta(hours=11)
            assert [allowance.take() for _ in range(4)] == [True, True, True, False]
            with store.write() as connection:
                connection.execute(
                    insert(bulk_upload_hour),
                    {"tenant_id": "tenant", "hour": from_datetime(now[0] - timedelta(days=9)), "calls": 1},
                )
            assert not allowance.take()
            with store.read() as connection:
                hours = connection.execute(select(bulk_upload_hour.c.hour, bulk_upload_hour.c.calls).where(
                    bulk_upload_hour.c.tenant_id == "tenant").order_by(bulk_upload_hour.c.hour)).all()  # fmt: skip
            assert [calls for _, calls in hours] == [3, 3]

    if engine == "sqlite":
        check(f"sqlite:///{tmp_path / 'a.db'}")
    else:
        with fresh_database(request.getfixturevalue("postgresql_url")) as url:
            check(url)


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_ended_while_the_log_is_waited_for(site, number):
    site("plan")
    site.job.delay = 600
    plan = site.plan()
    command = [sys.executable, "-m", "recon", "--config", str(site.file), "backfill"]
    process = subprocess.Popen(
        [*command, "apply", plan.short, "--commit", *VIA], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    asked = "/auditLogs/provisioning"
    while not any(asked in each.target for each in site.rehearsal.graph.requests) and process.poll() is None:
        time.sleep(0.005)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    if number == signal.SIGINT:
        assert process.returncode == 130, err
        assert (
            f"5 items are left; recon backfill apply {plan.short} --commit --via bulk-upload goes on from there" in err
        )
    assert len(read_journal(plan.journal_file).intents) == 2  # the canary: staged, and not done

    code, out, err = site("apply", plan.short, "--commit")
    assert (code, out) == (1, "")
    assert f"plan {plan.short} was begun by bulk-upload and 5 of its items are open" in err.splitlines()[-1]
    code, out, err = site("status", plan.short, "--format", "csv")
    assert rows(out)[1:] == [["in doubt", "uploaded, no outcome known", "2"], ["open", "", "3"]]
    assert err.rstrip().endswith(f"next: recon backfill apply {plan.short} --commit --via bulk-upload")

    site.rehearsal.graph.advance(seconds=700)  # now the service applies what was staged
    site.job.delay = 0
    assert site("apply", plan.short, "--commit", *VIA)[0] == 0
    assert uploads(site) == [202, 202]
    assert read_journal(plan.journal_file).reasons == {("done", "written"): 5}
    assert Counter(write.user_id for write in site.rehearsal.graph.writes) == Counter(
        item.object_id for item in plan.items()
    )

"""The sample company's plan: everyone ends as the table of people says, and what may not be planned is refused."""

import re
import shutil
from collections import Counter
from dataclasses import fields

import pytest
from sqlalchemy import delete, insert, select, update

from recon.backfill.approval import operating_system_user
from recon.backfill.build import build_plan, check_unchanged, hours_later
from recon.backfill.items import AdAccount, EntraAccount
from recon.backfill.page import render_page
from recon.backfill.plan import load_plan
from recon.backfill.sources import find_sources
from recon.catalog import data_folder
from recon.config import load_config
from recon.decode.times import utc_now_text
from recon.errors import ConfigError, PlanError, UsageError
from recon.lab.sample import PEOPLE, SampleCompany, expected, written
from recon.pipeline.loads import load_source, sources
from recon.store.closure import closure_state
from recon.store.match_tables import clock
from recon.store.runs import begin_run, end_run
from recon.store.tables import LOADED, load_run, setting, source


def configured(rehearsal, old, new):
    """The configuration with one piece of its text replaced."""
    text = (rehearsal.folder / "recon.toml").read_text(encoding="utf-8")
    assert old in text
    file = rehearsal.folder / "other.toml"
    file.write_text(text.replace(old, new), encoding="utf-8")
    return load_config(file)


def codes(plan):
    """worker id to item or reason code."""
    return {item.worker_id: "item" for item in plan.items()} | {each.worker_id: each.code for each in plan.reasons()}


def worker_id(name):
    """Of a person of the sample company."""
    return SampleCompany().person(name).workers[0].worker_id


def test_everyone_ends_as_the_table_says(everywhere):
    company = SampleCompany()
    wanted = {}
    for named in PEOPLE:
        code = expected(named)[1].partition(" ")[0]
        if code != "-":
            for record in company.person(written(named)).workers:
                wanted[record.worker_id] = code
    with everywhere.store() as store:
        plan = build_plan(everywhere.config, store)
    assert codes(plan) == wanted
    counts = Counter(wanted.values())
    assert plan.item_count == counts.pop("item")
    assert plan.header["reasons"] == counts
    assert plan.item_count + sum(plan.header["reasons"].values()) == plan.scope_count == len(wanted)
    assert plan.scope_count + plan.header["out_of_scope"] == len(everyone(everywhere))
    prehires = [item.worker_id for item in plan.items() if item.may_be_disabled]
    assert prehires == [worker_id("Mette Østergaard")]
    assert {item.rule for item in plan.items()} == {"anchor"}


def everyone(rehearsal):
    worker = LOADED["worker"]
    with rehearsal.store() as store, store.read() as connection:
        return connection.execute(worker.select()).all()


def test_the_header_says_what_the_plan_stands_on(rehearsal):
    with rehearsal.store() as store:
        plan = build_plan(rehearsal.config, store, now=utc_now_text())
    header = load_plan(rehearsal.folder / "plans", plan.hash).header
    assert header["tenant_id"] == rehearsal.tenant
    assert [(each["name"], each["kind"]) for each in header["sources"]] == [
        ("entra", "entra"), ("contoso", "ad"), ("hr", "workers"),
    ]  # fmt: skip
    assert all(each["load_run"] >= 1 and each["load_finished_at"] for each in header["sources"])
    assert header["expires_at"] == hours_later(header["created_at"], 24)
    assert header["scope"]["name"] == "hybrid"
    assert header["scope"]["groups"][0][0] == {"column": "company", "op": "EQUALS", "value": "Contoso Corp"}
    # every UPN suffix in use is a company domain, the one that cannot be routed too
    assert header["company_domains"] == ["ad.contoso.local", "contoso.example", "contoso.onmicrosoft.example"]
    assert header["attribute"] == "otherMails"
    assert header["mappings"] == [
        {"attribute": "otherMails", "source": "worker.personal_mail", "mode": "fill", "position": "last"}
    ]
    assert header["planner"] == operating_system_user()
    assert header["thresholds"] == {"max_items": 500, "max_share": 0.5, "max_replaced": 0}
    first = next(plan.items())
    assert set(first.evidence) == {"immutable_id", "ad_guid", "rules_agreeing", "hr_name", "ad_name", "entra_name"}


def test_verified_domains_of_the_tenant_are_the_companys(rehearsal):
    table = LOADED["entra_domain"]
    with rehearsal.store() as store:
        with store.write() as connection:
            tenant = connection.scalar(select(LOADED["entra_user"].c.source_id).limit(1))
            for name, is_verified in (("brand.example", 1), ("claimed.example", 0)):
                row = {"source_id": tenant, "run_id": 1, "row_hash": b"", "loaded_at": utc_now_text()}
                connection.execute(insert(table).values(id=name, domain_key=name, isverified=is_verified, **row))
        plan = build_plan(rehearsal.config, store, now=utc_now_text())
    domains = load_plan(rehearsal.folder / "plans", plan.hash).header["company_domains"]
    assert "brand.example" in domains
    assert "claimed.example" not in domains


def test_without_a_scope(rehearsal):
    config = configured(rehearsal, 'scope = "hybrid"\n', "")
    with rehearsal.store() as store:
        with pytest.raises(UsageError, match="no scope: without a filter every worker would be written"):
            build_plan(config, store)
        assert build_plan(config, store, scope="hybrid").item_count == 5


def test_unknown_columns_and_groups(rehearsal):
    with rehearsal.store() as store:
        with pytest.raises(ConfigError, match=r"names column Company, which no worker has; did you mean company\?"):
            build_plan(configured(rehearsal, 'column = "company"', 'column = "Company"'), store)
        for bad in ("worker.nothing", "ad_user.objectguid", "entra_user.mail", "personal_mail"):
            with pytest.raises(ConfigError, match=r"\[backfill\] source"):
                build_plan(configured(rehearsal, "canary = 2", f'source = "{bad}"'), store)
        with pytest.raises(ConfigError, match="no loaded group is called Backfill deny-list"):
            build_plan(configured(rehearsal, "Backfill deny list", "Backfill deny-list"), store)
        with pytest.raises(UsageError, match="accountEnabled may not be written"):
            build_plan(rehearsal.config, store, attribute="accountEnabled")
        with pytest.raises(UsageError, match="no tenant is called north"):
            build_plan(rehearsal.config, store, entra="north")


def test_stale_and_missing_loads(rehearsal):
    late = hours_later(utc_now_text(), 25)
    with rehearsal.store() as store:
        with pytest.raises(PlanError, match=r"the load of .* is stale: .* over 24 hours ago") as caught:
            build_plan(rehearsal.config, store, now=late)
        assert caught.value.hint is not None
        assert caught.value.hint.startswith("recon load ")
        with store.write() as connection:
            connection.execute(update(setting).where(setting.c.name == "load_max_age_hours").values(value_int=48))
        assert build_plan(rehearsal.config, store, now=late).item_count > 0
        with pytest.raises(PlanError, match=r"the load of .* ended at .* UTC, which is yet to come: a clock was wrong"):
            build_plan(rehearsal.config, store, now=hours_later(utc_now_text(), -1))
        load_source(rehearsal.config, store, sources(rehearsal.config, "workers")[0])
        with pytest.raises(PlanError, match="the matches are older than the loads") as caught:
            build_plan(rehearsal.config, store)
        assert caught.value.hint == "recon refresh"
        with store.write() as connection:
            connection.execute(delete(clock))
        with pytest.raises(PlanError, match="the matches are older"):
            build_plan(rehearsal.config, store)
        with store.write() as connection:
            connection.execute(update(source).where(source.c.name == "hr").values(load_finished_at=None))
        with pytest.raises(PlanError, match="hr has not been loaded"):
            build_plan(rehearsal.config, store)


def test_where_nested_memberships_were_cut_nobody_knows_who_is_privileged(rehearsal):
    with rehearsal.store() as store:
        with store.write() as connection:
            connection.execute(update(closure_state).values(is_complete=0, max_depth=3))
        with pytest.raises(
            PlanError, match="ad_member_closure is complete to 3 steps only: who is privileged"
        ) as caught:
            build_plan(rehearsal.config, store)
        assert caught.value.hint is not None
        assert "closure_max_rows" in caught.value.hint


def test_the_configured_tenant_must_be_the_loaded_one(rehearsal):
    config = configured(rehearsal, rehearsal.tenant, "5f1c0ffe-0000-4000-8000-000000000bad")
    with rehearsal.store() as store, pytest.raises(PlanError, match=r"entra was loaded from tenant 5f1c0ffe.*c0de"):
        build_plan(config, store)


def test_a_limit_leaves_the_rest_for_later(rehearsal):
    with rehearsal.store() as store:
        whole = build_plan(rehearsal.config, store)
        part = build_plan(rehearsal.config, store, limit=2)
    assert (part.item_count, part.header["reasons"]["over_limit"]) == (2, whole.item_count - 2)
    assert part.scope_count == whole.scope_count


def test_the_value_may_come_from_ad(rehearsal):
    user = LOADED["ad_user"]
    names = {"Jörg Müller": "a@mail.example", "Aarav Kulkarni": "b@mail.example", "Chloé Dupré": " B@mail.example "}
    config = configured(rehearsal, "canary = 2", 'source = "ad_user.extensionAttribute1"')
    with rehearsal.store() as store:
        with store.write() as connection:
            connection.execute(update(user).values(extensionattribute1=None))
            for name, value in names.items():
                row = update(user).where(user.c.employeeid_key == worker_id(name))
                connection.execute(row.values(extensionattribute1=value))
        plan = build_plan(config, store)
    assert [(item.worker_id, item.after) for item in plan.items()] == [(worker_id("Jörg Müller"), ("a@mail.example",))]
    found = codes(plan)
    assert {found[worker_id(name)] for name in ("Aarav Kulkarni", "Chloé Dupré")} == {"shared_mail"}
    assert found[worker_id("Mette Østergaard")] == "no_value"


def test_usage_location(rehearsal):
    with rehearsal.store() as store:
        plan = build_plan(rehearsal.config, store, attribute="usageLocation")
    assert plan.header["mappings"][0]["source"] == "worker.country_code"
    found = codes(plan)
    assert found[worker_id("Ελένη Παππά")] == "item"
    assert next(item.after for item in plan.items() if item.worker_id == worker_id("Ελένη Παππά")) == ("GR",)
    assert found[worker_id("George Pemberton")] == "would_replace"
    assert found[worker_id("Imogen Ackroyd")] == "already_present"


def test_a_load_published_meanwhile_spoils_the_plan(rehearsal):
    with rehearsal.store() as store:
        with store.read() as connection:
            found = find_sources(connection)
        check_unchanged(store, found, None)
        rehearsal.load_entra()
        with pytest.raises(PlanError, match="a load was published while the plan was being made"):
            check_unchanged(store, found, None)


def test_a_folder_that_cannot_be_written(rehearsal):
    shutil.rmtree(rehearsal.folder / "plans", ignore_errors=True)
    (rehearsal.folder / "plans").write_text("a file")
    with rehearsal.store() as store, pytest.raises(PlanError, match="the plan cannot be written to"):
        build_plan(rehearsal.config, store)


FILES = sorted((data_folder("sql") / "plan").glob("*.sql"))


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_the_selects_declare_their_parameters_and_grain(path):
    text = path.read_text(encoding="utf-8")
    declared = set(re.findall(r"^-- param: (\w+) int \S", text, re.MULTILINE))
    body = "\n".join(line for line in text.splitlines() if not line.startswith("--"))
    assert set(re.findall(r":(\w+)", body)) == declared == {
        "worker_source_id", "other_source_id", "first_row", "last_row",
    }  # fmt: skip
    assert "One row per worker" in " ".join(text.replace("--", " ").split())
    assert body.strip().startswith("select")


@pytest.mark.parametrize(("name", "kind"), [("plan_ad_account", AdAccount), ("plan_entra_account", EntraAccount)])
def test_the_selects_of_accounts_have_the_fields_in_their_order(name, kind):
    text = (data_folder("sql") / "plan" / f"{name}.sql").read_text(encoding="utf-8")
    columns = re.findall(r"^    \w\.(\w+)(?: as (\w+))?,?$", text, re.MULTILINE)
    assert [alias or column for column, alias in columns] == ["worker_row_id", *(each.name for each in fields(kind))]


def test_what_is_doubtful_about_a_load_is_stamped_on_the_plan(everywhere):
    with everywhere.store() as store:
        assert build_plan(everywhere.config, store).header["doubts"] == []
        with store.read() as connection:
            entra = find_sources(connection, None).entra
        end_run(store, begin_run(store, entra.source_id), "failed", "the connection was reset")
        plan = build_plan(everywhere.config, store)
        with store.write() as connection:  # shared with other tests: as it was
            connection.execute(delete(load_run).where(load_run.c.status == "failed"))
    (doubt,) = plan.header["doubts"]
    assert re.fullmatch(rf"{entra.name} could not be read at .* \(failed: the connection was reset\); .*", doubt)
    assert "the connection was reset" in "".join(render_page(plan))

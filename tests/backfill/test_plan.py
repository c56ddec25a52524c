"""A plan is frozen: its hash names it, and a changed byte shows."""

import json
import os
import stat
from dataclasses import replace

import pytest

from recon.backfill.approval import approve
from recon.backfill.items import Item, Reason, same_value
from recon.backfill.plan import canonical, check_applicable, find_plan, freeze, load_plan
from recon.errors import PlanError, UsageError
from tests.backfill.make import TENANT, header, item, plan_of

REASON = Reason("no_match", "no account carries the employee id", "hr", "W9", "9")


def test_round_trip(tmp_path):
    made = freeze(tmp_path / "plans", header(), [item(0), REASON, item(1, after=("ü@x.example",))])
    read = load_plan(tmp_path / "plans", made.hash)
    assert read == made
    assert list(read.items()) == [item(0), item(1, after=("ü@x.example",))]
    assert list(read.reasons()) == [REASON]
    assert (read.item_count, read.scope_count, read.header["reasons"]) == (2, 3, {"no_match": 1})
    assert [entry.name for entry in (tmp_path / "plans").iterdir()] == [made.hash]


@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX")
def test_modes(tmp_path):
    made = plan_of(tmp_path, 2)
    assert stat.S_IMODE(made.folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in made.folder.iterdir()} == {0o600}
    assert len(list(made.folder.iterdir())) == 3


def test_the_hash_is_the_content(tmp_path):
    same = plan_of(tmp_path / "a", 3)
    assert plan_of(tmp_path / "b", 3).hash == same.hash
    assert plan_of(tmp_path / "c", 4).hash != same.hash
    assert plan_of(tmp_path / "d", 3, tenant_id="other").hash != same.hash


def change_header(folder, **values):
    file = folder / "plan.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | values))


@pytest.mark.parametrize("values", [{"tenant_id": "other"}, {"items": 2}, {"expires_at": "2099-01-01"}, {"more": 1}])
def test_a_changed_header_shows(tmp_path, values):
    made = plan_of(tmp_path, 3)
    change_header(made.folder, **values)
    with pytest.raises(PlanError, match=f"plan {made.short} was changed after it was made"):
        load_plan(tmp_path / "plans", made.hash)


@pytest.mark.parametrize("name", ["items.jsonl", "reasons.jsonl"])
def test_changed_lines_show(tmp_path, name):
    made = freeze(tmp_path / "plans", header(), [item(0), REASON])
    file = made.folder / name
    whole = file.read_bytes()
    for changed in (whole.replace(b"hr", b"xx"), whole + whole, b"", whole[:-1]):
        file.write_bytes(changed)
        with pytest.raises(PlanError, match="was changed after it was made"):
            load_plan(tmp_path / "plans", made.hash)
    file.write_bytes(whole)
    assert load_plan(tmp_path / "plans", made.hash) == made


@pytest.mark.parametrize(
    ("change", "good"),
    [
        (lambda whole: whole.replace(b"u2400@mail", b"evil1@mail"), 2_000),
        (lambda whole: whole.replace(b"u1999@mail", b"evil1@mail"), 1_000),
        (lambda whole: whole[: len(whole) // 2], 1_000),
        (lambda whole: whole + whole[:400], 2_000),
    ],
)
def test_items_changed_after_the_check_are_not_handed_out(tmp_path, change, good):
    made = plan_of(tmp_path, 2_500)
    for plan in (made, load_plan(tmp_path / "plans", made.hash)):
        file = plan.folder / "items.jsonl"
        whole = file.read_bytes()
        items = plan.items()
        seen = [next(items)]
        file.write_bytes(change(whole))
        with pytest.raises(PlanError, match=r"items\.jsonl was changed while it was carried out"):
            seen.extend(items)
        assert len(seen) == good
        file.write_bytes(whole)
        assert len(list(plan.items())) == 2_500


def test_another_hash_does_not_help(tmp_path):
    made = plan_of(tmp_path, 1)
    file = made.folder / "items.jsonl"
    file.write_bytes(file.read_bytes().replace(b"u0@", b"me@"))
    other = "0" * 64
    change_header(made.folder, hash=other)
    made.folder.rename(tmp_path / "plans" / other)
    with pytest.raises(PlanError, match="was changed"):
        load_plan(tmp_path / "plans", "0000")


def test_damaged_and_newer_files(tmp_path):
    made = plan_of(tmp_path, 1)
    (made.folder / "plan.json").write_text("{")
    with pytest.raises(PlanError, match="a line is not JSON"):
        load_plan(tmp_path / "plans", made.hash)
    (made.folder / "plan.json").write_text('{"format": 2}')
    with pytest.raises(PlanError, match="has format 2; this recon knows 1"):
        load_plan(tmp_path / "plans", made.hash)
    (made.folder / "plan.json").unlink()
    with pytest.raises(PlanError, match=r"plan\.json cannot be read"):
        load_plan(tmp_path / "plans", made.hash)


def test_names_of_plans(tmp_path):
    plans = tmp_path / "plans"
    with pytest.raises(UsageError, match="there is no plan"):
        find_plan(plans, "latest")
    old = plan_of(tmp_path, 1, created_at="2026-01-01 00:00:00.000000")
    new = plan_of(tmp_path, 2, created_at="2026-01-02 00:00:00.000000")
    assert find_plan(plans, "latest") == new.folder
    assert find_plan(plans, old.hash[:6].upper()) == old.folder
    for bad in ("..", "../../etc", "abc", "latest.", "zzzz", "", "*"):
        with pytest.raises(UsageError, match="is not a plan"):
            find_plan(plans, bad)
    with pytest.raises(UsageError, match="no plan begins with"):
        find_plan(plans, "f" * 64)
    twin = plans / (old.hash[:8] + "f" * 56)
    twin.mkdir()
    with pytest.raises(UsageError, match="2 plans begin with"):
        find_plan(plans, old.hash[:8])


def applicable(made, **values):
    options = {
        "tenant_id": TENANT,
        "now": "2026-01-05 12:00:00.000000",
        "max_items": 500,
        "max_share": 1.0,
        "allow_items": None,
    }
    check_applicable(made, **(options | values))


def test_other_tenant_and_expired(tmp_path):
    made = plan_of(tmp_path, 2)
    applicable(made, tenant_id=TENANT.upper())
    with pytest.raises(PlanError, match=r"is for tenant 1111.*; the configuration names 9"):
        applicable(made, tenant_id="9")
    applicable(made, now="2026-01-06 10:00:00.000000")
    with pytest.raises(PlanError, match="expired at 2026-01-06 10:00:00 UTC"):
        applicable(made, now="2026-01-06 10:00:00.000001")


def test_a_plan_of_the_future(tmp_path):
    made = plan_of(tmp_path, 2)
    applicable(made, now="2026-01-05 09:55:00.000000")  # two clocks
    said = "was made at 2026-01-05 10:00 UTC, which is yet to come: a clock was wrong"
    for check in (lambda now: applicable(made, now=now), lambda now: approve(made, change="1", user="ada", now=now)):
        with pytest.raises(PlanError, match=said):
            check("2026-01-05 09:45:00.000000")


def test_thresholds(tmp_path):
    made = freeze(
        tmp_path / "plans",
        header(thresholds={"max_items": 4, "max_share": 0.5}),
        [*(item(number) for number in range(3)), *[REASON] * 3],
    )
    applicable(made)
    with pytest.raises(PlanError, match="has 3 items, over max_items 2"):
        applicable(made, max_items=2)
    with pytest.raises(PlanError, match=r"would write 3 of 6 in scope, over max_share 0.49") as caught:
        applicable(made, max_share=0.49)
    assert caught.value.hint == "look at them, then --allow-items 3"
    applicable(made, max_share=0.49, max_items=1, allow_items=3)
    with pytest.raises(PlanError, match="--allow-items 4 does not name the plan's number of items, 3"):
        applicable(made, allow_items=4)
    frozen = freeze(tmp_path / "plans", header(thresholds={"max_items": 2, "max_share": 1.0}), made.items())
    with pytest.raises(PlanError, match="over max_items 2"):  # what the plan froze cannot be loosened later
        applicable(frozen, max_items=500)


def two_attributes(folder, outcomes, **values):
    mappings = [{"attribute": name, "source": "x", "mode": "fill"} for name in ("otherMails", "usageLocation")]
    return freeze(folder / "plans", header(mappings=mappings, **values), outcomes)


def test_several_attributes_stand_apart_and_add_up(tmp_path):
    mails = [item(number) for number in range(2)]
    places = [replace(each, attribute="usageLocation", after=("DE",)) for each in mails]
    missing = replace(REASON, attribute="otherMails"), replace(REASON, attribute="usageLocation", code="no_value")
    made = two_attributes(tmp_path, [mails[0], places[0], *missing, mails[1], places[1]])
    assert list(made.items()) == mails + places
    assert made.attributes == ("otherMails", "usageLocation")
    assert (made.item_count, made.scope_count) == (4, 3)
    assert made.header["reasons"] == {"no_match": 1, "no_value": 1}
    assert made.header["by_attribute"] == {
        "otherMails": {"item": 2, "no_match": 1}, "usageLocation": {"item": 2, "no_value": 1},
    }  # fmt: skip
    applicable(made, max_share=0.67)
    with pytest.raises(PlanError, match="would write 2 of 3 in scope"):
        applicable(made, max_share=0.6)
    assert list(load_plan(tmp_path / "plans", made.hash).items()) == mails + places


def test_attributes_that_count_different_people_are_no_plan(tmp_path):
    with pytest.raises(PlanError, match=r"does not add up: its attributes count \[1, 2\] people"):
        two_attributes(tmp_path, [item(0), item(1), replace(item(0), attribute="usageLocation", after=("DE",))])
    assert list((tmp_path / "plans").iterdir()) == []


def test_replacing_needs_its_own_word(tmp_path):
    made = freeze(
        tmp_path / "plans",
        header(thresholds={"max_items": 4, "max_share": 1.0, "max_replaced": 1}),
        [item(number, mode="replace", before=("old@mail.example",)) for number in range(2)],
    )
    assert made.replaced_count == 2
    with pytest.raises(PlanError, match="would replace 2 values that are not ours, over max_replaced 1") as caught:
        applicable(made, max_replaced=5)  # what the plan froze is stricter
    assert caught.value.hint == "look at them, then --allow-replace 2"
    with pytest.raises(PlanError, match="over max_replaced 0"):
        applicable(made, allow_items=2)  # the one word does not stand for the other
    with pytest.raises(PlanError, match="--allow-replace 3 does not name the number of replaced values, 2"):
        applicable(made, allow_replace=3)
    applicable(made, allow_replace=2)


def test_items_that_may_not_be_written_are_refused():
    sound = item(0).as_dict()
    assert Item.from_dict(sound) == item(0)
    for bad in ({"attribute": "accountEnabled"}, {"object_id": ""}, {"after": "x@y.example"}, {"after": [1]}, {"x": 1}):
        with pytest.raises(PlanError):
            Item.from_dict(sound | bad)
    with pytest.raises(PlanError):
        Item.from_dict({"object_id": "x"})


def test_canonical_form():
    assert canonical({"b": 1, "a": ["ü", None]}) == '{"a":["ü",null],"b":1}'.encode()
    assert same_value(("A@x.example", "b@x.example"), ("B@x.example", "a@X.example"))
    assert not same_value((), ("a@x.example",))


def test_unwritable_folder(tmp_path):
    (tmp_path / "plans").write_text("a file")
    with pytest.raises(PlanError, match="the plan cannot be written to"):
        plan_of(tmp_path, 1)


def test_nothing_is_left_of_a_plan_that_failed(tmp_path):
    def outcomes():
        yield item(0)
        raise PlanError("a load was published meanwhile")

    with pytest.raises(PlanError, match="meanwhile"):
        freeze(tmp_path / "plans", header(), outcomes())
    assert list((tmp_path / "plans").iterdir()) == []

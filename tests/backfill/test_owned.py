"""What is ours, by the journals: added and not taken away since, in this tenant."""

from recon.backfill.journal import Journal
from recon.backfill.owned import read_owned
from recon.backfill.plan import freeze
from tests.backfill.make import TENANT, header, item


def journaled(folder, number, before, after, *, at, outcome="done", attribute="otherMails", tenant=TENANT):
    """A plan of one item with its journal; `number` makes plans differ."""
    one = item(1, before=before, after=after, attribute=attribute, mode="owned")
    plan = freeze(folder / "plans", header(created_at=f"2026-01-05 10:00:{number:02d}.000000", tenant_id=tenant), [one])
    with Journal(plan.journal_file) as journal:
        journal.add({"type": "run", "plan": plan.hash, "tenant": tenant, "at": at})
        journal.add(
            {"type": "intent", "item": 0, "object_id": one.object_id, "attribute": attribute, "before": list(before),
             "after": list(after), "client_request_id": "x", "at": at}
        )  # fmt: skip
        if outcome is not None:
            journal.add({"type": "outcome", "item": 0, "outcome": outcome, "reason": "written", "at": at})
        journal.sync()
    return one.object_id


def test_added_changed_and_taken_back(tmp_path):
    read = lambda: read_owned(tmp_path / "plans", TENANT.upper(), "otherMails")  # noqa: E731
    assert read() == {}
    user = journaled(tmp_path, 1, ("theirs@x.example",), ("theirs@x.example", "a@x.example"), at="2026-01-05 11:00")
    assert read() == {user: ("a@x.example",)}
    # a later write of another spelling takes nothing away; the order of the times counts, not of the folders
    journaled(tmp_path, 3, ("theirs@x.example", "A@x.example"), ("theirs@x.example", "b@x.example"), at="2026-01-07")
    journaled(
        tmp_path, 2, ("theirs@x.example",), ("theirs@x.example", "c@x.example"), at="2026-01-06", outcome="failed"
    )
    assert read() == {user: ("b@x.example",)}
    journaled(tmp_path, 4, ("b@x.example",), ("d@x.example",), at="2026-01-08", outcome=None)  # in doubt: not ours
    assert read() == {user: ("b@x.example",)}
    journaled(tmp_path, 5, ("theirs@x.example", "b@x.example"), ("theirs@x.example",), at="2026-01-09")
    assert read() == {}


def test_other_tenants_and_attributes_are_not_counted(tmp_path):
    journaled(tmp_path, 1, (), ("a@x.example",), at="2026-01-05", tenant="22222222-2222-3333-4444-555555555555")
    journaled(tmp_path, 2, (), ("DE",), at="2026-01-05", attribute="otherMails")
    assert list(read_owned(tmp_path / "plans", TENANT, "otherMails").values()) == [("DE",)]
    assert read_owned(tmp_path / "plans", TENANT, "usageLocation") == {}

"""The journal: appended, chained, synced; torn only at its end."""

import json
import os
import resource
import signal
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recon.backfill.journal import Journal, read_entries, read_journal
from recon.errors import PlanError

RUN = {"type": "run", "plan": "p1", "user": "ü"}


def intent(number, **more):
    return {"type": "intent", "item": number, "before": [], "after": [f"{number}@mail.example"], **more}


def outcome(number, word="done", reason="written", **more):
    return {"type": "outcome", "item": number, "outcome": word, "reason": reason, **more}


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "journal.jsonl"
    with Journal(file) as journal:
        journal.extend([RUN, intent(0), intent(1), intent(2)])
        journal.sync()
        journal.extend([outcome(0, window_ms=12.5), {"type": "attempt", "item": 1, "status": 503}])
        journal.extend([outcome(2, "failed", "privileged")])
        journal.sync()
    return file


def test_replay(path):
    state = read_journal(path)
    assert state.outcomes == {0: "done", 2: "failed"}
    assert set(state.intents) == {1}
    assert state.intents[1]["after"] == ["1@mail.example"]
    assert state.reasons == {("done", "written"): 1, ("failed", "privileged"): 1}
    assert state.windows_ms == [12.5]
    assert (state.runs, state.torn, state.size) == (1, 0, path.stat().st_size)
    assert [entry["type"] for entry in read_entries(path)] == [
        "run", "intent", "intent", "intent", "outcome", "attempt", "outcome",
    ]  # fmt: skip


@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX")
def test_mode(path):
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_no_journal_is_an_empty_one(tmp_path):
    state = read_journal(tmp_path / "none.jsonl")
    assert (state.runs, state.outcomes, state.torn) == (0, {}, 0)


def test_a_torn_end_at_every_byte(path, tmp_path):
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)
    last = len(whole) - len(lines[-1])
    torn = tmp_path / "torn.jsonl"
    for end in range(last, len(whole)):
        torn.write_bytes(whole[:end])
        state = read_journal(torn)
        assert (state.outcomes, state.torn) == ({0: "done"}, end - last)
        assert set(state.intents) == {1, 2}
    torn.write_bytes(whole + b"\0" * 4096)  # what a file system may leave after a loss of power
    assert read_journal(torn).torn == 4096
    with Journal(torn) as journal:
        journal.extend([RUN, outcome(1)])
        journal.sync()
    assert read_journal(torn).outcomes == {0: "done", 1: "done", 2: "failed"}


def test_damage_elsewhere_is_refused(path):
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)
    for number in range(len(lines)):
        cut = b"".join(lines[:number]) + lines[number][:-9] + b"\n" + b"".join(lines[number + 1 :])
        path.write_bytes(cut)
        with pytest.raises(PlanError, match=f"the journal is damaged at line {number + 1}"):
            read_journal(path)
    for changed in (
        b"".join(lines[:2] + lines[3:]),  # a line taken out
        b"".join([*lines[:2], lines[1], *lines[2:]]),  # one put in twice
        b"".join([lines[0], lines[2], lines[1], *lines[3:]]),  # two exchanged
        whole.replace(b"1@mail", b"9@mail"),
        whole.replace(b"privileged", b"refused"),
        lines[0] + b"[]\n",
        lines[0] + b"\xff\n",
        b"\n" + whole,
    ):
        path.write_bytes(changed)
        with pytest.raises(PlanError, match="the journal is damaged at line"):
            read_journal(path)
        with pytest.raises(PlanError):
            Journal(path)


@pytest.mark.parametrize(
    "entries",
    [
        [intent(0)],
        [RUN, outcome(0), intent(0)],
        [RUN, outcome(0), outcome(0)],
        [RUN, outcome(0, "perhaps")],
        [RUN, {"type": "note", "item": 0}],
        [RUN, {"type": "intent", "item": "0"}],
        [RUN, {"type": "run", "plan": "p2"}],
    ],
)
def test_entries_that_contradict_are_never_written(tmp_path, entries):
    with Journal(tmp_path / "j.jsonl") as journal, pytest.raises(PlanError):
        journal.extend(entries)


def test_what_was_not_synced_did_not_happen(path):
    with Journal(path) as journal:
        journal.add(outcome(1))
    assert 1 not in read_journal(path).outcomes


@given(st.lists(st.text(max_size=30), max_size=6))
def test_any_text_survives(tmp_path_factory, texts):
    file = tmp_path_factory.mktemp("j") / "j.jsonl"
    with Journal(file) as journal:
        journal.add(RUN)
        journal.extend([intent(number, note=text) for number, text in enumerate(texts)])
        journal.sync()
    assert [entry.get("note") for entry in read_entries(file)][1:] == texts


@pytest.mark.skipif(os.name != "posix", reason="resource limits are POSIX")
def test_a_full_disk(path):
    before = path.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    assert signal.getsignal(signal.SIGXFSZ) == signal.SIG_IGN  # Python turns the signal into an error
    with Journal(path) as journal:
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 40, limits[1]))
        try:
            journal.add(outcome(1))
            with pytest.raises(PlanError, match=r"journal\.jsonl cannot be written: File too large"):
                journal.sync()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert read_journal(path).torn == 40
    with Journal(path) as journal:
        journal.add(outcome(1))
        journal.sync()
    assert read_journal(path).outcomes == {0: "done", 1: "done", 2: "failed"}


def test_an_unwritable_journal(tmp_path):
    (tmp_path / "journal.jsonl").mkdir()
    with pytest.raises(PlanError, match="cannot be read"):
        Journal(tmp_path / "journal.jsonl")
    with pytest.raises(PlanError, match="cannot be written: No such file or directory"):
        Journal(tmp_path / "gone" / "journal.jsonl")


def test_lines_are_readable_json(path):
    for line in path.read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        assert len(entry["chain"]) == 32
    assert "ü" in path.read_text(encoding="utf-8")

"""The demo runs the whole way, says what it does, and only ever empties a folder that it made."""

import pytest

from tests.support.site import invoke


def test_the_whole_way(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for _ in range(2):  # the second one empties what the first left
        outcome = invoke("demo")
        assert outcome.code == 0, outcome.err
    steps = [line.split()[0] for line in outcome.err.splitlines() if line[:1].isdigit()]
    assert steps == ["1.", "2.", "3.", "4.", "5.", "6.", "7.", "8."]
    assert (tmp_path / "demo" / "reports" / "report.html").exists()
    assert list((tmp_path / "demo" / "plans").glob("*/journal.jsonl"))
    row = next(line.split() for line in outcome.out.splitlines() if line.startswith("othermails_missing"))
    assert int(row[2]) < int(row[1])
    assert "recon init" in outcome.err.splitlines()[-1]
    proof = invoke("--config", "demo/recon.toml", "load", "--verify")
    assert (proof.code, "NO" in proof.out) == (0, False), proof.err


def test_a_folder_of_somebody_else_is_left_alone(tmp_path):
    (tmp_path / "letter.txt").write_text("keep me")
    outcome = invoke("demo", "--dir", tmp_path)
    assert outcome.code == 2
    assert "no demo made it" in outcome.err
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


@pytest.mark.parametrize("arguments", [("--help",), ("--version",)])
def test_the_first_words(arguments):
    outcome = invoke(*arguments)
    assert outcome.code == 0
    assert "recon" in outcome.out

"""Scripted faults: their written form and when they happen."""

import pytest

from recon.errors import UsageError
from recon.lab.adserver import AdFault, AdFaults


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("busy@2x3", AdFault("busy", page=2, times=3)),
        ("drop:500@3", AdFault("drop", page=3, entries=500)),
        ("delay:2.5@1", AdFault("delay", page=1, seconds=2.5)),
        (" unavailable@1 ", AdFault("unavailable", page=1)),
    ],
)
def test_written_form(text, fault):
    assert AdFault.parse(text) == fault


@pytest.mark.parametrize("text", ["", "busy", "busy@", "busy@x", "explode@1", "drop:-1@2"])
def test_what_is_no_fault_is_refused(text):
    with pytest.raises(UsageError):
        AdFault.parse(text)


def test_each_happens_as_often_as_told_from_its_page_on():
    faults = AdFaults(AdFault("busy", page=2, times=2))
    faults.add(AdFault("drop", page=4))
    assert [fault and fault.kind for fault in map(faults.at_page, range(1, 6))] == [None, "busy", "busy", "drop", None]
    assert faults.fired == [("busy", 2), ("busy", 3), ("drop", 4)]

import pytest

from recon.decode.sid import sid_bytes, sid_text
from recon.decode.wellknown import WELL_KNOWN_SIDS, well_known


@pytest.mark.parametrize(
    ("sid", "name"),
    [
        ("S-1-5-32-544", "Administrators"),
        ("S-1-5-18", "Local System"),
        ("S-1-5-21-1-2-3-512", "Domain Admins"),
        ("S-1-5-21-4294967295-0-3-502", "krbtgt"),
        ("S-1-5-21-1-2-3-1104", None),
        ("S-1-5-21-1-2-512", None),
        ("S-1-5-21-1-2-3-4-512", None),
        ("S-1-5-32-5440", None),
        ("S-1-5-21-<domain>-9", None),
    ],
)
def test_what_a_sid_is_known_as(sid, name):
    found = well_known(sid)
    assert (found.name if found else None) == name


def test_every_sid_is_one_and_stands_once():
    sids = [each.sid.replace("<domain>", "1-2-3") for each in WELL_KNOWN_SIDS]
    assert [sid_text(sid_bytes(sid)) for sid in sids] == sids
    assert len(set(sids)) == len(sids)
    assert all((each.rid is not None) == (each.kind == "domain") for each in WELL_KNOWN_SIDS)

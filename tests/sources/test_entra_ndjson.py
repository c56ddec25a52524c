"""A tenant saved and read again gives the same rows; a broken or cut-off copy is refused."""

import gzip
import json
import os
import stat

import pytest

from recon.config import EntraSource
from recon.decode.keys import EmployeeIdRules
from recon.errors import SourceError
from recon.lab.graph import Fault
from recon.sources.entra_ndjson import NdjsonReading
from recon.sources.entra_ndjson_writer import NdjsonWriter
from tests.support.tenant import TENANT, Reader, make_tenant, object_id, simulate

FILES = {"users.ndjson", "groups.ndjson", "members.ndjson", "manifest.json"}


def reading(folder, **options):
    return NdjsonReading(EntraSource(ndjson=folder, **options), folder, EmployeeIdRules())


def write(folder, name, *lines):
    text = "".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines)
    (folder / name).write_text(text, encoding="utf-8")


@pytest.fixture
def saved(tmp_path):
    """A folder saved from a simulator, and the rows that were read meanwhile."""
    folder = tmp_path / "saved"
    with simulate(make_tenant(30, 5, (3, 0))) as simulator:
        reader = Reader(simulator, page_size=10)
        reader.read(save=folder)
    return folder, reader


def test_the_files_give_the_same_rows(saved):
    folder, reader = saved
    again = reading(folder)
    rows = list(again.rows())
    assert sorted(rows, key=repr) == sorted(reader.rows, key=repr)
    assert again.report.warnings == []
    assert {name: proof.server_count for name, proof in again.report.tables.items()} == {
        "entra_user": 30,
        "entra_member": None,
        "entra_group": 5,
    }
    assert again.report.bytes_read > 1000
    assert again.tenant_id() == TENANT


def test_only_the_owner_can_read_the_files(saved):
    folder, _ = saved
    assert {file.name for file in folder.iterdir()} == FILES
    if os.name == "posix":
        assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}


def test_a_listing_that_begins_again_is_written_once(tmp_path):
    faults = [Fault("expired-page-token", at=3), Fault("expired-page-token", match="/groups[?]")]
    with simulate(make_tenant(30, 25), *faults) as simulator:
        reader = Reader(simulator, page_size=10)
        reader.read(save=tmp_path)
    again = reading(tmp_path)
    rows = list(again.rows())
    assert len(rows) == 30 + 25 + 75
    assert set(map(repr, rows)) == set(map(repr, reader.rows))


def test_a_read_that_fails_leaves_the_old_files(saved):
    folder, _ = saved
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    with simulate(make_tenant(12), Fault("503", at=2, times=None)) as simulator:
        reader = Reader(simulator, page_size=10)
        with pytest.raises(SourceError):
            reader.read(save=folder)
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before


def test_files_of_others_are_read_too(tmp_path):
    group = object_id(7)
    write(tmp_path, "users.ndjson", "\ufeff" + json.dumps({"id": object_id(1)}), "", {"id": object_id(2)})
    write(tmp_path, "groups.ndjson", {"id": group}, {"id": object_id(8)})
    write(tmp_path, "members.ndjson", {"groupId": group.upper(), "id": object_id(1)}, {"id": object_id(2)})
    one = reading(tmp_path)
    rows = list(one.rows())
    assert [row.table for row in rows] == [
        "entra_user",
        "entra_user",
        "entra_member",
        "load_reject",
        "entra_group",
        "entra_group",
    ]
    assert rows[2].values == (group, object_id(1), None)
    assert rows[3].values == ("entra_member", None, 2, "no_id", "a member line without groupId")
    assert [row.values[-1] for row in rows[4:]] == [1, 0]
    assert one.report.warnings[0] == f"{tmp_path}: no manifest.json, so a copy that was cut off is not noticed"
    assert one.report.warnings[1].startswith("in no user, so unknown and not empty (no right to read?): accountEnabled")
    assert one.report.table("entra_user").server_count is None
    assert one.tenant_id() is None
    assert reading(tmp_path, tenant_id="t").tenant_id() == "t"


def test_gzip_is_read(saved):
    folder, reader = saved
    for name in ("users", "members"):
        plain = folder / f"{name}.ndjson"
        (folder / f"{name}.ndjson.gz").write_bytes(gzip.compress(plain.read_bytes()))
        plain.unlink()
    assert sorted(reading(folder).rows(), key=repr) == sorted(reader.rows, key=repr)


def test_gzip_that_is_cut_off(saved):
    folder, _ = saved
    plain = folder / "users.ndjson"
    (folder / "users.ndjson.gz").write_bytes(gzip.compress(plain.read_bytes())[:-20])
    plain.unlink()
    with pytest.raises(SourceError, match=r"users\.ndjson\.gz:\d+: the file is cut off or is not gzip"):
        list(reading(folder).rows())


def test_a_copy_that_lacks_lines(saved):
    folder, _ = saved
    file = folder / "users.ndjson"
    file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[:-1]))
    with pytest.raises(SourceError, match=r"users\.ndjson: 29 lines, manifest\.json says 30"):
        list(reading(folder).rows())


def test_a_file_that_belongs_to_no_save(tmp_path):
    with simulate(make_tenant()) as simulator:
        Reader(simulator, objects=("users",)).read(save=tmp_path)
    write(tmp_path, "groups.ndjson")
    write(tmp_path, "members.ndjson")
    with pytest.raises(SourceError, match=r"members\.ndjson: 0 lines, manifest\.json says no such file"):
        list(reading(tmp_path).rows())
    assert len(list(reading(tmp_path, objects=("users",)).rows())) == 30


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"id": "1"', "users.ndjson:2: not JSON, or cut off"),
        ("[]", "users.ndjson:2: not a JSON object"),
        ('"x"', "users.ndjson:2: not a JSON object"),
    ],
)
def test_a_broken_line_is_named(tmp_path, line, message):
    write(tmp_path, "users.ndjson", {"id": object_id(1)}, line)
    with pytest.raises(SourceError, match=message):
        list(reading(tmp_path, objects=("users",)).rows())


def test_powershells_utf_16_is_named(tmp_path):
    (tmp_path / "users.ndjson").write_text('{"id": "1"}\n', encoding="utf-16")
    with pytest.raises(SourceError) as caught:
        list(reading(tmp_path, objects=("users",)).rows())
    assert caught.value.hint == "save it as UTF-8"


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(SourceError, match=r"no users\.ndjson"):
        list(reading(tmp_path).rows())


def test_another_tenants_files_are_refused(saved):
    folder, _ = saved
    assert list(reading(folder, tenant_id=TENANT.upper()).rows())
    with pytest.raises(SourceError, match=f"saved from tenant {TENANT}, not from other"):
        list(reading(folder, tenant_id="other").rows())


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"files": []}'])
def test_a_broken_manifest_is_refused(saved, text):
    folder, _ = saved
    (folder / "manifest.json").write_text(text)
    with pytest.raises(SourceError, match=r"manifest\.json: (not JSON|names no files)"):
        list(reading(folder).rows())


def test_a_folder_that_cannot_be_written(tmp_path):
    file = tmp_path / "file"
    file.write_text("x")
    with pytest.raises(SourceError, match="cannot be written"):
        NdjsonWriter(file, TENANT, ("users",))

"""The domain controller the tests lean on: it stays inside its folder and refuses what it should."""

import socket
import ssl
from contextlib import suppress
from pathlib import Path

import pytest

from tests.servers.samba import Samba, missing

pytestmark = pytest.mark.samba


def test_it_listens_on_its_own_address_alone(samba: Samba):
    for port in (389, 636):
        with socket.create_connection((samba.host, port), timeout=5):
            pass
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=5)


def test_its_certificate_is_for_its_address(samba: Samba):
    context = ssl.create_default_context(cafile=str(samba.ca_file))
    with (
        socket.create_connection((samba.host, 636), timeout=5) as plain,
        context.wrap_socket(plain, server_hostname=samba.host) as secured,
    ):
        assert secured.version() == "TLSv1.3"


def test_every_file_it_keeps_open_is_its_own(samba: Samba):
    pid = int((samba.folder / "pid" / "samba.pid").read_text())
    opened = []
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            opened.append(str(link.readlink()))
    files = [name for name in opened if name.startswith("/") and not name.startswith(("/dev/", "/proc/"))]
    assert files
    assert [name for name in files if not name.startswith(str(samba.folder))] == []


def test_entries_can_be_added_and_deleted(samba: Samba):
    samba.add(f"CN=Added later,OU=People,{samba.base}", ["contact"], mail="added@example.org")
    try:
        assert b"mail: added@example.org\n" in samba.ldapsearch("mail")
        assert b"mail: added@example.org\n" in samba.ldbsearch("mail")
    finally:
        samba.delete(f"CN=Added later,OU=People,{samba.base}")
    assert b"added@example.org" not in samba.ldapsearch("mail")


def test_a_missing_server_fails_where_servers_are_required(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.delenv("RECON_REQUIRE_SERVERS", raising=False)
    with pytest.raises(pytest.skip.Exception):
        missing("gone")
    monkeypatch.setenv("RECON_REQUIRE_SERVERS", "1")
    with pytest.raises(pytest.fail.Exception):
        missing("gone")

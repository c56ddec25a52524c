"""A PostgreSQL cluster of the suite's own, on a free port of 127.0.0.1; gone when the suite ends.

initdb refuses to run as root: then the cluster belongs to the user `postgres` that the Debian package makes.
"""

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

_START_SECONDS = 60


def missing_server(what: str) -> None:
    """Fail where servers are promised (CI, make test), else skip."""
    if os.environ.get("CI") or os.environ.get("RECON_REQUIRE_SERVERS") == "1":
        pytest.fail(f"{what} is missing: make test installs it")
    pytest.skip(f"{what} is missing: make test installs it")


def _programs() -> Path | None:
    found = shutil.which("initdb")
    if found:
        return Path(found).parent
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parent.parent.name))
    return folders[-1].parent if folders else None


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _wait(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError as error:
            if server.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"PostgreSQL does not start: {error}\n{log.read_text()[-2000:]}")
            time.sleep(0.05)
        else:
            return


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """SQLAlchemy URL of the cluster's own database `postgres`; the superuser's password is in it."""
    if _programs() is None:
        missing_server("PostgreSQL")
    with cluster({}) as url:
        yield url


@contextmanager
def cluster(further: Mapping[str, str]) -> Iterator[str]:
    """A cluster that ends with the block; `further`: settings of the server. Gives what the fixture gives."""
    programs = _programs()
    assert programs is not None
    as_user = {"user": "postgres", "group": "postgres"} if os.geteuid() == 0 else {}
    folder = Path(tempfile.mkdtemp(prefix="recon-postgresql-"))
    password = secrets.token_hex(16)
    try:
        (folder / "password").write_text(password)
        if as_user:
            for path in (folder, folder / "password"):
                shutil.chown(path, **as_user)
        data = folder / "data"
        subprocess.run(
            [programs / "initdb", "-D", data, "-U", "recon", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync",
             "-A", "scram-sha-256", f"--pwfile={folder / 'password'}"],
            check=True, capture_output=True, cwd=folder, **as_user,
        )  # fmt: skip
        port = _free_port()
        settings = {
            "listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": "", "fsync": "off",
            "synchronous_commit": "off", "full_page_writes": "off", "shared_buffers": "64MB", "max_connections": 40,
            **further,
        }  # fmt: skip
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        log = folder / "log"
        with log.open("wb") as output:
            server = subprocess.Popen(
                [programs / "postgres", "-D", data, *options], stdout=output, stderr=output, cwd=folder, **as_user
            )
        try:
            url = f"postgresql://recon:{password}@127.0.0.1:{port}/postgres"
            _wait(url, server, log)
            yield url.replace("postgresql:", "postgresql+psycopg:")
        finally:
            server.terminate()
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)

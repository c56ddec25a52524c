"""A real Samba AD domain controller for the tests: provisioned once, kept in the temporary folder, copied per session.

Each session has its own loopback address, because Samba's LDAP ports are fixed, and its own CA. Nothing outside the
session's folder is written. Without Samba (or without the right to open port 389) the tests skip, except where the
servers are required (CI or RECON_REQUIRE_SERVERS=1): there they fail.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import ldap3
import pytest

from tests.servers import people
from tests.servers.certificates import make_authority

SYSTEM_PYTHON = "/usr/bin/python3"  # the one that has samba and ldb
SCRIPT = Path(__file__).with_name("samba_provision.py")
ADMIN_PASSWORD = "Adm1n-Passw0rd"
FOLDERS = ("private", "state", "lock", "cache", "pid", "bind", "ncalrpc", "winbindd", "ntp", "log", "sysvol/scripts")
START_SECONDS = 60

_CONFIGURATION = """[global]
workgroup = CONTOSO
realm = AD.CONTOSO.EXAMPLE
netbios name = DC1
server role = active directory domain controller
server services = ldap kdc
dcerpc endpoint servers =
private dir = {folder}/private
state directory = {folder}/state
lock directory = {folder}/lock
cache directory = {folder}/cache
pid directory = {folder}/pid
binddns dir = {folder}/bind
ncalrpc dir = {folder}/ncalrpc
winbindd socket directory = {folder}/winbindd
ntp signd socket directory = {folder}/ntp
log file = {folder}/log/samba.log
bind interfaces only = yes
interfaces = {host}/8
ldap server require strong auth = allow_sasl_over_tls
ldap max search request size = 4294967295
tls keyfile = {folder}/private/tls/server.key
tls certfile = {folder}/private/tls/server.pem
tls cafile = {folder}/private/tls/ca.pem
[sysvol]
path = {folder}/sysvol
[netlogon]
path = {folder}/sysvol/scripts
"""


@dataclass(frozen=True)
class Samba:
    """A running domain controller. `reader` is an ordinary account; passwords are the tests' own."""

    folder: Path
    host: str
    ca_file: Path
    base: str = people.BASE
    admin: str = "CONTOSO\\Administrator"
    admin_password: str = ADMIN_PASSWORD
    reader: str = f"{people.READER}@contoso.example"
    reader_password: str = people.READER_PASSWORD

    @property
    def url(self) -> str:
        """ldap://, for StartTLS; a simple bind without TLS is refused with result 8."""
        return f"ldap://{self.host}"

    @property
    def ldaps_url(self) -> str:
        """ldaps://, with a certificate for the address."""
        return f"ldaps://{self.host}"

    @contextlib.contextmanager
    def connection(self, user: str | None = None, password: str | None = None) -> Iterator[ldap3.Connection]:
        """A signed-in connection, an administrator's by default, for tests that change the directory."""
        server = ldap3.Server(self.host, port=636, use_ssl=True, get_info=ldap3.NONE)
        connection = ldap3.Connection(
            server, user or self.admin, password or self.admin_password, receive_timeout=30, raise_exceptions=True
        )
        connection.bind()
        try:
            yield connection
        finally:
            connection.unbind()

    def add(self, dn: str, object_class: Sequence[str], **attributes: object) -> None:
        """Add one entry; underscores in names stand for hyphens."""
        with self.connection() as connection:
            values = {name.replace("_", "-"): value for name, value in attributes.items()}
            connection.add(dn, list(object_class), values)

    def delete(self, dn: str) -> None:
        """Delete one entry."""
        with self.connection() as connection:
            connection.delete(dn)

    def ldapsearch(self, *attributes: str) -> bytes:
        """The domain as ldapsearch exports it: LDIF with base64 for bytes, comments and a result at the end."""
        command = [
            "ldapsearch", "-o", "ldif-wrap=no", "-E", "pr=500/noprompt", "-H", self.ldaps_url, "-x",
            "-D", self.admin, "-w", self.admin_password, "-b", self.base, "(objectClass=*)", *(attributes or ("*",)),
        ]  # fmt: skip
        environment = {**os.environ, "LDAPTLS_CACERT": str(self.ca_file)}
        return subprocess.run(command, check=True, capture_output=True, env=environment).stdout

    def ldbsearch(self, *attributes: str) -> bytes:
        """The domain as ldbsearch exports it: folded lines, GUIDs and SIDs as text."""
        command = [SYSTEM_PYTHON, "-I", str(SCRIPT), "export", str(self.folder), *(attributes or ("*",))]
        return subprocess.run(command, check=True, capture_output=True).stdout


def _configure(folder: Path, host: str) -> None:
    for name in FOLDERS:
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "smb.conf").write_text(_CONFIGURATION.format(folder=folder, host=host))


def _template(version: str) -> Path:
    """The provisioned and filled folder; made by the first session that needs it."""
    spec = {
        "realm": "AD.CONTOSO.EXAMPLE",
        "netbios": "CONTOSO",
        "password": ADMIN_PASSWORD,
        "attributes": people.EXCHANGE,
        "entries": people.entries(),
    }
    text = json.dumps(spec)
    digest = hashlib.sha256(f"{version}{SCRIPT.read_text()}{_CONFIGURATION}{text}".encode()).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()) / f"recon-samba-{os.getuid()}-{digest}"
    with Path(f"{folder}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (folder / "filled").exists():
            if folder.stat().st_uid != os.getuid():
                raise PermissionError(f"{folder} belongs to somebody else")
            return folder
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700)
        _configure(folder, "127.0.0.1")
        command = [SYSTEM_PYTHON, "-I", str(SCRIPT), "fill", str(folder)]
        run = subprocess.run(command, input=text, text=True, capture_output=True, check=False)
        if run.returncode:
            raise RuntimeError(f"Samba could not be provisioned:\n{run.stdout[-2000:]}\n{run.stderr[-4000:]}")
        (folder / "filled").touch()
    return folder


def _free_address() -> str:
    """A loopback address whose LDAP ports nobody holds; another for each process that runs tests."""
    start = os.getpid()
    for step in range(200):
        number = start + step * 251
        host = f"127.{60 + number // 62500 % 60}.{number // 250 % 250 + 1}.{number % 250 + 1}"
        try:
            for port in (389, 636, 3268, 3269):
                with socket.socket() as probe:
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    probe.bind((host, port))
        except PermissionError:
            raise
        except OSError:
            continue
        return host
    raise OSError("no free loopback address")


def _ready(host: str) -> bool:
    try:
        with socket.create_connection((host, 636), timeout=2):
            pass
        connection = ldap3.Connection(ldap3.Server(host, get_info=ldap3.NONE, connect_timeout=2), receive_timeout=5)
        connection.open(read_server_info=False)
        try:
            connection.search("", "(objectClass=*)", ldap3.BASE, attributes=["isSynchronized"])
            return bool(connection.response[0]["raw_attributes"]["isSynchronized"] == [b"TRUE"])
        finally:
            connection.unbind()
    except (OSError, ldap3.core.exceptions.LDAPException, LookupError):
        return False


@contextlib.contextmanager
def running(folder: Path, host: str) -> Iterator[None]:
    """The daemon on `host`, until the block ends; it also ends by itself when this process dies."""
    with (folder / "log" / "out").open("wb") as log:
        daemon = subprocess.Popen(
            ["samba", "-F", "--no-process-group", "-M", "single", "-s", f"{folder}/smb.conf", "-l", f"{folder}/log"],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + START_SECONDS
        while not _ready(host):
            if daemon.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"Samba did not start:\n{(folder / 'log' / 'out').read_text()[-3000:]}")
            time.sleep(0.1)
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(daemon.pid, signal.SIGTERM)
        try:
            daemon.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(daemon.pid, signal.SIGKILL)
            daemon.wait()
        if daemon.stdin is not None:
            daemon.stdin.close()


def missing(what: str) -> None:
    """Skip, or fail where the servers are required: a skip nobody sees proves nothing."""
    if os.environ.get("CI") or os.environ.get("RECON_REQUIRE_SERVERS") == "1":
        pytest.fail(what)
    pytest.skip(what)


def _version() -> str | None:
    if shutil.which("samba") is None or not Path(SYSTEM_PYTHON).exists():
        return None
    check = subprocess.run([SYSTEM_PYTHON, "-I", "-c", "import samba.provision, ldb"], capture_output=True, check=False)
    if check.returncode:
        return None
    return subprocess.run(["samba", "-V"], capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture(scope="session")
def samba(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Samba]:
    """A Samba AD domain controller filled with the people of tests.servers.people."""
    version = _version()
    if version is None:
        missing("Samba is not installed (samba, samba-ad-provision, samba-dsdb-modules)")
        return
    try:
        host = _free_address()
    except PermissionError:
        missing("Samba needs port 389: run the tests as root")
        return
    folder = tmp_path_factory.mktemp("samba") / "dc"
    shutil.copytree(_template(version), folder)
    _configure(folder, host)
    tls = folder / "private" / "tls"
    shutil.rmtree(tls, ignore_errors=True)
    tls.mkdir(mode=0o700)
    authority = make_authority(tls, names=("dc1.ad.contoso.example",), addresses=(host,))
    with running(folder, host):
        controller = Samba(folder=folder, host=host, ca_file=authority.ca_file)
        for user, password in (
            (controller.admin, controller.admin_password),
            (controller.reader, controller.reader_password),
        ):
            with controller.connection(user, password):
                pass  # the first sign-in writes lastLogonTimestamp: no later one may change what tests compare
        yield controller

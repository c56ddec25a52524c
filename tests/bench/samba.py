"""A Samba domain controller with many users, filled offline once and kept in the cache by the hash of its content."""

import base64
import contextlib
import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recon.lab.generator import GeneratedCompany
from tests.bench.peers import cache
from tests.servers import people
from tests.servers.certificates import make_authority
from tests.servers.samba import ADMIN_PASSWORD, SCRIPT, SYSTEM_PYTHON, _configure, _free_address, _version, running

READER, PASSWORD = people.READER, people.READER_PASSWORD
# what the directory makes itself, or what only a domain controller may write
_MADE = {
    "objectguid", "objectsid", "whencreated", "whenchanged", "usncreated", "usnchanged", "distinguishedname", "name",
    "cn", "objectcategory", "instancetype", "samaccounttype", "badpwdcount", "badpasswordtime", "logoncount",
    "lastlogon", "lastlogontimestamp", "pwdlastset", "lockouttime", "memberof", "primarygroupid", "admincount",
    "codepage", "iscriticalsystemobject", "msds-user-account-control-computed", "manager", "objectclass",
    "useraccountcontrol", "sidhistory", "dscorepropagationdata",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Controller:
    """A running domain controller."""

    host: str
    ca: Path
    base: str
    user: str
    password: str
    users: int


def _value(raw: bytes) -> str | list[str]:
    """Text, or bytes as the provisioning script takes them."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return [base64.b64encode(raw).decode()]


def _entries(count: int) -> list[dict[str, Any]]:
    """Users with the attributes of the generated company, about 28 each once the directory has added its own."""
    found: list[dict[str, Any]] = [
        *(
            {"dn": f"OU={unit},{{base}}", "attributes": {"objectClass": ["organizationalUnit"]}}
            for unit in ("People", "Groups")
        ),
        people.user("Recon Reader", READER, "People", unicodePwd=people.password(PASSWORD)),
    ]
    found[-1]["attributes"]["unicodePwd"] = [people.password(PASSWORD)]
    company = GeneratedCompany(count)
    seen: set[str] = set()
    members: list[str] = []
    for _, attributes in company.ad_entries(company.domains[0].name):
        if b"user" not in attributes.get("objectClass", ()) or b"computer" in attributes["objectClass"]:
            continue
        sam = attributes["sAMAccountName"][0].decode()
        if sam.lower() in seen or "userPrincipalName" not in attributes:
            continue
        seen.add(sam.lower())
        values: dict[str, list[Any]] = {"objectClass": ["user"], "userAccountControl": ["544"]}
        for name, raw in attributes.items():
            if name.lower() in _MADE or name.lower().startswith("msds-"):
                continue
            values[name] = [_value(value) for value in raw]
        values["userPrincipalName"] = [f"{sam}@contoso.example"]
        values["info"], values["division"] = [f"Record {len(seen)}"], [f"Division {len(seen) % 9}"]
        dn = f"CN={sam},OU=People,{{base}}"
        members.append(dn)
        found.append({"dn": dn, "attributes": values})
    found += [
        people._group(f"Team {n}", "-2147483646", members[n * 50 : n * 50 + 50]) for n in range(len(members) // 50)
    ]
    return found


def _filled(count: int, version: str) -> tuple[Path, int]:
    entries = _entries(count)
    users = sum("sAMAccountName" in entry["attributes"] and "groupType" not in entry["attributes"] for entry in entries)
    spec = json.dumps({"realm": "AD.CONTOSO.EXAMPLE", "netbios": "CONTOSO", "password": ADMIN_PASSWORD,
                       "attributes": people.EXCHANGE, "entries": entries})  # fmt: skip
    digest = hashlib.sha256(f"{version}{SCRIPT.read_text()}{spec}".encode()).hexdigest()[:16]
    folder = cache() / f"samba-{digest}"
    if not (folder / "filled").exists():
        sys.stderr.write(f"filling a Samba with {users} users, once ...\n")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700)
        _configure(folder, "127.0.0.1")
        run = subprocess.run(
            [SYSTEM_PYTHON, "-I", str(SCRIPT), "fill", str(folder)],
            input=spec,
            text=True,
            capture_output=True,
            check=False,
        )
        if run.returncode:
            raise RuntimeError(f"Samba could not be filled: {run.stderr[-600:]}")
        (folder / "filled").touch()
    return folder, users


@contextlib.contextmanager
def controller(count: int, folder: Path) -> Iterator[Controller]:
    """A controller with about `count` users, on an address of its own; raises RuntimeError where Samba is missing."""
    version = _version()
    if version is None:
        raise RuntimeError("Samba is not installed (samba, samba-ad-provision, samba-dsdb-modules)")
    filled, users = _filled(count, version)
    place = folder / "samba"
    shutil.copytree(filled, place)
    host = _free_address()
    _configure(place, host)
    tls = place / "private" / "tls"
    shutil.rmtree(tls, ignore_errors=True)
    tls.mkdir(mode=0o700)
    authority = make_authority(tls, names=("dc1.ad.contoso.example",), addresses=(host,))
    with running(place, host):
        yield Controller(host, authority.ca_file, people.BASE, f"{READER}@contoso.example", PASSWORD, users)

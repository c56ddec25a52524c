"""Provision a Samba domain controller in one folder and fill it; run by the system's Python, which has samba and ldb.

Called by tests.servers.samba as `/usr/bin/python3 -I samba_provision.py fill FOLDER`, with JSON on stdin:
{"realm": …, "netbios": …, "password": …, "attributes": [[name, oid], …], "entries": [{"dn": …, "attributes": {…}}]}.
A DN ends in {base}; a value is text, or a list of one base64 text for bytes. Nothing outside FOLDER is written. `later`
names attributes that only a modify may set. `export FOLDER ATTRIBUTE …` writes what ldbsearch writes.
"""

import base64
import json
import sys
from pathlib import Path

import ldb
import samba.provision
from samba import param
from samba.auth import system_session
from samba.netcmd.main import cmd_sambatool
from samba.samdb import SamDB

# its access lists need a file system with extended attributes, which a container often lacks
samba.provision.setsysvolacl = lambda *_args, **_kwargs: None


# any password, which never expires; a locked account stays locked
POLICY = {
    "pwdProperties": "0",
    "minPwdLength": "1",
    "minPwdAge": "0",
    "maxPwdAge": "-9223372036854775808",
    "lockoutDuration": "-9223372036854775808",
}


def provision(folder, spec):
    """An empty domain in `folder`; its smb.conf is already there."""
    arguments = [
        "domain", "provision", f"--configfile={folder}/smb.conf", f"--realm={spec['realm']}",
        f"--domain={spec['netbios']}", "--host-name=dc1", "--host-ip=127.0.0.1", "--server-role=dc",
        "--dns-backend=NONE", f"--adminpass={spec['password']}",
    ]  # fmt: skip
    if cmd_sambatool()._run("samba-tool", *arguments):
        raise SystemExit("provision failed")


def message(samdb, dn, attributes):
    """An ldb message of one entry."""
    entry = ldb.Message(ldb.Dn(samdb, dn))
    for name, values in attributes.items():
        raw = [base64.b64decode(value[0]) if isinstance(value, list) else value.encode() for value in values]
        entry[name] = ldb.MessageElement(raw, ldb.FLAG_MOD_ADD, name)
    return entry


def extend_schema(samdb, attributes):
    """Add single-valued text attributes of Exchange's schema and allow them on mail recipients."""
    base = str(samdb.get_schema_basedn())
    with_time = {"schemaUpdateNow": ["1"]}
    for name, oid in attributes:
        samdb.add(
            message(
                samdb,
                f"CN=Test-{name},{base}",
                {
                    "objectClass": ["top", "attributeSchema"],
                    "attributeID": [oid],
                    "attributeSyntax": ["2.5.5.12"],
                    "oMSyntax": ["64"],
                    "isSingleValued": ["TRUE"],
                    "lDAPDisplayName": [name],
                    "adminDisplayName": [name],
                    "searchFlags": ["0"],
                },
            )
        )
    refresh = message(samdb, "", with_time)
    samdb.modify(refresh)
    samdb.modify(message(samdb, f"CN=Mail-Recipient,{base}", {"mayContain": [name for name, _oid in attributes]}))
    samdb.modify(message(samdb, "", with_time))


def open_directory(folder, options=()):
    """The directory's database, as the system itself."""
    settings = param.LoadParm()
    settings.load(f"{folder}/smb.conf")
    settings.set("dsdb:schema update allowed", "yes")
    return SamDB(
        url=f"{folder}/private/sam.ldb",
        session_info=system_session(),
        lp=settings,
        flags=ldb.FLG_NOSYNC,
        options=list(options),
    )


def replacement(samdb, dn, values):
    """A modify that replaces."""
    change = ldb.Message(ldb.Dn(samdb, dn))
    for name, value in values.items():
        change[name] = ldb.MessageElement([value.encode()], ldb.FLAG_MOD_REPLACE, name)
    return change


def fill(folder, spec):
    """Provision, extend the schema, set the domain's policy, add the entries."""
    provision(folder, spec)
    extend_schema(open_directory(folder), spec["attributes"])
    # batch mode holds only within one transaction
    samdb = open_directory(
        folder, ["transaction_index_cache_size:200000", "batch_mode:1"]
    )  # the schema is read when the database is opened
    base = str(samdb.domain_dn())
    samdb.transaction_start()
    try:
        samdb.modify(replacement(samdb, base, POLICY))
        for entry in spec["entries"]:
            attributes = {
                name: [value.replace("{base}", base) if isinstance(value, str) else value for value in values]
                for name, values in entry["attributes"].items()
            }
            later = {name: attributes.pop(name) for name in entry.get("later", ()) if name in attributes}
            dn = entry["dn"].replace("{base}", base)
            samdb.add(message(samdb, dn, attributes), controls=["relax:0"])
            if later:
                change = message(samdb, dn, later)
                for name in later:
                    change[name].set_flags(ldb.FLAG_MOD_REPLACE)
                samdb.modify(change, controls=["relax:0", "bypassoperational:0"])
    except BaseException:
        samdb.transaction_cancel()
        raise
    samdb.transaction_commit()


def export(folder, attributes):
    """Every object below the domain in the form of ldbsearch: GUIDs and SIDs as text."""
    samdb = open_directory(folder)
    for entry in samdb.search(base=samdb.domain_dn(), attrs=attributes or ["*"]):
        sys.stdout.write(samdb.write_ldif(entry, ldb.CHANGETYPE_NONE))


if __name__ == "__main__":
    if sys.argv[1] == "fill":
        fill(Path(sys.argv[2]), json.load(sys.stdin))
    else:
        export(Path(sys.argv[2]), sys.argv[3:])

"""Clients of the AD race, each a process: `python adclients.py WHO URL USER PASSWORD CA BASE [DATABASE]`.

WHO: ours (read, decode, keys, hash, into SQLite's stage), ldap3, ldap3-plain, python-ldap. Each reads every user with
the attributes of the variable RECON_BENCH_ATTRIBUTES (those that our load asks for), in pages of 1,000, and tells
entries, wall and CPU from after the sign-in to the end.
"""

import contextlib
import json
import os
import ssl
import sys
import time
import warnings

FILTER = "(sAMAccountType=805306368)"
ATTRIBUTES = os.environ.get("RECON_BENCH_ATTRIBUTES", "").split()


def tell(entries: int, wall: float, cpu: float) -> None:
    """The line that the bench reads."""
    sys.stdout.write(
        json.dumps({"entries": entries, "wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}) + "\n"
    )


def ours(url: str, user: str, password: str, ca: str, base: str, database: str) -> None:
    """Our load up to the full stage; nothing is published."""
    from recon.config import AdSource
    from recon.decode.keys import EmployeeIdRules
    from recon.errors import ReconError
    from recon.objects import TABLES
    from recon.sources.ldap.reading import AdReading
    from recon.store import Store
    from recon.store.load import Load
    from recon.store.runs import register_source

    source = AdSource.model_validate({"url": url, "user": user, "ca_file": ca, "bases": [base], "objects": ["users"]})
    tables = ("ad_user", *(name for name, table in TABLES.items() if table.parent == "ad_user"))
    with Store.open(f"sqlite:///{database}") as store:
        source_id = register_source(store, "ad", "ad")
        reader = AdReading(source, password, EmployeeIdRules())
        load = Load(store, source_id, "ad", tables)
        with contextlib.suppress(ReconError), load:
            wall, cpu = time.perf_counter(), time.process_time()
            count = 0
            for row in reader.rows():
                load.add(row)
                count += row.table == "ad_user"
            load._flush()
            tell(count, wall, cpu)
            raise ReconError("measured")  # the stage goes; what publishing costs stands in the section on the store


def ldap3_common(url: str, user: str, password: str, ca: str, base: str, *, plain: bool) -> None:
    """ldap3 as most people use it; `plain`: without schema and without empty attributes."""
    import ldap3

    tls = ldap3.Tls(
        validate=ssl.CERT_REQUIRED, ca_certs_file=ca, valid_names=["localhost", url.split("/")[2].split(":")[0]]
    )
    server = ldap3.Server(url, get_info=ldap3.NONE if plain else ldap3.ALL, tls=tls)
    connection = ldap3.Connection(server, user, password, auto_bind=True, return_empty_attributes=not plain)
    wall, cpu = time.perf_counter(), time.process_time()
    found = connection.extend.standard.paged_search(
        base, FILTER, attributes=ATTRIBUTES, paged_size=1000, generator=True
    )
    tell(sum(1 for entry in found if entry["type"] == "searchResEntry" and entry["attributes"]), wall, cpu)


def python_ldap(url: str, user: str, password: str, ca: str, base: str) -> None:
    """python-ldap, which only reads."""
    import ldap
    from ldap.controls import SimplePagedResultsControl

    ldap.set_option(ldap.OPT_X_TLS_CACERTFILE, ca)
    connection = ldap.initialize(url)
    connection.set_option(ldap.OPT_REFERRALS, 0)
    connection.simple_bind_s(user, password)
    wall, cpu = time.perf_counter(), time.process_time()
    entries, cookie = 0, b""
    while True:
        control = SimplePagedResultsControl(True, size=1000, cookie=cookie)
        number = connection.search_ext(base, ldap.SCOPE_SUBTREE, FILTER, ATTRIBUTES, serverctrls=[control])
        _, found, _, controls = connection.result3(number)
        entries += sum(1 for dn, _ in found if dn)
        cookie = next(each.cookie for each in controls if each.controlType == SimplePagedResultsControl.controlType)
        if not cookie:
            break
    tell(entries, wall, cpu)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    who, *words = sys.argv[1:]
    if who == "ours":
        ours(*words)
    elif who == "python-ldap":
        python_ldap(*words)
    else:
        ldap3_common(*words, plain=who == "ldap3-plain")

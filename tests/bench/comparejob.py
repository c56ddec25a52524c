"""Who compares two directories: `python comparejob.py WHO DATABASE`, in a process of its own; tells JSON.

ours: the findings that compare a pair, each inserted into finding_row. one-pass: one SELECT over two narrow tables of
eight columns, joined and compared, as somebody writes it by hand. datacompy: the same tables as pandas frames.
"""

import json
import sqlite3
import sys
import time

COLUMNS = ("displayname", "givenname", "surname", "upn_key", "mail_key", "employeeid_key", "sid", "is_enabled")
FINDINGS = ("upn_differs", "mail_differs", "employeeid_differs", "sid_differs", "anchor_differs",
            "ad_disabled_entra_enabled", "ad_enabled_entra_disabled", "ad_expired_entra_enabled")  # fmt: skip


def prepare(database: str) -> None:
    """The two narrow tables, by the key that both sides carry."""
    ad = {"surname": "sn"}
    with sqlite3.connect(database) as store:
        for side, key in (("ad", "immutable_id"), ("entra", "onpremisesimmutableid")):
            names = [f"{ad.get(name, name) if side == 'ad' else name} as {name}" for name in COLUMNS]
            store.execute(f"create table if not exists narrow_{side} as select {key} as anchor, {', '.join(names)} "
                          f"from {side}_user where {key} is not null group by {key}")  # fmt: skip
            store.execute(f"create unique index if not exists narrow_{side}_key on narrow_{side} (anchor)")


def ours(database: str) -> int:
    """The findings over table pair."""
    from recon import findings
    from recon.catalog import read_catalog
    from recon.store import Store

    catalog = {statement.name: statement for statement in read_catalog().findings}
    with Store.open(f"sqlite:///{database}") as store, store.write() as connection:
        began = time.perf_counter(), time.process_time()
        rows = sum(findings._find(connection, catalog[name], 10**6) for name in FINDINGS)
        tell(rows, *began)
        connection.rollback()
    return rows


def one_pass(database: str) -> None:
    """One SELECT."""
    differs = " or ".join(f"a.{name} <> e.{name}" for name in COLUMNS)
    with sqlite3.connect(database) as store:
        began = time.perf_counter(), time.process_time()
        found = store.execute(
            f"select a.anchor from narrow_ad as a inner join narrow_entra as e on e.anchor = a.anchor where {differs}"
        ).fetchall()
        tell(len(found), *began)


def datacompy(database: str) -> None:
    """Frames are made before the clock starts."""
    import pandas
    from datacompy import PandasCompare

    with sqlite3.connect(database) as store:
        frames = [pandas.read_sql(f"select * from narrow_{side}", store) for side in ("ad", "entra")]
    began = time.perf_counter(), time.process_time()
    compared = PandasCompare(*frames, join_columns=["anchor"])
    tell(len(compared.all_mismatch()), *began)


def tell(rows: int, wall: float, cpu: float) -> None:
    """The line that the bench reads."""
    sys.stdout.write(
        json.dumps({"rows": rows, "wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}) + "\n"
    )


if __name__ == "__main__":
    {"ours": ours, "one-pass": one_pass, "datacompy": datacompy, "prepare": prepare}[sys.argv[1]](sys.argv[2])

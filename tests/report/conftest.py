"""A store with findings in it, the hostile kind included."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import insert

from recon.config import Config
from recon.decode.times import utc_now_text
from recon.objects import ReadReport
from recon.store import Store
from recon.store.load import Load
from recon.store.match_tables import clock, finding_count, finding_row
from recon.store.runs import register_source
from tests.support.rows import make_row

HOSTILE = "</script><script>document.title='owned'</script>"


def finding(code: str, name: str, *, hr: str | None = None, ad: str | None = None, personal: int = 0) -> dict:
    return {
        "refresh_id": 1,
        "code": code,
        "severity": "high",
        "object_type": "entra_user",
        "object_key": f"key of {name}",
        "object_name": name,
        "attribute": "otherMails" if personal else "mail",
        "hr_value": hr,
        "ad_value": ad,
        "entra_value": None,
        "is_personal": personal,
    }


@pytest.fixture
def config() -> Config:
    return Config()


@pytest.fixture
def filled(tmp_path: Path) -> Iterator[Callable[[list[dict]], Store]]:
    """Call with the rows of finding_row; gives the store that holds them."""
    opened: list[Store] = []

    def fill(rows: list[dict]) -> Store:
        store = Store.open(f"sqlite:///{tmp_path}/recon.db")
        opened.append(store)
        source_id = register_source(store, "entra", "entra", "t1")
        report = ReadReport()
        report.table("entra_user").server_count = 1
        with Load(store, source_id, "entra", ("entra_user",)) as load:
            load.add(make_row("entra_user", id="1"))
            load.publish(report)
        now = utc_now_text()
        counts = {code: sum(row["code"] == code for row in rows) for code in {row["code"] for row in rows}}
        counts.setdefault("upn_differs", 0)
        with store.write() as connection:
            days = {column.name: 1 for column in clock.columns if column.name.endswith("_day")}
            connection.execute(insert(clock).values(clock_id=1, refresh_id=1, refreshed_at=now, as_of=now, **days))
            connection.execute(insert(finding_row), rows)
            connection.execute(
                insert(finding_count),
                [
                    {
                        "refresh_id": 1,
                        "code": code,
                        "severity": "high",
                        "title": f"Title of {code}",
                        "row_count": count,
                        "refreshed_at": now,
                    }
                    for code, count in counts.items()
                ],
            )
        return store

    yield fill
    for store in opened:
        store.close()

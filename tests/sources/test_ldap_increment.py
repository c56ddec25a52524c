"""Increments of Active Directory: after any step, the tables equal what a full read gives."""

import pytest

from recon.config import AdSource
from recon.decode.keys import EmployeeIdRules
from recon.errors import WatermarkError
from recon.lab.adserver import AdServer, AdSettings
from recon.sources.ldap.reading import AdReading
from tests.support.adsteps import BASE, Held, Steps, domain

IDS = EmployeeIdRules()
WAYS = {"usn": "reader", "dirsync": "replicator"}


def reading(server: AdServer, since: str | None = None, user: str = "reader", **settings: object) -> AdReading:
    given = {
        "url": server.url, "user": f"{user}@contoso.example", "tls": "none", "allow_plain_bind": True, **settings
    }  # fmt: skip
    return AdReading(AdSource(**given), "right", IDS, since=since, pause=[].append)


def full(server: AdServer, user: str = "reader", **settings: object) -> tuple[Held, str | None]:
    held = Held()
    read = reading(server, None, user, **settings)
    held.take(read.rows(), read.report)
    return held, read.report.watermark


@pytest.mark.parametrize("hidden", [(), ("replPropertyMetaData",)], ids=["metadata", "no metadata"])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"bases": (f"OU=People,{BASE}",)},
        {"objects": ("users", "groups")},
        {"objects": ("groups",)},
    ],
    ids=["all", "one base", "two kinds", "groups alone"],
)
@pytest.mark.parametrize("way", WAYS)
def test_after_each_step_the_tables_equal_a_full_read(way: str, settings: dict[str, object], hidden: tuple[str, ...]):
    changes = domain(max_val_range=4)
    server_settings = AdSettings(hidden_attributes=frozenset(map(str.casefold, hidden)), max_dirsync_objects=3)
    with AdServer(changes.directory, settings=server_settings) as server:
        steps = Steps(changes, seed=3)
        for _ in range(30):
            steps.step()
        held, since = full(server, WAYS[way], **settings)
        increments = 0
        for number in range(60):
            for _ in range(number % 3 + 1):
                steps.step()
            read = reading(server, since, WAYS[way], **settings)
            after = Held(held)
            try:
                after.take(read.rows(), read.report)
                since, held = read.report.watermark, after
                increments += 1
            except WatermarkError:
                held, since = full(server, WAYS[way], **settings)
                continue
            expected, _ = full(server, WAYS[way], increment="off", **settings)
            assert held.described() == expected.described(), steps.log[-3:]
        assert increments > 20

"""Evidence, items and plans of invented people for the backfill tests: sound unless told otherwise."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from recon.backfill.items import AdAccount, EntraAccount, Evidence, Item, Pairing
from recon.backfill.plan import Plan, freeze

TODAY = 20_000  # 2024-10-04
ANCHOR = "q1Xm5p5zTEqXwKkU8jyRvA=="
TENANT = "11111111-2222-3333-4444-555555555555"


def ad_account(**values: Any) -> AdAccount:
    """Erika Maier's enabled AD account."""
    sound: dict[str, Any] = {
        "row_id": 1,
        "guid": "e66d75ab-739e-4a4c-97c0-a914f23c91bc",
        "samaccountname": "emaier",
        "displayname": "Erika Maier",
        "givenname": "Erika",
        "sn": "Maier",
        "immutable_id": ANCHOR,
        "guid_immutable_id": ANCHOR,
        "is_enabled": 1,
        "whencreated": "2020-03-01 08:00:00.000000",
    }
    return AdAccount(**(sound | values))


def entra_account(**values: Any) -> EntraAccount:
    """Erika Maier's synced Entra user without otherMails."""
    sound: dict[str, Any] = {
        "row_id": 7,
        "id": "aaaaaaaa-0000-0000-0000-000000000001",
        "userprincipalname": "emaier@contoso.example",
        "displayname": "Erika Maier",
        "givenname": "Erika",
        "surname": "Maier",
        "employeeid": "1001",
        "onpremisesimmutableid": ANCHOR,
        "is_guest": 0,
        "is_synced": 1,
        "is_enabled": 1,
        "othermails_count": 0,
        "usagelocation_known": 1,
        "createddatetime": "2020-03-01 09:00:00.000000",
    }
    return EntraAccount(**(sound | values))


def worker(**values: Any) -> dict[str, Any]:
    """Erika Maier in HR."""
    sound: dict[str, Any] = {
        "worker_id": "W1001",
        "employee_id": "1001",
        "employeeid_key": "1001",
        "first_name": "Erika",
        "last_name": "Maier",
        "display_name": "Erika Maier",
        "is_active": 1,
        "hire_day": 18_300,
        "original_hire_day": None,
        "termination_day": None,
    }
    return sound | values


def evidence(**values: Any) -> Evidence:
    """A sound record: judged, it is an item."""
    sound = Evidence(
        worker=worker(),
        ad=(ad_account(),),
        entra=(entra_account(),),
        pairings=(Pairing(1, 7, 1, 4),),
        value="erika@mail.example",
    )
    return replace(sound, **values)


def item(number: int, **values: Any) -> Item:
    """Item `number` of a plan."""
    sound: dict[str, Any] = {
        "object_id": f"aaaaaaaa-0000-0000-0000-{number:012d}",
        "upn": f"u{number}@contoso.example",
        "worker_source": "hr",
        "worker_id": f"W{number}",
        "employee_id": f"{number}",
        "attribute": "otherMails",
        "before": (),
        "after": (f"u{number}@mail.example",),
        "rule": "anchor",
        "evidence": {"immutable_id": f"anchor{number}"},
    }
    return Item(**(sound | values))


def header(**values: Any) -> dict[str, Any]:
    """A plan's header as build_plan makes it."""
    sound: dict[str, Any] = {
        "kind": "fill",
        "tool_version": "test",
        "tenant_id": TENANT,
        "entra_source": "entra",
        "sources": [],
        "created_at": "2026-01-05 10:00:00.000000",
        "expires_at": "2026-01-06 10:00:00.000000",
        "scope": {"name": "hybrid", "groups": []},
        "attribute": "otherMails",
        "mappings": [{"attribute": "otherMails", "source": "worker.personal_mail", "mode": "fill", "position": "last"}],
        "planner": "planner",
        "write_share": 0.5,
        "thresholds": {"max_items": 500, "max_share": 1.0, "max_replaced": 0},
        "out_of_scope": 0,
    }
    return sound | values


def plan_of(folder: Path, count: int, **values: Any) -> Plan:
    """A frozen plan of so many items."""
    return freeze(folder / "plans", header(**values), [item(number) for number in range(count)])

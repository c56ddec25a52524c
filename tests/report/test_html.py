"""The page in a real browser: every row there, sorted, filtered, paged; hostile values stay text; no network."""

import stat

import pytest
from sqlalchemy import insert, update

from recon.objects import ReadReport
from recon.report import write_html
from recon.store.acceptance import Acceptance, accept, finding_seen
from recon.store.load import Load
from recon.store.match_tables import clock, finding_count
from recon.store.runs import register_source
from tests.report.conftest import HOSTILE, finding

pytestmark = pytest.mark.browser


def many(count: int) -> list[dict]:
    return [finding("mail_differs", f"user{number}@contoso.example", ad=f"value {number}") for number in range(count)]


def open_finding(page, code: str):
    """Open a finding and wait for its rows: the browser says that it is open a moment after the click."""
    page.click(f"#{code} summary")
    rows = page.locator(f"#{code} tbody tr")
    rows.first.wait_for()
    return rows


def first_names(page, code: str, count: int = 3) -> list[str]:
    cells = page.locator(f"#{code} tbody tr td:first-child").all_inner_texts()
    return cells[:count]


def test_rows_are_shown_paged_sorted_and_filtered(filled, config, page, tmp_path):
    path = write_html(config, filled(many(120)), tmp_path / "report.html")
    page.goto(path.as_uri())
    rows = open_finding(page, "mail_differs")
    assert rows.count() == 50
    assert page.inner_text("#mail_differs .bar span") == "1–50 of 120"
    page.click("#mail_differs .bar button:has-text('Next')")
    page.click("#mail_differs .bar button:has-text('Next')")
    assert page.inner_text("#mail_differs .bar span") == "101–120 of 120"
    assert rows.count() == 20
    page.click("#mail_differs th button:has-text('object')")
    assert first_names(page, "mail_differs") == [f"user{n}@contoso.example" for n in (0, 1, 2)]
    page.click("#mail_differs th button:has-text('object')")
    assert first_names(page, "mail_differs") == [f"user{n}@contoso.example" for n in (119, 118, 117)]
    page.fill("#mail_differs input", "USER11")
    assert page.inner_text("#mail_differs .bar span") == "1–11 of 11 (filtered from 120)"
    page.fill("#mail_differs input", "nobody")
    assert page.inner_text("#mail_differs .bar span") == "0–0 of 0 (filtered from 120)"


def test_hostile_values_stay_text(filled, config, page, tmp_path):
    rows = [
        finding("mail_differs", HOSTILE, ad="<img src=x onerror=alert(1)>"),
        finding("mail_differs", "a\u202eb\x1b[31m"),
    ]
    path = write_html(config, filled(rows), tmp_path / "report.html")
    page.goto(path.as_uri())
    open_finding(page, "mail_differs")
    assert page.title() == "Directory reconciliation"
    assert HOSTILE in page.locator("#mail_differs tbody").inner_text()
    assert page.locator("#mail_differs tbody img").count() == 0
    assert "\x1b" not in path.read_text(encoding="utf-8")


def test_personal_addresses_are_masked_unless_asked_for(filled, config, tmp_path):
    store = filled([finding("othermails_missing", "x", hr="jo.doe@example.net", personal=1)])
    masked = write_html(config, store, tmp_path / "a.html").read_text(encoding="utf-8")
    assert "jo.doe@example.net" not in masked
    assert "j***@e***.net" in masked
    plain = write_html(config, store, tmp_path / "b.html", unmask=True).read_text(encoding="utf-8")
    assert "jo.doe@example.net" in plain
    assert "personal addresses are shown in full" in plain


def test_loads_and_clean_findings_are_said(filled, config, page, tmp_path):
    page.goto(write_html(config, filled(many(1)), tmp_path / "report.html").as_uri())
    assert "yes, as counted" in page.inner_text("table.plain")
    assert "Title of upn_differs" in page.inner_text("ul.clean")


def test_every_table_of_a_load_is_listed(filled, config, page, tmp_path):
    store = filled(many(1))
    with Load(store, register_source(store, "entra", "entra", "t1"), "entra", ("entra_group_owner",)) as load:
        load.publish(ReadReport())
    page.goto(write_html(config, store, tmp_path / "report.html").as_uri())
    assert page.locator("table.plain td code").all_inner_texts() == ["entra_group_owner", "entra_user"]


def test_a_link_to_a_finding_opens_it(filled, config, page, tmp_path):
    page.goto(write_html(config, filled(many(3)), tmp_path / "report.html").as_uri() + "#mail_differs")
    assert page.locator("#mail_differs tbody tr").count() == 3


def test_the_file_belongs_to_its_owner_and_loads_nothing(filled, config, tmp_path):
    path = write_html(config, filled(many(1)), tmp_path / "deep" / "report.html")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    text = path.read_text(encoding="utf-8")
    assert "src=" not in text
    assert "default-src 'none'" in text
    assert list(path.parent.iterdir()) == [path]


def test_twenty_thousand_rows_are_all_there(filled, config, page, tmp_path):
    path = write_html(config, filled(many(20_000)), tmp_path / "report.html")
    page.goto(path.as_uri())
    open_finding(page, "mail_differs")
    assert page.inner_text("#mail_differs .bar span") == "1–50 of 20000"
    page.fill("#mail_differs input", "value 19999")
    assert first_names(page, "mail_differs") == ["user19999@contoso.example"]


def test_new_still_accepted_and_gone_are_told_apart(filled, config, page, tmp_path):
    rows = many(4)
    store = filled(rows)
    with store.write() as connection:
        connection.execute(update(clock).values(as_of_date="2026-03-02"))
        seen = [
            {
                "code": "mail_differs", "object_type": "entra_user", "object_key": key, "attribute": "mail",
                "object_name": name, "first_day": 1, "first_refresh": first, "gone_refresh": gone,
            }
            for key, name, first, gone in (
                ("key of user0@contoso.example", "user0", 1, None),
                ("key of user1@contoso.example", "user1", None, None),
                ("key of gone", "gone@contoso.example", None, 1),
            )
        ]  # fmt: skip
        connection.execute(insert(finding_seen), seen)
        for key, until in (
            ("key of user2@contoso.example", "2026-03-02"),
            ("key of user3@contoso.example", "2026-03-01"),
        ):
            accept(connection, Acceptance("mail_differs", key, None, until, "Ada", "<b>moving</b>"))
        connection.execute(update(finding_count).values(new_count=1, gone_count=1))
    page.goto(write_html(config, store, tmp_path / "report.html").as_uri())
    assert "1 new" in page.inner_text("#mail_differs summary")
    assert "1 accepted" in page.inner_text("#mail_differs summary")
    assert page.inner_text("a.tile.high b") == "3"  # open ones
    open_finding(page, "mail_differs")
    states = page.locator("#mail_differs tbody tr td:last-child").all_inner_texts()
    assert states == ["new", "still", "accepted until 2026-03-02 by Ada: <b>moving</b>", "still"]  # one has expired
    assert page.locator("#mail_differs tbody tr.accepted").count() == 1
    for state, names in (("new", ["user0"]), ("accepted", ["user2"]), ("still", ["user1", "user3"])):
        page.select_option("#mail_differs select", state)
        assert first_names(page, "mail_differs") == [f"{name}@contoso.example" for name in names]
    page.fill("#mail_differs input", "user3")
    assert first_names(page, "mail_differs") == ["user3@contoso.example"]
    page.select_option("#mail_differs select", "new")
    assert page.inner_text("#mail_differs .bar span") == "0–0 of 0 (filtered from 4)"
    page.click("#mail_differs .gone summary")
    assert page.inner_text("#mail_differs .gone p") == "gone@contoso.example"

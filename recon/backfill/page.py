"""A plan for those who must agree to it: one self-contained page, and every row as CSV. Addresses masked by default.

Both are derived from the frozen plan, and are no part of it: they can be written again at any time.
"""

import csv
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from recon.backfill.approval import read_approvals
from recon.backfill.items import Item, Reason
from recon.backfill.plan import Plan
from recon.backfill.reasons import LADDER
from recon.backfill.rehearse import read_rehearsal
from recon.catalog import data_folder
from recon.decode.mask import mask_mail, mask_text
from recon.errors import PlanError

PAGE_FILE, ITEMS_CSV, REASONS_CSV = "plan.html", "items.csv", "reasons.csv"
_SHOWN = 500  # items on the page; all of them are in the CSV
_EXAMPLES = 10  # people shown for each reason
_ITEM_COLUMNS = (
    "attribute", "mode", "worker_id", "employee_id", "userprincipalname", "object_id", "before", "after", "rule",
    "prehire", "hr_name", "ad_name", "entra_name", "immutable_id", "ad_guid",
)  # fmt: skip
_REASON_COLUMNS = ("reason", "attribute", "worker_id", "employee_id", "userprincipalname", "object_id", "detail")
_MEANINGS = {rung.code: rung.meaning for rung in LADDER} | {"over_limit": "Beyond --limit: the next plan takes them."}


def write_page(plan: Plan, folder: Path | None = None, *, unmask: bool = False) -> Path:
    """Write plan.html, items.csv and reasons.csv, by default beside the plan; returns the page.

    What lies beside the plan is always masked: `unmask` needs another folder. Raises PlanError.
    """
    if unmask and folder is None:
        raise PlanError("plain addresses are not kept beside the plan", hint="name a folder with --out")
    folder = folder or plan.folder
    with _whole(folder / ITEMS_CSV) as file:
        _write_rows(file, _ITEM_COLUMNS, (item_row(item, unmask=unmask) for item in plan.items()))
    with _whole(folder / REASONS_CSV) as file:
        _write_rows(file, _REASON_COLUMNS, (reason_row(reason) for reason in plan.reasons()))
    with _whole(folder / PAGE_FILE) as file:
        file.writelines(render_page(plan, unmask=unmask))
    return folder / PAGE_FILE


@contextmanager
def _whole(path: Path) -> Iterator[TextIO]:
    part = path.with_name(f".{path.name}.part")
    # the BOM lets spreadsheets read UTF-8
    encoding = "utf-8-sig" if path.suffix == ".csv" else "utf-8"
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding=encoding, newline="") as file:
            yield file
        part.replace(path)
    except OSError as error:
        raise PlanError(f"cannot write {path}: {error.strerror}", hint="choose another place for it") from error
    finally:
        with suppress(OSError):
            part.unlink()


def _write_rows(file: TextIO, columns: tuple[str, ...], rows: Iterable[Iterable[object]]) -> None:
    writer = csv.writer(file)
    writer.writerow(columns)
    writer.writerows([_cell(value) for value in row] for row in rows)


def _printable(value: Any) -> Any:
    """Text without control and direction characters; anything else, and our own markup, as it is."""
    if not isinstance(value, str) or isinstance(value, Markup) or value.isprintable():
        return value
    return "".join(letter if letter.isprintable() else " " for letter in value)


def _cell(value: object) -> str:
    """Text that no spreadsheet takes for a formula, without control characters."""
    text = _printable(str(value or ""))
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text


def _values(values: Iterable[str], *, unmask: bool) -> str:
    return ", ".join(value if unmask or "@" not in value else mask_mail(value) for value in values)


def item_row(item: Item, *, unmask: bool) -> tuple[object, ...]:
    """One item in the order of the CSV's columns."""
    known = ("hr_name", "ad_name", "entra_name", "immutable_id", "ad_guid")
    return (
        item.attribute,
        item.mode,
        item.worker_id,
        item.employee_id,
        item.upn,
        item.object_id,
        _values(item.before, unmask=unmask),
        _values(item.after, unmask=unmask),
        item.rule,
        "yes" if item.may_be_disabled and item.mode != "undo" else "",
        *(item.evidence.get(name) for name in known),
    )


def reason_row(reason: Reason) -> tuple[object, ...]:
    """One reason in the order of the CSV's columns."""
    return (
        reason.code,
        reason.attribute,
        reason.worker_id,
        reason.employee_id,
        reason.upn,
        reason.object_id,
        mask_text(reason.detail),
    )


def _examples(plan: Plan) -> dict[tuple[str, str], list[tuple[object, ...]]]:
    found: dict[tuple[str, str], list[tuple[object, ...]]] = {}
    for reason in plan.reasons():
        rows = found.setdefault((reason.attribute or "", reason.code), [])
        if len(rows) < _EXAMPLES:
            rows.append(reason_row(reason))
    return found


def _sums(plan: Plan) -> list[dict[str, Any]]:
    """Each attribute: its items, its reasons with examples, and the sum, which is the scope."""
    examples = _examples(plan)
    sums = []
    for attribute, counts in plan.header["by_attribute"].items():
        reasons = [
            {
                "code": code,
                "people": count,
                "meaning": _MEANINGS.get(code, ""),
                "examples": examples.get((attribute, code), []),
            }
            for code, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
            if code != "item"
        ]
        sums.append(
            {
                "attribute": attribute,
                "items": counts.get("item", 0),
                "reasons": reasons,
                "total": sum(counts.values()),
            }
        )
    return sums


def duration(seconds: float) -> str:
    """In words: 33 min, 2 h 05 min."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(timedelta(seconds=seconds).total_seconds() / 60), 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min"


def _clause(clause: Mapping[str, str]) -> str:
    value = f' "{clause["value"]}"' if "value" in clause else ""
    return f"{clause['column']} {clause['op']}{value}"


def render_page(plan: Plan, *, unmask: bool = False) -> Iterator[str]:
    """The page, piece by piece."""
    folder = data_folder("reports")
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        finalize=_printable,
    )
    header = plan.header
    return environment.get_template(
        "plan.html.j2"
    ).generate(
        style=Markup((folder / "report.css").read_text(encoding="utf-8")),  # noqa: S704 - our own file
        plan=plan,
        header=header,
        groups=[" AND ".join(_clause(clause) for clause in group) for group in header["scope"].get("groups", [])],
        sums=_sums(plan),
        items=[item_row(item, unmask=unmask)[:10] for item in islice(plan.items(), _SHOWN)],
        columns=_ITEM_COLUMNS[:10],
        reason_columns=_REASON_COLUMNS,
        predicted=duration(float(header["predicted_seconds"])),
        approvals=read_approvals(plan),
        rehearsal=read_rehearsal(plan),
        duration=duration,
        unmasked=unmask,
    )

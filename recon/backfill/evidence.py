"""One zip for the auditor: who was changed, from what, to what, why, approved by whom, and what shows it.

    plan/           the plan's files, approvals, rehearsal and page, as they lie in its folder
    journal.jsonl   what was meant and what came of it
    items.csv       one row an item: outcome, request ids, verification
    report.html     the same to read, with the approvals
    loads.json      the loads that the plan stands on, with their counts and fingerprints
    manifest.json   what this is, whether the hashes fitted, and SHA-256 of every file, here and as it lies on disk

Addresses are masked unless asked for. A masked file has another hash than its original: both stand in the manifest,
and that the plan's hash and the journal's chain fitted was checked on the originals.
"""

import csv
import hashlib
import io
import json
import os
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup
from sqlalchemy import select

from recon import __version__
from recon.backfill.approval import read_approvals
from recon.backfill.journal import JournalState, read_journal
from recon.backfill.ledger import item_rows
from recon.backfill.plan import HEADER_FILE, ITEMS_FILE, JOURNAL_FILE, REASONS_FILE, Plan
from recon.backfill.result import window_text
from recon.backfill.ways import doubt_words, window_words
from recon.catalog import data_folder
from recon.decode.mask import mask_text, mask_value
from recon.decode.times import utc_now_text
from recon.errors import PlanError, UsageError
from recon.store import Store
from recon.store.tables import load_run, load_run_table

Mask = Callable[[str], str]

# keys of addresses, and of text that may name one; user principal names are the company's own
_PERSONAL: dict[str, Mask] = {"before": mask_value, "after": mask_value, "found": mask_value, "detail": mask_text}
_SHOWN = (
    "worker_id", "userprincipalname", "attribute", "before_masked", "after_masked", "outcome", "reason", "outcome_at",
    "request_id", "verdict",
)  # fmt: skip
_KEPT_APART = frozenset({JOURNAL_FILE})


def _masked(value: Any, mask: Mask | None = None) -> Any:
    if isinstance(value, dict):
        return {key: _masked(entry, _PERSONAL.get(key, mask)) for key, entry in value.items()}
    if isinstance(value, list):
        return [_masked(entry, mask) for entry in value]
    return mask(value) if mask is not None and isinstance(value, str) else value


def _masked_lines(data: bytes) -> bytes:
    """Every whole line, masked; a torn last one is left out (the manifest counts its bytes)."""
    whole = data[: data.rfind(b"\n") + 1]
    lines = (json.dumps(_masked(json.loads(line)), ensure_ascii=False, sort_keys=True) for line in whole.splitlines())
    return "".join(f"{line}\n" for line in lines).encode()


def _plan_files(plan: Plan) -> Iterator[tuple[str, Path]]:
    """What lies in the plan's folder, hidden files and older evidence aside."""
    first = (HEADER_FILE, ITEMS_FILE, REASONS_FILE)
    names = [entry.name for entry in plan.folder.iterdir() if entry.is_file() and not entry.name.startswith(".")]
    for name in sorted(names, key=lambda each: (each not in first, each)):
        if name not in _KEPT_APART and not name.endswith(".zip"):
            yield f"plan/{name}", plan.folder / name
    if plan.journal_file.exists():
        yield JOURNAL_FILE, plan.journal_file


def _loads(store: Store, plan: Plan) -> list[dict[str, Any]]:
    """The loads named in the plan, with what each table's read proved."""
    runs = [each["load_run"] for each in plan.header["sources"] if each.get("load_run") is not None]
    found = []
    with store.read() as connection:
        for each in plan.header["sources"]:
            run = (
                connection.execute(select(load_run).where(load_run.c.run_id == each.get("load_run"))).mappings().first()
            )
            tables = connection.execute(select(load_run_table).where(load_run_table.c.run_id == each.get("load_run")))
            proofs = [dict(row) for row in tables.mappings()]
            for proof in proofs:
                proof.pop("watermark", None)
            shown = {key: value for key, value in dict(run or {}).items() if key != "watermark"}
            found.append({"source": each, "load": shown, "tables": proofs})
    return found if runs else []


def _items_csv(plan: Plan) -> bytes:
    text = io.StringIO()
    writer: Any = None
    for row in item_rows(plan):
        if writer is None:
            writer = csv.DictWriter(text, list(row), lineterminator="\n")
            writer.writeheader()
        writer.writerow(row)
    return text.getvalue().encode()


def _page(plan: Plan, state: JournalState) -> bytes:
    folder = data_folder("reports")
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    outcomes = [(outcome, reason, count) for (outcome, reason), count in sorted(state.reasons.items())]
    if state.intents:
        outcomes.append(("in doubt", doubt_words(state.way), len(state.intents)))
    outcomes.append(("open", "", plan.item_count - len(state.outcomes) - len(state.intents)))
    verdicts = Counter(state.verified.values())
    outcomes += [("verified", verdict, count) for verdict, count in sorted(verdicts.items())]
    text = environment.get_template("campaign.html.j2").render(
        plan=plan,
        style=Markup((folder / "report.css").read_text(encoding="utf-8")),  # noqa: S704 - our own style sheet
        outcomes=outcomes,
        window=window_text(state.windows_ms),
        window_words=window_words(state.way),
        approvals=read_approvals(plan),
        columns=_SHOWN,
        rows=item_rows(plan),
    )
    return text.encode()


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def make_evidence(
    plan: Plan,
    store: Store,
    target: Path,
    *,
    is_unmasked: bool = False,
    user: str,
) -> dict[str, Any]:
    """Write the zip, readable by its owner alone; returns the manifest.

    Raises UsageError when the target is there already, PlanError when a file cannot be read or written or the journal
    is damaged.
    """
    if target.exists():
        raise UsageError(f"{target} is there already", hint="give another name with --output")
    state = read_journal(plan.journal_file)  # raises when its chain does not fit
    manifest: dict[str, Any] = {
        "plan": plan.hash,
        "tenant": plan.tenant_id,
        "kind": plan.header["kind"],
        "made_at": utc_now_text(),
        "made_by": user,
        "tool": __version__,
        "addresses": "in clear" if is_unmasked else "masked",
        "plan_hash_fits": True,  # a plan whose hash does not fit is never loaded
        "journal_chain": state.chain or None,
        "journal_torn_bytes": state.torn,
        "outcomes": {f"{outcome}: {reason}": count for (outcome, reason), count in sorted(state.reasons.items())},
        "in_doubt": len(state.intents),
        "open": plan.item_count - len(state.outcomes) - len(state.intents),
        "files": {},
    }
    making = target.with_name(f".{target.name}.new")
    try:
        handle = os.open(making, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:

            def add(name: str, data: bytes, original: bytes | None = None) -> None:
                archive.writestr(name, data)
                manifest["files"][name] = {"sha256": _sha256(data), "bytes": len(data)}
                if original is not None and original != data:
                    manifest["files"][name]["sha256_on_disk"] = _sha256(original)

            for name, path in _plan_files(plan):
                data = path.read_bytes()
                hide = name.endswith(".jsonl") and not is_unmasked
                add(name, _masked_lines(data) if hide else data, data)
            add("items.csv", _items_csv(plan))
            add("loads.json", json.dumps(_loads(store, plan), indent=2, default=str).encode() + b"\n")
            add("report.html", _page(plan, state))
            archive.writestr("manifest.json", json.dumps(manifest, indent=2, sort_keys=True) + "\n")
        making.rename(target)
    except (OSError, ValueError) as error:
        raise PlanError(f"the evidence cannot be written to {target}: {error}") from error
    finally:
        making.unlink(missing_ok=True)
    return manifest

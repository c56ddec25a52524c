"""The report as one self-contained HTML file: no network, opened by a double click.

Rows travel as JSON text that the page parses when a finding is opened, and reach it as text only; the page's
content policy allows its own script and nothing else.
"""

import base64
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from recon.catalog import data_folder
from recon.report.content import COLUMNS, Content
from recon.report.files import whole_file

_ROWS_A_CHUNK = 500


def _json(value: object) -> str:
    """JSON that can stand inside a script element whatever the value holds."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _row_chunks(content: Content, code: str) -> Iterator[Markup]:
    yield Markup(f'{{"columns":{_json(COLUMNS)},"rows":[')  # noqa: S704 - JSON, escaped above
    chunk: list[str] = []
    first = True
    for row in content.rows(code):
        chunk.append(_json(row))
        if len(chunk) == _ROWS_A_CHUNK:
            yield Markup(("" if first else ",") + ",".join(chunk))  # noqa: S704
            chunk, first = [], False
    if chunk:
        yield Markup(("" if first else ",") + ",".join(chunk))  # noqa: S704
    yield Markup("]}")


def render_html(content: Content) -> Iterator[str]:
    """The page, piece by piece."""
    folder = data_folder("reports")
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    script = (folder / "report.js").read_text(encoding="utf-8")
    style = (folder / "report.css").read_text(encoding="utf-8")
    groups = [
        (
            severity,
            [
                {
                    "code": line.code,
                    "title": line.title,
                    "meaning": line.meaning,
                    "fix": line.fix,
                    "source": line.source,
                    "rows": line.rows,
                    "change": line.change,
                    "accepted": line.accepted,
                    "new": line.new,
                    "gone": line.gone,
                    "gone_names": line.gone_names,
                    "chunks": _row_chunks(content, line.code),
                }
                for line in lines
            ],
        )
        for severity, lines in content.severities()
    ]
    return environment.get_template("report.html.j2").generate(
        title=content.title,
        tool_version=content.tool_version,
        as_of=content.as_of and content.as_of[:16],
        written_at=content.written_at,
        max_age_hours=content.max_age_hours,
        unmasked=content.unmask,
        tiles=[
            {"severity": severity, "rows": sum(line.rows - line.accepted for line in lines)}
            for severity, lines in content.severities()
        ],
        loads=content.loads,
        doubts=content.doubts,
        skew=content.skew,
        groups=groups,
        clean=content.clean(),
        script=Markup(script),  # noqa: S704 - our own file
        style=Markup(style),  # noqa: S704 - our own file
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


def write_html_file(content: Content, path: Path) -> Path:
    """Write the page to `path`. Raises StoreError."""
    with whole_file(path) as part, part.open("w", encoding="utf-8", newline="\n") as file:
        for piece in render_html(content):
            file.write(piece)
    return path

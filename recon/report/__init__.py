"""Findings as pages and sheets. Reads the store alone; never talks to a directory."""

from pathlib import Path

from recon.config import Config
from recon.store import Store


def write_html(config: Config, store: Store, path: Path | None = None, *, unmask: bool = False) -> Path:
    """Write the HTML report; default <report folder>/report.html. Raises StoreError."""
    from recon.report.content import Content
    from recon.report.html import write_html_file

    target = path or config.path(config.report.folder) / "report.html"
    return write_html_file(Content(config, store, unmask=unmask), target)

"""recon: Active Directory, Entra ID and HR in SQL; where they disagree, and how to fill what is missing."""

import importlib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recon.frames import Site

__version__ = "0.1.0"


def open(path: str | Path | None = None) -> "Site":  # noqa: A001  read as recon.open("recon.toml")
    """The database of a recon.toml for notebooks and scripts: `recon.open("recon.toml").frame("othermails_missing")`.

    `path`: the given file, else RECON_CONFIG, else ./recon.toml. Raises UsageError or ConfigError when there is none.
    """
    site: Site = importlib.import_module("recon.frames").open_site(path)  # by name: every layer may import this module
    return site

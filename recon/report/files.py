"""A report file appears whole or not at all, readable by its owner alone."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from recon.errors import StoreError


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a temporary name to write to; it becomes `path` when the block ends well. Raises StoreError."""
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
        yield part
        part.replace(path)
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        raise StoreError(f"cannot write {path}: {error.strerror}", hint="choose another place for it") from error

"""One at a time: a lock file that the operating system releases when its holder dies."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from recon.errors import ReconError, StoreError


def _take(handle: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def locked(path: Path, busy: ReconError) -> Iterator[None]:
    """Hold the lock file while the block runs; raises `busy` when another process holds it.

    Raises StoreError when the file cannot be made. The file stays; it carries no data.
    """
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StoreError(f"cannot make the lock file {path}: {error.strerror}") from error
    try:
        try:
            _take(handle)
        except OSError as error:
            raise busy from error
        yield
    finally:
        os.close(handle)

"""One tree of errors; each class carries the exit code the command line ends with.

    ReconError                    1  anything we refuse or could not finish
    ├── UsageError                2  wrong argument, unknown finding or name
    ├── ConfigError               2  recon.toml: file, key, reason
    ├── CatalogError              2  a SQL file of the catalogue is broken: file, line, reason
    ├── DecodeError               2  a value that is not what it claims to be
    ├── SourceError               1  a directory or file could not be read to its end
    │   ├── TransientError        1  worth another try (503, reset, time-out); may carry retry_after
    │   ├── IncompleteError       1  the read ended, but not with the rows the server counts
    │   ├── RestartError          1  this listing must begin again (expired page token)
    │   ├── WatermarkError        1  the watermark of an increment no longer serves: a full read is due
    │   ├── SignInError           1  bind or token refused: never repeated, it would lock the account
    │   └── AccessError           1  signed in, but a right is missing
    ├── StoreError                1  the database: cannot be opened, is newer, is busy
    │   └── LoadRefusedError      1  complete, but not believable (shrink guard, fill-rate guard)
    ├── PlanError                 1  a plan that may not be applied (tampered, expired, other tenant)
    └── PartialError              4  done, but some items were refused or failed

Messages are one line: what failed, on what. `hint` says what to do next. Neither holds secrets or whole objects.
The library raises these; only recon.cli prints them.
"""


class ReconError(Exception):
    """Anything we refuse or could not finish. `hint` is the next step, in the reader's words."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(ReconError):
    """A wrong argument, an unknown finding, an unknown name."""

    exit_code = 2


class ConfigError(ReconError):
    """recon.toml or the environment: names the file and the key."""

    exit_code = 2


class CatalogError(ReconError):
    """A SQL file that does not follow the rules: names file and line."""

    exit_code = 2


class DecodeError(ReconError, ValueError):
    """A value that is not what it claims to be. Refused, never guessed."""

    exit_code = 2


class SourceError(ReconError):
    """A source could not be read to its end: nothing of it may be published."""


class TransientError(SourceError):
    """Worth another try. `retry_after`: seconds the server asked for, or None."""

    def __init__(self, message: str, *, hint: str | None = None, retry_after: float | None = None) -> None:
        super().__init__(message, hint=hint)
        self.retry_after = retry_after


class RestartError(SourceError):
    """The listing must begin again from its first page (an expired page token)."""


class IncompleteError(SourceError):
    """The read ended without an error, but not with the number of rows the server counts."""


class WatermarkError(SourceError):
    """An increment cannot begin where the last one ended: expired, another or a restored server."""


class SignInError(SourceError):
    """A refused bind or token. Never repeated elsewhere: it would lock the account."""


class AccessError(SourceError):
    """Signed in, but the right to read or write is missing."""


class StoreError(ReconError):
    """The database cannot be opened, is of a newer version, or is busy."""


class LoadRefusedError(StoreError):
    """The read was complete but is not believable; the old rows stand."""


class PlanError(ReconError):
    """A plan that may not be applied: tampered with, expired, of another tenant, already running."""


class PartialError(ReconError):
    """Finished, but some items were refused or failed."""

    exit_code = 4

"""Section `backfill`: how fast campaigns write, in virtual time (tests.bench.backfill)."""

from tests.bench import backfill
from tests.bench.options import Options


def section(options: Options) -> list[str]:
    """Ways of sending side by side, and a campaign at the published limits."""
    return [*backfill.lines(2_000 if options.is_quick else 12_000), ""]

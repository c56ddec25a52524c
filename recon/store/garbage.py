"""Python's collector during a load: it looks when it is told to, and not each time that 700 objects more are alive.

Rows are made and freed by the hundred thousand and form no circles: to look through them costs a tenth of a load.
"""

import gc

# Between two looks: an answer of Graph, in a circle of its client's, takes megabytes. A multiple of the usual batch, so
# that no row waits then.
ROWS = 6_000


def seldom() -> bool:
    """Leave what is there alone and look no more by itself; returns what as_before() needs."""
    was_enabled = gc.isenabled()
    gc.freeze()
    gc.disable()
    return was_enabled


def look() -> None:
    """Free the circles made since."""
    gc.collect()


def as_before(was_enabled: bool) -> None:
    """End what seldom() began."""
    gc.unfreeze()
    if was_enabled:
        gc.enable()

"""What one run of the bench measures."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Options:
    """`people`: of the races with peers. `rows`: of the sections on the store. `folder`: for everything temporary."""

    people: int
    rows: tuple[int, ...]
    rounds: int
    folder: Path
    is_quick: bool

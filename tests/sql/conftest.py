"""An estate on each engine."""

import pytest

from recon.store import Store
from tests.support.estate import Estate


@pytest.fixture
def estate(store: Store) -> Estate:
    """An empty estate: sources and links, no rows."""
    return Estate(store)

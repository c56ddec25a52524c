"""Fixture `estate`: an empty database on each engine at hand, to be filled by a test."""

import pytest

from recon.store import Store
from tests.support.estate import Estate


@pytest.fixture
def estate(store: Store) -> Estate:
    """An empty estate."""
    return Estate(store)

"""Fixtures that every part shares; servers come from tests.servers."""

import importlib.util

pytest_plugins = [
    name
    for name in ("tests.servers.samba", "tests.servers.postgresql", "tests.servers.stores", "tests.servers.browser")
    if importlib.util.find_spec(name)
]

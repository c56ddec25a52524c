"""Fixtures that every part shares; servers come from tests.servers."""

import importlib.util

from hypothesis import HealthCheck, settings

# a busy machine is no defect: what hypothesis says of slow examples would fail a run by chance
settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")

pytest_plugins = [
    name
    for name in ("tests.servers.samba", "tests.servers.postgresql", "tests.servers.stores", "tests.servers.browser")
    if importlib.util.find_spec(name)
]

"""Simulators to test against: one that nobody changes, and one of a test's own."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from recon.lab.graph import GraphSimulator, Tenant
from tests.support.graph import APPS, OTHER_TENANT, READER, Graph, tenant

Start = Callable[..., Graph]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a simulator of one's own: start(client_id=…, tenants=…, faults=…)."""
    running: list[Graph] = []

    def begin(client_id: str = READER, tenants: list[Tenant] | None = None, **options: Any) -> Graph:
        simulator = GraphSimulator(tenants or [tenant()], apps=APPS, **options).start()
        try:
            running.append(Graph(simulator, client_id))
        except BaseException:
            simulator.stop()
            raise
        return running[-1]

    yield begin
    for graph in running:
        graph.session.close()
        graph.simulator.stop()


@pytest.fixture(scope="module")
def shared() -> Iterator[GraphSimulator]:
    """One simulator for tests that change nothing."""
    with GraphSimulator([tenant(), Tenant(OTHER_TENANT, [])], apps=APPS) as simulator:
        yield simulator


@pytest.fixture
def graph(shared: GraphSimulator) -> Iterator[Graph]:
    client = Graph(shared)
    yield client
    client.session.close()


@pytest.fixture
def as_app(shared: GraphSimulator) -> Iterator[Callable[[str], Graph]]:
    """A client of another application."""
    clients: list[Graph] = []

    def make(client_id: str) -> Graph:
        clients.append(Graph(shared, client_id))
        return clients[-1]

    yield make
    for client in clients:
        client.session.close()

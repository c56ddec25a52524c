"""A Microsoft Graph for rehearsals: what the documentation says of users, groups and roles, over loopback HTTP.

What the documentation leaves open is said in the docstring of the module that had to choose. Nothing here is a
client, and nothing here is imported by the product's own reading or writing.
"""

from recon.lab.graph.calls import RequestRecord, WriteRecord
from recon.lab.graph.delta import DeltaRules
from recon.lab.graph.faults import KINDS, Fault, parse_fault
from recon.lab.graph.server import GraphSimulator
from recon.lab.graph.store import Tenant
from recon.lab.graph.throttle import Limits
from recon.lab.graph.tokens import App

__all__ = [
    "KINDS",
    "App",
    "DeltaRules",
    "Fault",
    "GraphSimulator",
    "Limits",
    "RequestRecord",
    "Tenant",
    "WriteRecord",
    "parse_fault",
]

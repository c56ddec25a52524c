"""The database: tables, loads that publish whole or not at all, and what is known about each load."""

from recon.store.engine import Store

__all__ = ["Store"]

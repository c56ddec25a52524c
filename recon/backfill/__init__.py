"""Filling what is missing in the cloud: scope, plan, apply, journal, undo.

The only part of recon that writes to a directory, and only through recon.backfill.apply. It never creates, never
deletes, never disables; it fills the attributes of recon.backfill.items.ATTRIBUTES and takes its own values back.
"""

"""The second connector: its exported synchronization schema held against what it may do."""

"""Scopes: who is selected, in SQL and in Python, and what two scopes have in common by logic."""

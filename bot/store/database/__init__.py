"""Connections to SQLite and PostgreSQL: transactions, timeouts, the clock.

The package is independent of the tables, except for the one that the probe writes to.
Start reading at `engine`; `statements` runs the statements that every purge needs.
"""

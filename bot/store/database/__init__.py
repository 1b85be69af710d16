"""Sessions with SQLite and PostgreSQL: transactions, deadlines, the clock.

It knows the two databases and none of our tables, but for the probe's.
Begin at `engine`.
"""

"""Memory: what was asked, what was decided, what is due, on SQLite or PostgreSQL.

Rows and transactions; no rule is decided here, and no other package writes SQL.
Begin at `store`; `schema` has the tables, `queue` what is due, `reads` what is asked.
"""

"""The database, SQLite or PostgreSQL: requests, decisions and the rows that are due.

This package has rows and transactions, but no rules.  No other package writes SQL.
Start reading at `store`; `schema` has the tables, `queue` the due rows, `reads` the queries.
"""

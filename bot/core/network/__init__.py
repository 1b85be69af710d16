"""Facts about addresses and connections, without a connection.

Python's own library alone is imported.
Begin at `connection_errors`: why something was not reached, and what helps.
"""

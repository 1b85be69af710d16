"""Facts about addresses and connections, without any connection.

Modules here import only the standard library.
Start reading at `connection_errors`: why a connection failed, and what to do.
"""

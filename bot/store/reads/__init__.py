"""Queries of the tables, and facts that all replicas share.

The callers decide on rights.
Start reading at `history` for people's questions, `related` for the queries that the rules need.
"""

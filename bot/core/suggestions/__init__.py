"""Suggestions: which known tag a mistyped tag may mean, and the question to the requester about it.

Modules here compare texts and format the question; the caller passes the known tags.
Start reading at `confirmation`.
"""

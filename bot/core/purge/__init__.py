"""A purge: its states, its fields, its audit trail and its signatures.

Modules here are about a purge as a value; decisions are in `bot.core.decisions`.
Start reading at `states`, which has a diagram, then `purge`.
"""

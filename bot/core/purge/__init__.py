"""A purge: its states, its facts, its audit trail and its signatures.

The value, and what can be said of it alone; decisions are in `bot.core.decisions`.
Begin at `states`, where the drawing is, then `purge`.
"""

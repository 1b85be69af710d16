"""The tables, and how values become rows and rows become values.

Nothing else knows how a value is written down.
Begin at `tables`, then `mapping`.
"""

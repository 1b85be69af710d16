"""The tables, and the conversion of values to rows and back.

No other package knows how a value is stored.
Start reading at `tables`, then `mapping`.
"""

"""The rules: pure values and functions, no input or output, no clock.

Only the standard library, pydantic and idna may be imported here (tests/architecture/test_imports.py).
Begin at `decisions`, then `purge`, `policy` and `command`.
"""

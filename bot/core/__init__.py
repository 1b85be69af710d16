"""The rules: pure values and functions, without I/O and without a clock.

Modules here may import only the standard library, pydantic and idna
(tests/architecture/test_imports.py).
Start reading at `decisions`, then `purge`, `policy` and `command`.
"""

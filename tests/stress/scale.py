"""How much these tests do: a sample in `make test`, all of it in `make test-long`."""

from __future__ import annotations

import os
from collections.abc import Callable

Counted = Callable[[str, str], None]
"""The fixture `record_property`: what is given it as `counts` is printed when all tests are over."""

LONG = bool(os.environ.get("TEST_LONG"))


def scaled(sample: int, full: int) -> int:
    """Give how many of something there are."""
    return full if LONG else sample

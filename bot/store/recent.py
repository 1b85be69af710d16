"""The last values of some kind, by key, in memory."""

from __future__ import annotations

from collections import OrderedDict
from typing import TypeVar

V = TypeVar("V")

MOST = 256
"""How many values are kept."""


class Recent(OrderedDict[str, V]):
    """Values by key.  Thread-safe without a lock, because each step is one of the dictionary's."""

    def keep(self, key: str, value: V) -> None:
        """Keep a value, and forget the one that was kept longest ago if there are too many."""
        self.pop(key, None)
        self[key] = value
        if len(self) > MOST:
            self.popitem(last=False)

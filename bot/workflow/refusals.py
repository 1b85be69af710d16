"""How many refusals of one person are stored.

Whoever may do nothing could otherwise fill the database.  The numbers are those of this process,
in memory: beyond the limit nothing is to be written, and nothing has to be read.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from datetime import datetime, timedelta

from bot.core.decisions.rulings import Rules

WINDOW = timedelta(hours=1)
MOST_PEOPLE = 10_000
"""How many people are remembered.  Who was refused longest ago is forgotten first."""


class RefusalLimit:
    """Counts the stored refusals of each person within an hour.  Thread-safe."""

    def __init__(self, rules: Callable[[], Rules], now: Callable[[], datetime]) -> None:
        self._rules = rules
        self._now = now
        self._lock = threading.Lock()
        self._stored: OrderedDict[str, deque[datetime]] = OrderedDict()

    @property
    def most(self) -> int:
        """How many are stored; 0: all."""
        return self._rules().limits.refusals_an_hour

    def is_reached(self, user_id: str) -> bool:
        """Return whether the next refusal of this person is not to be stored."""
        with self._lock:
            return bool(self.most) and self._lately(user_id) >= self.most

    def may_store(self, user_id: str) -> bool:
        """Return whether to store a refusal of this person.  If so, it counts."""
        with self._lock:
            if self.most and self._lately(user_id) >= self.most:
                return False
            self._stored.setdefault(user_id, deque()).append(self._now())
            self._stored.move_to_end(user_id)
            if len(self._stored) > MOST_PEOPLE:
                self._stored.popitem(last=False)
            return True

    def _lately(self, user_id: str) -> int:
        stored = self._stored.get(user_id, deque())
        while stored and stored[0] <= self._now() - WINDOW:
            stored.popleft()
        return len(stored)

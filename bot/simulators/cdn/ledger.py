"""What was spent, and when: the sum inside a span of time is all that a quota or a rate needs."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

DAY_S = 24 * 3600
MINUTE_S = 60
_SHANGHAI_OFFSET_S = 8 * 3600


class Spent(NamedTuple):
    at: float
    purpose: str
    domain: str
    amount: int


class Ledger:
    """Spendings in order of time, forgotten after `keep_s` seconds."""

    def __init__(self, keep_s: float) -> None:
        self._keep_s = keep_s
        self._entries: deque[Spent] = deque()

    def spend(self, purpose: str, now: float, amount: int = 1, domain: str = "") -> None:
        while self._entries and self._entries[0].at < now - self._keep_s:
            self._entries.popleft()
        self._entries.append(Spent(now, purpose, domain, amount))

    def today(self, purpose: str, now: float) -> int:
        """The amount spent since the last midnight in UTC+8."""
        start = day_start(now)
        return sum(spent.amount for spent in self._entries_of(purpose) if spent.at >= start)

    def within(self, span_s: float, purpose: str, now: float, domain: str = "") -> list[Spent]:
        """What was spent in the last `span_s` seconds, oldest first; of one domain, if given."""
        return [
            spent
            for spent in self._entries_of(purpose)
            if spent.at > now - span_s and domain in {"", spent.domain}
        ]

    def _entries_of(self, purpose: str) -> Iterator[Spent]:
        return (spent for spent in self._entries if spent.purpose == purpose)


def day_start(now: float) -> float:
    """The last midnight in UTC+8, when daily quotas are new again."""
    return (now + _SHANGHAI_OFFSET_S) // DAY_S * DAY_S - _SHANGHAI_OFFSET_S

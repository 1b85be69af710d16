"""A cache of facts that are looked up over the network, each with the time of its lookup.

Only one thread at a time looks a fact up; other threads wait for its answer.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Generic, TypeVar

import structlog

from bot.core.retry import DirectoryRefused, DirectoryUnavailable

log = structlog.get_logger("purgebot.people")

FRESH = timedelta(seconds=60)
STALE = timedelta(minutes=10)

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Answer(Generic[T]):
    """A value, and when its lookup began."""

    value: T
    at: datetime


@dataclass(slots=True)
class _Fact(Generic[T]):
    """One cached fact, and the lock for looking it up."""

    answer: _Answer[T] | None = None
    asking: threading.Lock = field(default_factory=threading.Lock)


class Facts(Generic[K, T]):
    """A cache of facts of one kind.  Threads may share it."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._facts: dict[K, _Fact[T]] = {}

    def held(self, key: K, age: timedelta = FRESH) -> T | None:
        """Return the cached value if it is at most `age` old, else None.  Never looks it up."""
        fact = self._facts.get(key)
        answer = fact.answer if fact else None
        return answer.value if answer and self._now() - answer.at <= age else None

    def get(
        self, key: K, interaction: Callable[[], T], since: datetime | None, age: timedelta = FRESH
    ) -> T:
        """Return a value that was looked up at `since` or later, or, if that is None, within `age`.

        Threads that wait for a lookup share its answer, if it is fresh for them.  If the lookup
        fails and `since` is None, a value that is at most STALE old is returned.
        Raises: DirectoryUnavailable; DirectoryRefused even if there is a cached value.
        """
        fact = self._facts.setdefault(key, _Fact())
        with fact.asking:
            now, known = self._now(), fact.answer
            if known is not None:
                fresh = now - known.at <= age if since is None else known.at >= since
                if fresh:
                    return known.value
            try:
                value = interaction()
            except DirectoryRefused:
                raise
            except DirectoryUnavailable:
                if known is None or since is not None or now - known.at > STALE:
                    raise
                log.warning("stale-facts-used", about=str(key))
                return known.value
            fact.answer = _Answer(value, now)
            return value

"""Facts that are asked for over the network, kept in memory with the moment they were asked for.

One thread asks for a thing at a time; the others wait for its answer.
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
    """What was answered, and when it was asked."""

    value: T
    at: datetime


@dataclass(slots=True)
class _Fact(Generic[T]):
    """One thing, and the lock of whoever asks for it again."""

    answer: _Answer[T] | None = None
    asking: threading.Lock = field(default_factory=threading.Lock)


class Facts(Generic[K, T]):
    """Facts of one kind."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._facts: dict[K, _Fact[T]] = {}

    def held(self, key: K, age: timedelta = FRESH) -> T | None:
        """Give what is in memory and at most this old; never asks."""
        fact = self._facts.get(key)
        answer = fact.answer if fact else None
        return answer.value if answer and self._now() - answer.at <= age else None

    def get(
        self, key: K, interaction: Callable[[], T], since: datetime | None, age: timedelta = FRESH
    ) -> T:
        """Give a fact that was asked for at `since` or later, or, if that is None, within `age`.

        Those who come while it is asked for share the answer, if it is fresh to them.  Where
        nobody answers now, one up to STALE still serves, unless `since` says otherwise.
        Raises: DirectoryUnavailable; DirectoryRefused, whatever is known.
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

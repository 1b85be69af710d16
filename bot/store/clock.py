"""The clock that all replicas share: PostgreSQL's.

The clocks of two machines may differ by a minute, but a lease lasts only half of that.  So a
replica queries the time of the database at intervals.  In between it adds the time that has elapsed
on a local clock that cannot be set.  The result differs from the database's time by a fraction of a
second.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select

from bot.store.database.engine import Database
from bot.store.database.statements import Prepared

ASK_EVERY_S = 10.0
"""The interval of the queries, in seconds.  In this time a clock drifts by less than a millisecond."""
ASKS = 3
"""How many queries make one measurement."""
_NOW = Prepared(select(func.clock_timestamp().label("now")))
_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def steady_s() -> float:
    """Return the seconds since an arbitrary moment, including time in which the machine slept.

    Python's `time.monotonic` does not count the time in which the machine was suspended.
    """
    return time.clock_gettime(_STEADY)


class DatabaseClock:
    """The clock of a PostgreSQL database.  The constructor raises StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known = self._asked()

    def now(self) -> datetime:
        """Return the current time in UTC.  It does not query the database."""
        return self._known.time_at(steady_s())

    def refresh(self) -> None:
        """Query the time of the database.

        The old measurement is kept if it is more precise than the new one and agrees with it.
        Raises: StoreUnavailable.  Then the old measurement is kept, too.
        """
        new, known = self._asked(), self._known
        wrong_by = abs(new.told - known.time_at(new.at)).total_seconds()
        if wrong_by > new.doubt_s or new.doubt_s <= known.doubt_s:
            self._known = new

    def _asked(self) -> _Answer:
        """Query the time ASKS times and return the quickest answer, which is the most precise."""
        return min((self._asked_once() for _ in range(ASKS)), key=lambda answer: answer.doubt_s)

    def _asked_once(self) -> _Answer:
        began = steady_s()
        (told,) = self._database.rows(_NOW)[0]
        doubt_s = (steady_s() - began) / 2
        return _Answer(told.astimezone(UTC), began + doubt_s, doubt_s)


@dataclass(frozen=True, slots=True)
class _Answer:
    """One measurement: the database's time was `told` at the local time `at`, plus or minus `doubt_s`.

    `at` is in seconds of `steady_s`.  `doubt_s` is half of the round-trip time, in seconds.
    """

    told: datetime
    at: float
    doubt_s: float

    def time_at(self, moment: float) -> datetime:
        return self.told + timedelta(seconds=moment - self.at)

"""The time that all replicas share: PostgreSQL's.

The clocks of two machines may differ by a minute, and a lease lasts half of that.  So a replica asks
the database what time it is, again and again, and reckons on from its answer by a clock of its own
that nobody sets.  What it says differs from what the database says by a fraction of a second.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select

from bot.store.database.engine import Database

ASK_EVERY_S = 10.0
"""How often the database is asked: so far no clock goes wrong by more than a millisecond."""
ASKS = 3
_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def steady_s() -> float:
    """Give seconds since some moment, those counted in which the process or its machine slept.

    Python's own `time.monotonic` leaves out those of a machine that was suspended.
    """
    return time.clock_gettime(_STEADY)


class DatabaseClock:
    """Tells the time of a PostgreSQL database.  Raises: StoreUnavailable, as it is made."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known = self._asked()

    def now(self) -> datetime:
        """Give the time, in UTC; it needs no answer for that."""
        return self._known.time_at(steady_s())

    def refresh(self) -> None:
        """Ask the database what time it is.  Raises: StoreUnavailable; what was known stays."""
        new, known = self._asked(), self._known
        wrong_by = abs(new.told - known.time_at(new.at)).total_seconds()
        if wrong_by > new.doubt_s or new.doubt_s <= known.doubt_s:
            self._known = new

    def _asked(self) -> _Answer:
        """Ask a few times: the quickest answer says the most."""
        return min((self._asked_once() for _ in range(ASKS)), key=lambda answer: answer.doubt_s)

    def _asked_once(self) -> _Answer:
        began = steady_s()
        told: datetime = self._database.read(select(func.clock_timestamp())).scalar_one()
        doubt_s = (steady_s() - began) / 2
        return _Answer(told.astimezone(UTC), began + doubt_s, doubt_s)


@dataclass(frozen=True, slots=True)
class _Answer:
    """The database told the time, at this moment give or take `doubt_s`: it was on its way."""

    told: datetime
    at: float
    doubt_s: float

    def time_at(self, moment: float) -> datetime:
        return self.told + timedelta(seconds=moment - self.at)

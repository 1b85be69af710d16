"""Limits on how many rows of a kind may be taken now: rates of all replicas, pauses of this process.

A rate is a token bucket, stored as one row that all replicas share: the number of tokens and when
it was valid.  The tokens added since then are computed from the elapsed time, so no process has to
fill the bucket.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from bot.store.database.engine import prepared_if_new
from bot.store.database.statements import Prepared
from bot.store.queue.due import JobKind, due_rows
from bot.store.schema.tables import rates


@dataclass(frozen=True, slots=True)
class Rate:
    """A token bucket: `per_s` tokens are added per second, up to `burst`.

    A caller that gets too few tokens retries when there are `worth`, so that it does not retry for
    each single token while many rows wait.
    """

    name: str
    per_s: float
    burst: float
    worth: float = 1


KEPT_FOR = timedelta(milliseconds=100)
"""How long this process keeps tokens for rows that will be handed over (Throttle.take_one)."""
_ONE = rates.c.name == bindparam("which")
_LOOK = Prepared(select(rates.c.tokens, rates.c.at).where(_ONE).with_for_update())
_FILL = prepared_if_new(rates, "name")
_TAKE = Prepared(update(rates).where(_ONE))
_GIVE_BACK = Prepared(update(rates).where(_ONE).values(tokens=rates.c.tokens + bindparam("unused")))


def take(connection: Connection, rate: Rate, wanted: int, now: datetime) -> tuple[int, datetime]:
    """Take up to `wanted` tokens.  Return how many were taken, and when to retry for more.

    It runs in the caller's transaction and locks the row of the rate until the end of that.
    """
    named = {"which": rate.name}
    if not (found := _LOOK.rows(connection, named)):  # the rate is used for the first time
        full = {"name": rate.name, "tokens": rate.burst, "at": now}
        _FILL[connection.dialect.name].start(connection, full)
        found = _LOOK.rows(connection, named)
    (row,) = found
    # The clocks of replicas differ.  If time seems to run backwards, no tokens are added or
    # removed.
    since = max(0.0, (now - row.at).total_seconds())
    tokens = min(rate.burst, row.tokens + since * rate.per_s)
    taken = min(wanted, int(tokens))
    left = tokens - taken
    _TAKE.start(connection, named | {"tokens": left, "at": max(now, row.at)})
    return taken, now + timedelta(seconds=max(0.0, rate.worth - left) / rate.per_s)


def give_back(connection: Connection, rate: Rate, unused: int) -> None:
    """Put `unused` tokens that were taken in this transaction back into the bucket."""
    _GIVE_BACK.start(connection, {"which": rate.name, "unused": unused})


class Throttle:
    """The limits of one process.  `rates` are the rates that all replicas share, by kind of work."""

    def __init__(self, rates: Mapping[JobKind, Rate]) -> None:
        self._rates = rates
        self._not_before: dict[JobKind, datetime] = {}
        self._kept: dict[JobKind, tuple[int, datetime]] = {}
        self._keeping = threading.Lock()

    def due(
        self, connection: Connection, kind: JobKind, now: datetime, limit: int, size: int = 1
    ) -> list[Any]:
        """Return due rows for up to `limit` steps of `size` rows each, as the rate allows."""
        rate = self._rates.get(kind)
        if rate is None:
            return due_rows(connection, kind, now, limit, size)
        most, then = take(connection, rate, limit, now)
        if most < limit:
            self._not_before[kind] = then  # do not claim this kind before there are tokens
        found = due_rows(connection, kind, now, most, size) if most else []
        if unused := most - -(-len(found) // size):
            give_back(connection, rate, unused)
            self._not_before.pop(kind, None)
        return found

    def take_one(self, connection: Connection, kind: JobKind, now: datetime) -> bool:
        """Take one token for a row that is to be handed over.

        Return False if the kind is held back (rows wait for tokens, or it is paused) or no token is
        left.  To save statements, several tokens are taken from the database at once, and this
        process keeps the rest for KEPT_FOR.
        """
        rate = self._rates.get(kind)
        if self._not_before.get(kind, now) > now:
            return False
        if rate is None:
            return True
        with self._keeping:
            left, until = self._kept.get(kind, (0, now))
            if left and until > now:
                self._kept[kind] = (left - 1, until)
                return True
        some, _ = take(connection, rate, max(1, int(rate.per_s * KEPT_FOR.total_seconds())), now)
        if some:
            with self._keeping:
                self._kept[kind] = (some - 1, now + KEPT_FOR)
        return some > 0

    def forget_kept(self) -> None:
        """Forget the kept tokens, because the transaction that took some of them was rolled back."""
        with self._keeping:
            self._kept.clear()

    def pause(self, kind: JobKind, until: datetime) -> None:
        """Stop this process from claiming rows of a kind until `until`."""
        self._not_before[kind] = until

    def not_before(self, kind: JobKind, due_at: datetime) -> datetime:
        """Return when this process may claim a row of a kind that is due at `due_at`."""
        return max(due_at, self._not_before.get(kind, due_at))

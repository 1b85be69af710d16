"""How much of each kind of work may be taken now: the cluster's rates, and what is held back here.

A rate is a token bucket, one row for all replicas: how many tokens there were, and when.  What has
come in since then is reckoned from the time that went by, so nothing has to fill the bucket.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from bot.store.database.engine import insert_if_new
from bot.store.database.statements import Prepared
from bot.store.queue.due import JobKind, due_rows
from bot.store.schema.tables import rates


@dataclass(frozen=True, slots=True)
class Rate:
    """`per_s` tokens come in a second, and at most `burst` are kept.

    Whoever finds none comes again when there are `worth`: not for each of them, where many wait.
    """

    name: str
    per_s: float
    burst: float
    worth: float = 1


KEPT_FOR = timedelta(milliseconds=100)
"""How long this process keeps tokens for what will be handed over (Throttle.take_one)."""
_ONE = rates.c.name == bindparam("which")
_LOOK = Prepared(select(rates.c.tokens, rates.c.at).where(_ONE).with_for_update())
_TAKE = Prepared(update(rates).where(_ONE))
_GIVE_BACK = Prepared(update(rates).where(_ONE).values(tokens=rates.c.tokens + bindparam("unused")))


def take(connection: Connection, rate: Rate, wanted: int, now: datetime) -> tuple[int, datetime]:
    """Take up to `wanted` tokens; give how many, and when to come for more.

    Within the caller's transaction: the row is locked until it ends.
    """
    named = {"which": rate.name}
    if not (found := _LOOK.rows(connection, named)):  # the first time of all
        full = {"name": rate.name, "tokens": rate.burst, "at": now}
        connection.execute(insert_if_new(connection.dialect.name, rates, "name"), full)
        found = _LOOK.rows(connection, named)
    (row,) = found
    # Replicas' clocks differ: time that seems to run backwards brings nothing and takes nothing.
    since = max(0.0, (now - row.at).total_seconds())
    tokens = min(rate.burst, row.tokens + since * rate.per_s)
    taken = min(wanted, int(tokens))
    left = tokens - taken
    _TAKE.run(connection, named | {"tokens": left, "at": max(now, row.at)})
    return taken, now + timedelta(seconds=max(0.0, rate.worth - left) / rate.per_s)


def give_back(connection: Connection, rate: Rate, unused: int) -> None:
    """Put tokens back that were taken in this transaction and were not needed."""
    _GIVE_BACK.run(connection, {"which": rate.name, "unused": unused})


class Throttle:
    """The pace of one process; `rates` are shared by all replicas, by kind of work."""

    def __init__(self, rates: Mapping[JobKind, Rate]) -> None:
        self._rates = rates
        self._not_before: dict[JobKind, datetime] = {}
        self._kept: dict[JobKind, tuple[int, datetime]] = {}
        self._keeping = threading.Lock()

    def due(
        self, connection: Connection, kind: JobKind, now: datetime, limit: int, size: int = 1
    ) -> list[Any]:
        """Give due rows for `limit` steps of `size` rows each, or for as many as the rate allows."""
        rate = self._rates.get(kind)
        if rate is None:
            return due_rows(connection, kind, now, limit, size)
        most, then = take(connection, rate, limit, now)
        if most < limit:
            self._not_before[kind] = then  # until there are more tokens, none is due
        found = due_rows(connection, kind, now, most, size) if most else []
        if unused := most - -(-len(found) // size):
            give_back(connection, rate, unused)
            self._not_before.pop(kind, None)
        return found

    def take_one(self, connection: Connection, kind: JobKind, now: datetime) -> bool:
        """Take a token for a row that is handed over; False: others wait for them, or none is left.

        Several are taken from the database at once, and what is left of them is kept for KEPT_FOR:
        so that each row does not need statements of its own for it.
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

    def pause(self, kind: JobKind, until: datetime) -> None:
        """Let this process take none of a kind until then."""
        self._not_before[kind] = until

    def not_before(self, kind: JobKind, due_at: datetime) -> datetime:
        """Give when a kind that is due then may be taken."""
        return max(due_at, self._not_before.get(kind, due_at))

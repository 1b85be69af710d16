"""How much of each kind of work may be taken now: the cluster's rates, and what is held back here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from bot.store.queue.due import JobKind, due_rows
from bot.store.queue.token_bucket import Rate, give_back, take


class Throttle:
    """The pace of one process; `rates` are shared by all replicas, by kind of work."""

    def __init__(self, rates: Mapping[JobKind, Rate]) -> None:
        self._rates = rates
        self._not_before: dict[JobKind, datetime] = {}

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

    def pause(self, kind: JobKind, until: datetime) -> None:
        """Let this process take none of a kind until then."""
        self._not_before[kind] = until

    def not_before(self, kind: JobKind, due_at: datetime) -> datetime:
        """Give when a kind that is due then may be taken."""
        return max(due_at, self._not_before.get(kind, due_at))

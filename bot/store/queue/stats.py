"""Statistics of the due rows.

The counts use the indexes on due rows, so their cost does not depend on finished purges.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import literal, select, union_all
from sqlalchemy.sql.functions import count
from sqlalchemy.sql.functions import min as least

from bot.core.purge.purge import State
from bot.store.database.engine import Database
from bot.store.queue.due import JobKind, waiting
from bot.store.schema import tables


@dataclass(frozen=True, slots=True)
class Queue:
    """The due rows of a kind that have no valid lease.

    `waiting` is their number; `oldest_s` is how long the oldest has been due, in seconds.
    """

    waiting: int = 0
    oldest_s: float = 0.0


class QueueStats:
    """The statistics of one database.  Its methods raise StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def queues(self, now: datetime) -> dict[JobKind, Queue]:
        """Return the queue of each kind.  Raises: StoreUnavailable."""
        questions = []
        for kind in JobKind:
            table, is_waiting = waiting(kind, now)
            due_at = table.c.due_at
            questions.append(
                select(
                    literal(kind.value).label("kind"),
                    count().label("rows"),
                    least(due_at).label("due"),
                )
                .select_from(table)
                .where(due_at <= now, is_waiting)
            )
        found = self._database.read(union_all(*questions))
        return {
            JobKind(row.kind): Queue(
                row.rows, max(0.0, (now - row.due).total_seconds()) if row.due else 0.0
            )
            for row in found
        }

    def open_purges(self) -> dict[str, int]:
        """Return the numbers of purges that are not finished, by state.

        All states that this version knows are in the result, with 0 if there is no such purge.
        Raises: StoreUnavailable.
        """
        purges = tables.purges
        question: Any = (
            select(purges.c.state, count().label("rows"))
            .where(purges.c.due_at.is_not(None))
            .group_by(purges.c.state)
        )
        none: dict[str, int] = {state.value: 0 for state in State}
        return none | {row.state: row.rows for row in self._database.read(question)}

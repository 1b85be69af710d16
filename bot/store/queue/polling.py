"""The purges whose tasks are due for a poll.  They are taken in batches, without leases.

A poll changes nothing at the CDN, and its result is saved only over the same version of the purge.
So it needs no lease: the transaction that takes purges also sets the time of their next poll.  If
the worker dies, one poll is lost.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, bindparam, update

from bot.core.purge.purge import State
from bot.core.purge.tracking import PolledPurge, next_look_at
from bot.store.database.engine import Database
from bot.store.database.statements import Prepared
from bot.store.queue.due import JobKind
from bot.store.queue.throttle import Rate, Throttle, take
from bot.store.schema import mapping as rows
from bot.store.schema import tables
from bot.store.schema.lanes import lane_of

STATUS_RATE = Rate("cdn-status", per_s=10, burst=10, worth=10)
"""DescribeRefreshTaskById accepts 30 calls per second and account, and other tools may use the same
account.  This bucket allows 20 calls in one second and 10 per second in the long run.  That is a
hundred tasks per second, while Slack accepts about one edit per second in a channel.
"""
_LOOK_AT = Prepared(
    update(tables.purges)
    .where(
        tables.purges.c.id == bindparam("which"),
        tables.purges.c.lane == lane_of(State.RUNNING),  # the purge may have ended meanwhile
    )
    .values(due_at=bindparam("again", type_=tables.Utc))
)


class TaskPolling:
    """The due polls of one database.  Its methods raise StoreUnavailable."""

    def __init__(self, database: Database, pace: Throttle) -> None:
        self._database = database
        self._pace = pace

    def take(self, now: datetime, questions: int, size: int) -> list[PolledPurge]:
        """Take the due purges for up to `questions` calls of `size` purges, as the rate allows."""

        def job(connection: Connection) -> list[PolledPurge]:
            due = self._pace.due(connection, JobKind.POLL, now, questions, size)
            found = [rows.row_to_watched(row) for row in due]
            if found:
                moments = [{"which": each.id, "again": next_look_at(each, now)} for each in found]
                _LOOK_AT.run_many(connection, moments)
            return found

        return self._database.write(job)

    def try_take_token(self, now: datetime) -> datetime | None:
        """Take the token for one more call.

        Return None if a token was taken, else the time to retry.
        """
        taken, then = self._database.write(lambda connection: take(connection, STATUS_RATE, 1, now))
        return None if taken else then

    def retry_later(self, purges: Iterable[PolledPurge], due_at: datetime) -> None:
        """Make purges that were taken but not polled due at `due_at`."""
        moments = [{"which": each.id, "again": due_at} for each in purges]
        self._database.write(lambda connection: _LOOK_AT.run_many(connection, moments))

"""Purges that the CDN is to be asked about: taken many at once, and held by nobody.

A look changes nothing at the CDN, and what it comes to is saved over the version of the purge.  So
it needs no lease: whoever takes purges gives them their next look at once, and who dies over them
has left one out.
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
"""DescribeRefreshTaskById takes 30 calls a second of an account, which may have other tools too: no
second has more than 20 of ours, and a crowd takes 10.  That are a hundred tasks a second, where
Slack takes about one edit a second in a channel.
"""
_LOOK_AT = Prepared(
    update(tables.purges)
    .where(
        tables.purges.c.id == bindparam("which"),
        tables.purges.c.lane == lane_of(State.RUNNING),  # it may have ended meanwhile
    )
    .values(due_at=bindparam("again", type_=tables.Utc))
)


class TaskPolling:
    """The looks that are due, for one database."""

    def __init__(self, database: Database, pace: Throttle) -> None:
        self._database = database
        self._pace = pace

    def take(self, now: datetime, questions: int, size: int) -> list[PolledPurge]:
        """Take what is due for so many questions of `size` purges, as far as the rate allows."""

        def job(connection: Connection) -> list[PolledPurge]:
            due = self._pace.due(connection, JobKind.POLL, now, questions, size)
            found = [rows.row_to_watched(row) for row in due]
            if found:
                moments = [{"which": each.id, "again": next_look_at(each, now)} for each in found]
                _LOOK_AT.run_many(connection, moments)
            return found

        return self._database.write(job)

    def try_take_token(self, now: datetime) -> datetime | None:
        """Take the token of one more question.  None: it is yours; else when to come again."""
        taken, then = self._database.write(lambda connection: take(connection, STATUS_RATE, 1, now))
        return None if taken else then

    def retry_later(self, purges: Iterable[PolledPurge], due_at: datetime) -> None:
        """Have purges that were taken and not asked about asked about at `due_at`."""
        moments = [{"which": each.id, "again": due_at} for each in purges]
        self._database.write(lambda connection: _LOOK_AT.run_many(connection, moments))

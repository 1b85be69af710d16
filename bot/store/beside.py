"""What other purges have to do with one: the same at work, a rival for a task, the origin's load.

leader       the same, to be sent or at work: a new request is joined to it
sent_leader  the same, sent and at work: one that is to be sent is joined to it
has_rivals   another one of the domain that was lost at the same time
tasks        the CDN's tasks of those that were sent about then
traffic      what a domain was purged of late
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, bindparam, not_, null, or_, select
from sqlalchemy.sql.functions import count

from bot.core.briefing import Traffic
from bot.core.purge import Purge, State
from bot.store import rows, tables
from bot.store.engine import Database

IN_FLIGHT = timedelta(minutes=10)
"""How long after it was sent a purge may still be at work at the edges, by what is documented."""


_AT_WORK = (State.SENDING.value, State.SUBMITTED.value, State.RUNNING.value)


# Put together once: every command asks whether the same is at work already.
_SENT_SINCE = and_(
    tables.purges.c.state.in_(_AT_WORK),
    tables.purges.c.sent_at >= bindparam("since", type_=tables.Utc),
)
_UNSENT = tables.purges.c.state.in_([State.READY.value, State.HELD.value])


def _alike(force: bool) -> ColumnElement[bool]:
    """Another purge that does at least what this one would: the same tags, by force if asked."""
    purges = tables.purges.c
    same = and_(purges.target == bindparam("target"), purges.id != bindparam("but"))
    return and_(same, purges.force) if force else same


def _oldest(force: bool, which: ColumnElement[bool]) -> Select[Any]:
    question = select(tables.purges).where(_alike(force), which)
    return question.order_by(tables.purges.c.requested_at).limit(1)


_LEADER = {force: _oldest(force, or_(_SENT_SINCE, _UNSENT)) for force in (False, True)}
_SENT_LEADER = {force: _oldest(force, _SENT_SINCE) for force in (False, True)}


def is_sent_alike(connection: Connection, purge: Purge, since: datetime) -> bool:
    """Whether another such purge was sent since then, and nobody knows it to be over."""
    values = {"target": purge.target, "but": purge.id, "since": since}
    return connection.execute(_SENT_LEADER[purge.force], values).first() is not None


class Beside:
    """Questions about the purges beside one, for one database.  Raises: StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def leader(self, purge: Purge, since: datetime) -> Purge | None:
        """Give a purge of the same that is to be sent, or that was sent since then and is at work.

        One that only a newer version can read is none to be joined to by this one.
        Raises: StoreUnavailable.
        """
        return self._one(_LEADER[purge.force], purge, since)

    def sent_leader(self, purge: Purge, since: datetime) -> Purge | None:
        """Give a purge of the same that was sent since then and is at work.

        What waits to be sent is joined to no other that waits: two of them could be joined to
        each other, and neither would ever be sent.
        Raises: StoreUnavailable.
        """
        return self._one(_SENT_LEADER[purge.force], purge, since)

    def _one(self, question: Select[Any], purge: Purge, since: datetime) -> Purge | None:
        found = self._database.read(
            question, target=purge.target, but=purge.id, since=since
        ).first()
        with suppress(rows.FromNewer):
            return rows.row_to_purge(found) if found else None
        return None

    def has_rivals(self, purge: Purge, within: timedelta) -> bool:
        """Whether another purge of its domain has no known outcome that was sent about then."""
        assert purge.sent_at is not None, "only what was sent can be lost"
        purges = tables.purges.c
        lost = and_(purges.sent_at <= purge.sent_at + within, purges.state.in_(tables.MAY_BE_THERE))
        # Of what was tried several times only the last sending is kept.
        in_doubt = and_(purges.held_since <= purge.sent_at + within, purges.doubt.is_not(null()))
        question = select(purges.id).where(
            purges.domain == purge.domain,
            purges.sent_at >= purge.sent_at - within,
            or_(lost, in_doubt),
            purges.id != purge.id,
        )
        return self._database.read(question.limit(1)).first() is not None

    def tasks(self, purge: Purge, within: timedelta) -> set[str]:
        """Give the CDN's tasks of the purges of its domain that were sent about then."""
        assert purge.sent_at is not None, "only what was sent can be lost"
        purges = tables.purges.c
        found = self._database.read(
            select(purges.task_id).where(
                purges.domain == purge.domain,
                purges.sent_at.between(purge.sent_at - within, purge.sent_at + within),
                purges.task_id.is_not(None),
            )
        )
        return {task for row in found for task in row.task_id.split(",")}

    def traffic(self, domain: str, now: datetime) -> Traffic:
        """Count what the CDN was asked to purge of a domain within the last hour and day."""
        purges = tables.purges.c
        hour = purges.sent_at >= now - timedelta(hours=1)
        lately = purges.sent_at >= now - IN_FLIGHT
        in_flight = and_(purges.state.in_([State.SUBMITTED.value, State.RUNNING.value]), lately)
        counted = {
            "forced_hour": and_(hour, purges.force),
            "plain_hour": and_(hour, not_(purges.force)),
            "forced_day": purges.force,
            "plain_day": not_(purges.force),
            "in_flight": or_(in_flight, purges.state == State.SENDING.value),
        }
        counts: list[Any] = [count().filter(which).label(name) for name, which in counted.items()]
        question: Select[Any] = select(*counts).where(
            purges.domain == domain,
            purges.sent_at >= now - timedelta(days=1),
            tables.may_have_reached_cdn(),  # what did not was no work for the origin
        )
        return Traffic(**self._database.read(question).mappings().one())

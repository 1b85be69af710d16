"""What other purges have to do with one: the same at work, a rival for a task, the origin's load."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    not_,
    null,
    or_,
    select,
    true,
)
from sqlalchemy.sql.functions import count

from bot.core.decisions.requests import Load
from bot.core.policy.approvers import Traffic
from bot.core.purge.joining import AT_WORK, QUEUE_AT_MOST, Related, related
from bot.core.purge.purge import Purge, State
from bot.store.database.engine import Database
from bot.store.schema import mapping as rows
from bot.store.schema import tables

_AT_WORK = [state.value for state in sorted(AT_WORK)]


# Put together once: every command asks whether the same is at work already.
_SENT_SINCE = and_(
    tables.purges.c.state.in_(_AT_WORK),
    tables.purges.c.sent_at > bindparam("since", type_=tables.Utc),
)
_OPEN = tables.purges.c.state.in_(
    [State.READY.value, State.HELD.value, State.QUEUED.value, State.WAITING.value]
)
_SAME = and_(tables.purges.c.target == bindparam("target"), tables.purges.c.id != bindparam("but"))
_RELATED = (
    select(tables.purges)
    .where(_SAME, or_(_SENT_SINCE, _OPEN))
    .order_by(tables.purges.c.requested_at.desc())
    .limit(50)
)
_IS_SENT = {
    force: select(tables.purges.c.id)
    .where(_SAME, _SENT_SINCE, *((tables.purges.c.force,) if force else ()))
    .limit(1)
    for force in (False, True)
}
_COUNTED_FROM = timedelta(days=1)
"""How far back the requests of a person are looked through for those that are open."""


def is_sent_alike(connection: Connection, purge: Purge, since: datetime) -> bool:
    """Whether another such purge was sent after then, and nobody knows it to be over."""
    values = {"target": purge.target, "but": purge.id, "since": since}
    return connection.execute(_IS_SENT[purge.force], values).first() is not None


class RelatedPurges:
    """Questions about the purges beside one, for one database.  Raises: StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def related(self, purge: Purge, now: datetime) -> Related:
        """Give the purges of the same that matter to one.

        One that only a newer version can read is none to be joined to by this one.
        Raises: StoreUnavailable.
        """
        values = {"target": purge.target, "but": purge.id, "since": now - QUEUE_AT_MOST}
        return related(purge, list(rows.readable(self._database.read(_RELATED, **values))), now)

    def load(self, purge: Purge, ids: Collection[str], *, lately: bool, today: bool) -> Load:
        """Count what one person has asked for besides a purge; what is not wanted is 0.

        `lately`: within the minute before it; `today`: what of the last day is still open.
        Raises: StoreUnavailable.
        """
        purges = tables.purges.c
        at = purge.requested_at
        theirs = and_(purges.user_id.in_(sorted(ids)), purges.id != purge.id)
        counts: dict[str, int] = {}
        if lately:
            since = purges.requested_at > at - timedelta(minutes=1)
            asked = {"requests": true(), "asked_others": purges.expires_at.is_not(None)}
            counts |= self._count(asked, theirs, since, purges.requested_at <= at)
        if today:
            still_open = {
                "waiting": purges.state == State.WAITING.value,
                "joined": purges.state.in_([State.JOINED.value, State.QUEUED.value]),
            }
            counts |= self._count(still_open, theirs, purges.requested_at > at - _COUNTED_FROM)
        return Load(**counts)

    def _count(
        self, questions: Mapping[str, ColumnElement[bool]], *among: ColumnElement[bool]
    ) -> dict[str, int]:
        """Count the purges of each sort among some."""
        counts: list[Any] = [count().filter(which).label(name) for name, which in questions.items()]
        question: Select[Any] = select(*counts).where(*among)
        return dict(self._database.read(question).mappings().one())

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
        lately = purges.sent_at >= now - QUEUE_AT_MOST
        in_flight = and_(purges.state.in_([State.SUBMITTED.value, State.RUNNING.value]), lately)
        questions = {
            "forced_hour": and_(hour, purges.force),
            "plain_hour": and_(hour, not_(purges.force)),
            "forced_day": purges.force,
            "plain_day": not_(purges.force),
            "in_flight": or_(in_flight, purges.state == State.SENDING.value),
        }
        day = purges.sent_at >= now - timedelta(days=1)
        # What did not reach it was no work for the origin.
        among = (purges.domain == domain, day, tables.may_have_reached_cdn())
        return Traffic(**self._count(questions, *among))

"""Queries about other purges: equal ones in progress, rivals for a task, the load of the origin."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
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
from bot.store.database.statements import Prepared, Started, one_of
from bot.store.schema import mapping as rows
from bot.store.schema import tables

# Built once, because every command runs these queries.
_SENT_SINCE = and_(
    one_of(tables.purges.c.state, sorted(AT_WORK)),
    tables.purges.c.sent_at > bindparam("since", type_=tables.Utc),
)
_OPEN = one_of(tables.purges.c.state, [State.READY, State.HELD, State.QUEUED, State.WAITING])
_SAME = and_(tables.purges.c.target == bindparam("target"), tables.purges.c.id != bindparam("but"))
_RELATED = Prepared(
    select(tables.purges)
    .where(_SAME, or_(_SENT_SINCE, _OPEN))
    .order_by(tables.purges.c.requested_at.desc())
    .limit(50)
)
_IS_SENT = {
    force: Prepared(
        select(tables.purges.c.id)
        .where(_SAME, _SENT_SINCE, *((tables.purges.c.force,) if force else ()))
        .limit(1)
    )
    for force in (False, True)
}
_p = tables.purges.c


def _moment(name: str) -> BindParameter[datetime]:
    return bindparam(name, type_=tables.Utc)


def _counting(among: Sequence[ColumnElement[bool]], **each: ColumnElement[bool]) -> Prepared:
    """Return the query that counts the purges of each sort.

    `among` are conditions for all counted purges.  `each` is the condition of each sort, by the
    name of its column.
    """
    counts: list[Any] = [count().filter(which).label(name) for name, which in each.items()]
    return Prepared(select(*counts).where(*among))


def _theirs(ids: int) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions that a person with so many IDs requested a purge other than `but`."""
    return _p.user_id.in_([bindparam(f"id{n}") for n in range(ids)]), _p.id != bindparam("but")


@lru_cache
def _asked_lately(ids: int) -> Prepared:
    among = (*_theirs(ids), _p.requested_at > _moment("since"), _p.requested_at <= _moment("until"))
    return _counting(among, requests=true(), asked_others=_p.expires_at.is_not(None))


@lru_cache
def _still_open(ids: int) -> Prepared:
    return _counting(
        (*_theirs(ids), _p.requested_at > _moment("since")),
        waiting=one_of(_p.state, [State.WAITING]),
        joined=one_of(_p.state, [State.JOINED, State.QUEUED]),
    )


_HOUR = _p.sent_at >= _moment("hour")
_IN_FLIGHT = and_(
    one_of(_p.state, [State.SUBMITTED, State.RUNNING]), _p.sent_at >= _moment("lately")
)
_TRAFFIC = _counting(
    # Purges that did not reach the CDN caused no load at the origin.
    (
        _p.domain == bindparam("domain"),
        _p.sent_at >= _moment("day"),
        tables.may_have_reached_cdn(),
    ),
    forced_hour=and_(_HOUR, _p.force),
    plain_hour=and_(_HOUR, not_(_p.force)),
    forced_day=_p.force,
    plain_day=not_(_p.force),
    in_flight=or_(_IN_FLIGHT, one_of(_p.state, [State.SENDING])),
)
_COUNTED_FROM = timedelta(days=1)
"""The maximum age of a person's requests among which the open ones are counted."""


def find_sent_alike(connection: Connection, purge: Purge, since: datetime) -> Started:
    """Ask for a purge that covers this one, was sent after `since` and may not have ended: one row."""
    values = {"target": purge.target, "but": purge.id, "since": since}
    return _IS_SENT[purge.force].start(connection, values)


class RelatedPurges:
    """Queries about other purges, for one database.  Its methods raise StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def related(self, purge: Purge, now: datetime) -> Related:
        """Return the purges of the same target that matter to one.

        Purges that only a newer version can read are ignored, so this version joins nothing to
        them.
        Raises: StoreUnavailable.
        """
        values = {"target": purge.target, "but": purge.id, "since": now - QUEUE_AT_MOST}
        return related(purge, list(rows.readable(self._database.rows(_RELATED, **values))), now)

    def load(self, purge: Purge, ids: Collection[str], *, lately: bool, today: bool) -> Load:
        """Count the other requests of the person with these IDs.

        With `lately`, count those of the minute before the purge; with `today`, those of the day
        before it that are still open.  Numbers that are not requested are 0.
        Raises: StoreUnavailable.
        """
        at = purge.requested_at
        values = {"but": purge.id, **{f"id{n}": each for n, each in enumerate(sorted(ids))}}
        counts: dict[str, int] = {}
        if lately:
            moments = {"since": at - timedelta(minutes=1), "until": at}
            counts |= self._counts(_asked_lately(len(ids)), values | moments)
        if today:
            since = {"since": at - _COUNTED_FROM}
            counts |= self._counts(_still_open(len(ids)), values | since)
        return Load(**counts)

    def _counts(self, question: Prepared, values: Mapping[str, Any]) -> dict[str, int]:
        (row,) = self._database.rows(question, **values)
        counts: dict[str, int] = row._asdict()
        return counts

    def has_rivals(self, purge: Purge, within: timedelta) -> bool:
        """Return whether another purge of the domain, sent within `within` of it, has no known outcome.

        Raises: StoreUnavailable.
        """
        assert purge.sent_at is not None, "only what was sent can be lost"
        purges = tables.purges.c
        lost = and_(purges.sent_at <= purge.sent_at + within, purges.state.in_(tables.MAY_BE_THERE))
        # If a purge was sent several times, `sent_at` is only the last time.
        in_doubt = and_(purges.held_since <= purge.sent_at + within, purges.doubt.is_not(null()))
        question = select(purges.id).where(
            purges.domain == purge.domain,
            purges.sent_at >= purge.sent_at - within,
            or_(lost, in_doubt),
            purges.id != purge.id,
        )
        return self._database.read(question.limit(1)).first() is not None

    def tasks(self, purge: Purge, within: timedelta) -> set[str]:
        """Return the task IDs of the purges of its domain that were sent within `within` of it.

        Raises: StoreUnavailable.
        """
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
        """Count the purges of a domain that were sent within the last hour and the last day.

        Raises: StoreUnavailable.
        """
        moments = {
            "hour": now - timedelta(hours=1),
            "lately": now - QUEUE_AT_MOST,
            "day": now - timedelta(days=1),
        }
        return Traffic(**self._counts(_TRAFFIC, {"domain": domain, **moments}))

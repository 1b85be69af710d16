"""The queries that select due rows.

kind      rows                                                      lane
asks      presses and questions
purges    to be decided, expired, searched for …                    0
watches   in progress at the CDN, which is polled for ten at once   1 (bot/store/queue/polling.py)
sends     to be sent, at a rate that all replicas share             2
posts     cards to be posted, thread replies, alerts                0
whispers  ephemeral messages                                        1
edits     posted cards to be edited                                 2

Slack has a separate rate limit for each of its methods.  Therefore edits have a lane of their own:
if they are limited, answers are not delayed.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BindParameter,
    Column,
    ColumnElement,
    CompoundSelect,
    Connection,
    Integer,
    Select,
    Table,
    and_,
    bindparam,
    func,
    literal,
    or_,
    select,
    true,
    union_all,
)

from bot.core.interaction import Interaction, InteractionKind
from bot.core.message import Post, PostKind
from bot.core.purge.purge import Purge, State
from bot.core.purge.tracking import PolledPurge
from bot.store.database.statements import Prepared, one_of
from bot.store.schema import lanes, tables
from bot.store.schema.lanes import lane_of, lane_of_post
from bot.store.schema.mapping import column_of


class JobKind(StrEnum):
    """The kinds of work, in the order in which they are claimed.

    Answers come first and then purges to be sent, because people wait for them.  Polls come last.
    The values are labels of metrics.
    """

    ANSWER = "asks"
    SEND = "sends"
    PURGE = "purges"
    EPHEMERAL = "whispers"
    POST = "posts"
    EDIT = "edits"
    POLL = "watches"


_PLACES: dict[JobKind, tuple[Table, int | None]] = {
    JobKind.ANSWER: (tables.asks, None),
    JobKind.PURGE: (tables.purges, lanes.OTHER),
    JobKind.POLL: (tables.purges, lanes.POLLED),
    JobKind.SEND: (tables.purges, lanes.TO_SEND),
    JobKind.POST: (tables.posts, lanes.NEW),
    JobKind.EPHEMERAL: (tables.posts, lanes.EPHEMERAL),
    JobKind.EDIT: (tables.posts, lanes.EDITED),
}
"""The table and the lane of each kind.  The lane is None if the table has no lanes."""
_KIND_AT = {place: kind for kind, place in _PLACES.items()}
_WORDS: dict[str, tuple[Column[Any], type[StrEnum]]] = {
    "purges": (tables.purges.c.state, State),
    "asks": (tables.asks.c.kind, InteractionKind),
    "posts": (tables.posts.c.kind, PostKind),
}
"""The column that says what a row is, and its values that this version knows, by table name."""
FAIRNESS = timedelta(seconds=30)
"""How long a sent purge counts against its requester in the order of purges to be sent."""
LATELY = 5000
"""How many recently sent purges are counted for that order at most."""
TOGETHER = timedelta(seconds=5)
"""How early a purge may be polled in order to fill a batch.  Polls are at least this far apart."""
OLD = timedelta(minutes=15)
TOGETHER_OLD = timedelta(seconds=30)
"""The same for a purge that was sent OLD or longer ago: its polls are over a minute apart."""


def kind_of(value: Purge | Interaction | Post) -> JobKind:
    """Return the kind of work of a row."""
    match value:
        case Interaction():
            return _KIND_AT[tables.asks, None]
        case Purge():
            return _KIND_AT[tables.purges, lane_of(value.state)]
        case Post():
            return _KIND_AT[tables.posts, lane_of_post(value)]


def table_of(kind: JobKind) -> Table:
    return _PLACES[kind][0]


def _free(table: Table, now: datetime | BindParameter[datetime]) -> ColumnElement[bool]:
    return or_(table.c.lease_until.is_(None), table.c.lease_until < now)


def _in_lane(table: Table, kind: JobKind) -> ColumnElement[bool]:
    lane = _PLACES[kind][1]
    return true() if lane is None else table.c.lane == lane


_NOW, _SOON, _OLD_SINCE, _OLD_SOON, _LATELY_SINCE = (
    bindparam(name, type_=tables.Utc)
    for name in ("now", "soon", "old_since", "old_soon", "lately_since")
)
_MOST = bindparam("most", type_=Integer)


def _known(table: Table) -> ColumnElement[bool]:
    """Return the condition that this version knows what a row is.

    Rows that it does not know are left to a newer replica.
    """
    column, values = _WORDS[table.name]
    return one_of(column, [value.value for value in values])


def _soonest_of_each_kind() -> CompoundSelect[Any]:
    questions = []
    for kind in JobKind:
        table = table_of(kind)
        nobodys = and_(_free(table, _NOW), _in_lane(table, kind), _known(table))
        waiting = and_(table.c.due_at.is_not(None), nobodys)
        first = select(table.c.due_at).where(waiting).order_by(table.c.due_at)
        first_due = first.limit(1).subquery().c.due_at
        questions.append(select(literal(kind.value).label("kind"), first_due))
    return union_all(*questions)


def waiting(kind: JobKind, now: datetime) -> tuple[Table, ColumnElement[bool]]:
    """Return the table of a kind, and the condition that a row of the kind has no valid lease.

    It includes rows that only a newer version knows, because without a newer replica they would
    wait forever, and the statistics must show that.
    """
    table = table_of(kind)
    return table, and_(_free(table, now), _in_lane(table, kind))


SOONEST = Prepared(_soonest_of_each_kind())
"""The earliest due time of each kind.  Built once, because it runs before every claim."""


def due_rows(
    connection: Connection, kind: JobKind, now: datetime, limit: int, size: int
) -> list[Any]:
    """Return due rows without a valid lease, the oldest first, for `limit` steps of `size` rows.

    Purges to be sent are selected one per person in turn.  If the last step has fewer than `size`
    rows, purges that are due within TOGETHER fill it: otherwise the CDN would be polled for purges
    of different ages one by one.
    """
    moments = {"now": now, "lately_since": now - FAIRNESS}
    if kind is not JobKind.SEND:
        del moments["lately_since"]
    found = _DUE[kind].rows(connection, moments | {"most": limit * size})
    if found and (room := -len(found) % size):
        early = {"soon": now + TOGETHER, "old_since": now - OLD, "old_soon": now + TOGETHER_OLD}
        found += _TOGETHER.rows(connection, moments | early | {"most": room})
    return found


def _one_of_each_in_turn(due: ColumnElement[bool]) -> Select[Any]:
    """Return the query for the first due purge of each person, then the second of each, and so on.

    So a person with a hundred purges does not delay the others.  Purges that were sent for a person
    within FAIRNESS count as the first ones of that person.
    """
    purges = tables.purges.c
    # The limit bounds the cost.  It also prevents that SQLite uses the index on user_id instead.
    lately = select(purges.user_id).where(purges.sent_at >= _LATELY_SINCE).limit(LATELY).subquery()
    served = (
        select(lately.c.user_id, func.count().label("had")).group_by(lately.c.user_id).subquery()
    )
    place = func.row_number().over(partition_by=purges.user_id, order_by=(purges.due_at, purges.id))
    turn = place + func.coalesce(served.c.had, 0)
    ranked = (
        select(purges.id, purges.due_at, turn.label("turn"))
        .select_from(tables.purges.outerjoin(served, purges.user_id == served.c.user_id))
        .where(due)
        .subquery()
    )
    return select(ranked.c.id).order_by(ranked.c.turn, ranked.c.due_at, ranked.c.id).limit(_MOST)


def key_of(table: Table) -> Column[Any]:
    (key,) = table.primary_key.columns
    return key


def _oldest(kind: JobKind, when: ColumnElement[bool]) -> Select[Any]:
    table = table_of(kind)
    key = key_of(table)
    due = and_(when, _free(table, _NOW), _in_lane(table, kind), _known(table))
    which = and_(due, key.in_(_one_of_each_in_turn(due))) if kind is JobKind.SEND else due
    columns = (
        [table.c[column_of(name)] for name in PolledPurge.__slots__]
        if kind is JobKind.POLL
        else [table]
    )
    oldest = select(*columns).where(which).order_by(table.c.due_at, key).limit(_MOST)
    return oldest.with_for_update(skip_locked=True)


# Built once, like SOONEST: building a statement with all columns takes longer than its execution.
_DUE = {kind: Prepared(_oldest(kind, table_of(kind).c.due_at <= _NOW)) for kind in JobKind}
_purges = tables.purges.c
_TOGETHER = Prepared(
    _oldest(
        JobKind.POLL,
        and_(
            _purges.due_at > _NOW,
            _purges.due_at <= _OLD_SOON,
            or_(_purges.due_at <= _SOON, _purges.sent_at <= _OLD_SINCE),
        ),
    )
)

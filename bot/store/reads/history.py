"""The history of purges, newest first and in pages, at a cost that is independent of the table's size.

A page is collected by scans along indexes that are ordered by time, called lanes:

    by domain         one exact domain
    by person         one requester
    by both           one requester and one exact domain
    by time           all purges

Some lanes must skip rows, for example a lane by time that is limited to `*.example.com`.  Such a
lane is scanned for `WINDOW` rows per round.  The results of all lanes are merged, up to the place
that every lane was scanned to, and filtered row by row: only the policy can decide whether somebody
may see the tags.  If four rounds did not fill the page, it is shown incomplete, and says so.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Select,
    literal,
    not_,
    or_,
    select,
    tuple_,
)
from sqlalchemy.sql.functions import count

from bot.core.command.queries import Cursor, Key
from bot.core.policy.fields import covers_domain
from bot.core.purge.purge import Purge, State
from bot.store.database.engine import Database
from bot.store.schema import mapping as rows
from bot.store.schema.tables import Utc, may_have_reached_cdn, purges

PAGE = 10
WINDOW = 500
SCAN_BATCHES = (PAGE + 1, 100, 100, 100)
"""How many rows each round requests.  The first round fills most pages."""
MOST_LANES = 8
"""With more domains than this, one lane by time is cheaper than one lane per domain."""
MOST_FOUND = 10
"""How many purges with one task ID are returned at most."""
MOST_WAITING = 1000
"""How many waiting purges are returned at most."""

_BEGINNING, _END = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
Narrows = Callable[[Any], ColumnElement[bool]]
"""A function that returns a condition on a column with a domain."""


@dataclass(frozen=True, slots=True)
class Search:
    """The search criteria (domain, requester, earliest time) and the rights of the asker.

    `patterns` are the domains of which the asker may see some tags.  `own_id` and `aliases` are the
    asker's IDs; the asker may see all of their own requests.
    """

    own_id: str
    patterns: tuple[str, ...] = ()
    domain: str | None = None
    user_id: str | None = None
    since: datetime | None = None
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """Purges, newest first.

    `newer` and `older` are where the adjacent pages begin, None if there is none.  `cut_short`
    means that the page may be incomplete, because the scan ended before all rows were read.
    """

    purges: tuple[Purge, ...]
    newer: Key | None = None
    older: Key | None = None
    cut_short: bool = False


@dataclass(frozen=True, slots=True)
class Sent:
    """The numbers of plain and of forced purges that were sent."""

    plain: int
    forced: int


class History:
    """The history of one database."""

    def __init__(self, database: Database) -> None:
        self._read = database.read

    def find(self, wanted: str) -> list[Purge]:
        """Return the purge with this ID, or else the purges with this task ID, newest first.

        Raises: StoreUnavailable, FromNewer.
        """
        by_id = select(purges).where(purges.c.id == wanted)
        by_task = select(purges).where(purges.c.task_id == wanted)
        newest = by_task.order_by(purges.c.requested_at.desc()).limit(MOST_FOUND)
        found = self._read(by_id).all() or self._read(newest).all()
        return [rows.row_to_purge(row) for row in found]

    def latest(self, team_id: str, user_ids: Collection[str]) -> Purge | None:
        """Return the newest purge that a person requested under any of their IDs, or None.

        Raises: StoreUnavailable, FromNewer.
        """
        c = purges.c
        newest = (
            select(purges)
            .where(c.user_id.in_(sorted(user_ids)), c.team_id == team_id)
            .order_by(c.requested_at.desc(), c.id.desc())
        )
        found = self._read(newest.limit(1)).first()
        return rows.row_to_purge(found) if found else None

    def waiting(self) -> list[Purge]:
        """Return the purges that wait for approval, newest first, at most MOST_WAITING.

        A waiting purge always has a due time, so the query uses the index on due rows.
        Raises: StoreUnavailable.
        """
        c = purges.c
        question = (
            select(purges)
            .where(c.due_at.is_not(None), c.state == State.WAITING.value)
            .order_by(c.requested_at.desc(), c.id.desc())
        )
        return list(rows.readable(self._read(question.limit(MOST_WAITING))))

    def page(
        self, search: Search, may_see: Callable[[Purge], bool], cursor: Cursor | None = None
    ) -> Page:
        """Return the page at a cursor, or the newest page without one.

        `may_see` returns whether the asker may see a purge.  Raises: StoreUnavailable.
        """
        newer = cursor is not None and cursor.newer
        found: list[Purge] = []
        start = cursor.key if cursor else None
        for wanted in SCAN_BATCHES:
            keys, start = self._look(search, start, wanted, newer=newer)
            found += filter(may_see, self._fetch(keys))
            if len(found) > PAGE or start is None:
                break
        if newer and start is None and len(found) <= PAGE:
            return self.page(search, may_see)  # less than a page is newer: show the newest page
        shown, more = found[:PAGE], len(found) > PAGE
        beyond = _key_of(shown[-1]) if more else start
        if newer:
            shown.reverse()
            older = _key_of(shown[-1]) if shown else start
            return Page(tuple(shown), beyond, older, cut_short=not more)
        before = (_key_of(shown[0]) if shown else start or cursor.key) if cursor else None
        return Page(tuple(shown), before, beyond, cut_short=not more and start is not None)

    def sent_since(self, moment: datetime) -> Sent:
        """Count the purges since `moment` that have reached the CDN or may have.

        Raises: StoreUnavailable.
        """
        c = purges.c
        counts: list[Any] = [count().filter(not_(c.force)), count().filter(c.force)]
        question: Select[Any] = select(*counts).where(c.sent_at >= moment, may_have_reached_cdn())
        return Sent(*self._read(question).one())

    def _look(
        self, search: Search, start: Key | None, wanted: int, *, newer: bool
    ) -> tuple[list[Key], Key | None]:
        """Scan the lanes once, from `start` on.

        Return up to `wanted` keys in order, and the key to continue at, None at the end of all
        lanes.
        """
        keys: set[Key] = set()
        ends: list[Key] = []
        for lane in _lanes(search):
            along = _along(lane, search.since, start, newer=newer)
            if lane.narrows is None:
                keys |= self._keys(along.limit(wanted))
                continue
            window = along.limit(WINDOW).subquery()
            within = select(window.c.requested_at, window.c.id).where(lane.narrows(window.c.domain))
            found = self._keys(
                _in_order(within, window.c.requested_at, window.c.id, newer=newer).limit(wanted)
            )
            keys |= found
            if len(found) < wanted:
                ends += self._keys(along.offset(WINDOW - 1).limit(1))
        ordered = sorted(keys, reverse=not newer)
        end = (min if newer else max)(ends, default=None)
        if end is not None:  # beyond it, that lane may have rows that were not read yet
            ordered = [key for key in ordered if (key <= end if newer else key >= end)]
        ordered = ordered[:wanted]
        return ordered, ordered[-1] if len(ordered) == wanted else end

    def _keys(self, question: Select[Any]) -> set[Key]:
        return {Key(row.requested_at, row.id) for row in self._read(question)}

    def _fetch(self, keys: Sequence[Key]) -> list[Purge]:
        if not keys:
            return []
        question = select(purges).where(purges.c.id.in_([key.id for key in keys]))
        found = {purge.id: purge for purge in rows.readable(self._read(question))}
        return [found[key.id] for key in keys if key.id in found]


@dataclass(frozen=True, slots=True)
class _Lane:
    """A scan along an index.

    `holds` are the index columns before the time, with their values.  `narrows` is the condition
    for the rows that are not skipped; None: no row is skipped.
    """

    holds: Mapping[Column[Any], str] = field(default_factory=dict)
    narrows: Narrows | None = None


def _lanes(search: Search) -> list[_Lane]:
    """Return the lanes that together contain all matching purges that the asker may see."""
    c, patterns = purges.c, search.patterns
    own = (search.own_id, *search.aliases)
    theirs = search.user_id in own
    asked = () if search.user_id is None else own if theirs else (search.user_id,)
    if search.domain is not None:
        domain = search.domain
        sees = covers_domain(patterns, domain)
        if not sees and asked and not theirs:
            return []
        if sees and not asked:
            return [_Lane({c.domain: domain})]
        return [_Lane({c.user_id: each, c.domain: domain}) for each in asked or own]
    if asked:
        if not theirs and not patterns:
            return []
        narrows = None if theirs or "*" in patterns else _covered(patterns)
        return [_Lane({c.user_id: each}, narrows) for each in asked]
    if "*" in patterns:
        return [_Lane()]
    exact = [pattern for pattern in patterns if "*" not in pattern]
    if len(exact) > MOST_LANES:
        exact = []
    wide = [pattern for pattern in patterns if pattern not in exact]
    lanes = [_Lane({c.user_id: each}) for each in own]
    lanes += [_Lane({c.domain: domain}) for domain in exact]
    return [*lanes, _Lane(narrows=_covered(wide))] if wide else lanes


def _covered(patterns: Sequence[str]) -> Narrows:
    """Return the condition that one of the patterns covers a domain, as `covers_domain` does."""
    exact = [pattern for pattern in patterns if "*" not in pattern]
    suffixes = [pattern[1:] for pattern in patterns if pattern.startswith("*.")]

    def narrows(column: Any) -> ColumnElement[bool]:
        return or_(column.in_(exact), *(column.endswith(end, autoescape=True) for end in suffixes))

    return narrows


def _along(lane: _Lane, since: datetime | None, start: Key | None, *, newer: bool) -> Select[Any]:
    """Return the query for the keys of a lane after `start`, in order.

    The bounds and the order name all columns of the index.  With `=` for the first columns,
    PostgreSQL prefers the index on the time alone and skips all other rows, because it assumes that
    the matching rows are distributed evenly over time.
    """
    c = purges.c
    first, last = since or _BEGINNING, _END
    if start is not None:
        first, last = (max(first, start.at), last) if newer else (first, start.at)
    place = tuple_(*lane.holds, c.requested_at)
    held = [literal(value, column.type) for column, value in lane.holds.items()]
    bounds = [
        place >= tuple_(*held, literal(first, Utc)),
        place <= tuple_(*held, literal(last, Utc)),
    ]
    question = select(c.requested_at, c.id, c.domain).where(*bounds)
    if start is not None and newer:
        question = question.where(or_(c.requested_at > start.at, c.id > start.id))
    elif start is not None:
        question = question.where(or_(c.requested_at < start.at, c.id < start.id))
    return _in_order(question, *lane.holds, c.requested_at, c.id, newer=newer)


def _in_order(question: Select[Any], *columns: Any, newer: bool) -> Select[Any]:
    return question.order_by(*(column.asc() if newer else column.desc() for column in columns))


def _key_of(purge: Purge) -> Key:
    return Key(purge.requested_at, purge.id)

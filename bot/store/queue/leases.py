"""The leases of rows.

A worker claims due rows under a lease.  The lease is renewed while a step processes the row, and
expires if the worker dies.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Connection, Table, Update, and_, bindparam, case, or_, select, update

from bot.core.interaction import Interaction
from bot.core.message import Post, PostKind
from bot.core.purge.purge import Purge
from bot.store.database.engine import Database
from bot.store.database.statements import Prepared, one_of
from bot.store.queue.due import SOONEST, JobKind, key_of, table_of
from bot.store.queue.handover import Handover, NoHandover
from bot.store.queue.owner import LEASE, Claimed
from bot.store.queue.throttle import Throttle
from bot.store.schema import mapping as rows
from bot.store.schema import tables
from bot.store.schema.lanes import lane_of

log = structlog.get_logger("purgebot.jobs")

LEFT_FOR = timedelta(seconds=5)
"""How long this replica does not claim a row that it cannot read, so that a newer one can."""
EDIT_EVERY = timedelta(seconds=2)
"""The minimum interval between edits of a card.  The next edit shows all changes since the last."""
CARDS = (PostKind.CARD.value, PostKind.APPROVAL_CARD.value)
"""The kinds of post that are edited when their purge changes."""


_LEND = {
    table: Prepared(update(table).where(key_of(table) == bindparam("which")))
    for table in tables.JOBS.values()
}
_purges, _posts = tables.purges.c, tables.posts.c
_again = bindparam("again", type_=tables.Utc)
_GIVE_UP = Prepared(
    update(tables.purges)
    .where(_purges.id == bindparam("which"), _purges.lease_holder == bindparam("held_by"))
    .values(due_at=_again, lane=bindparam("in_lane"), attempts=0, **tables.NO_LEASE)
)
_OUR_POST = update(tables.posts).where(
    _posts.id == bindparam("which"), _posts.lease_holder == bindparam("held_by")
)
_KEEP_POST = Prepared(_OUR_POST.returning(_posts.due_at))
_CHANGED = or_(
    _posts.wanted_version > bindparam("shown"),
    _posts.due_at > bindparam("since", type_=tables.Utc),
)
_BEHIND = and_(one_of(_posts.kind, CARDS), _CHANGED)
_POST_DONE = Prepared(
    _OUR_POST.values(
        due_at=case((_BEHIND, _again), else_=None), attempts=0, **tables.NO_LEASE
    ).returning(_posts.due_at)
)


class Jobs:
    """The due rows of one database and their leases.

    All methods that access the database raise StoreUnavailable.
    """

    def __init__(self, database: Database, pace: Throttle) -> None:
        self._database = database
        self._pace = pace
        self.pause = pace.pause
        self.handover: Handover = NoHandover()
        self._left: set[Any] = set()
        self._in_hand: set[tuple[Table, Any]] = set()

    def interaction(self, trigger_id: str) -> Interaction | None:
        """Return a press or a question, or None.  Raises: StoreUnavailable, FromNewer."""
        question = select(tables.asks).where(tables.asks.c.trigger_id == trigger_id)
        found = self._database.read(question).first()
        return rows.row_to_interaction(found) if found else None

    def claim(self, kind: JobKind, now: datetime, owner: str, limit: int) -> list[Claimed]:
        """Claim up to `limit` due rows of a kind for LEASE, the oldest first.

        If the kind has a rate, claim at most as many as it allows.
        """

        def take(connection: Connection) -> list[Any]:
            found = self._pace.due(connection, kind, now, limit)
            if found:
                lease = {"lease_until": now + LEASE, "lease_holder": owner}
                keys = [{"which": getattr(row, key), **lease} for row in found]
                _LEND[table].run_many(connection, keys)
            return found

        table = table_of(kind)
        key = key_of(table).name
        claimed, left = [], []
        for row in self._database.write(take):
            try:
                value = _READERS[table.name](row)
            except rows.FromNewer:
                left.append(getattr(row, key))
            else:
                self._in_hand.add(_home(value))
                claimed.append(Claimed(value, row.attempts, row.due_at))
        if left:
            self._leave(table, left, owner, now + LEFT_FOR)
        return claimed

    def _leave(self, table: Table, keys: Sequence[Any], owner: str, until: datetime) -> None:
        """Leave claimed rows to a newer replica, which can read them.

        Until `until` they have a lease without a holder, so this replica does not claim them again.
        """
        held = _held(table, keys, owner)
        self._database.execute(held.values(lease_until=until, lease_holder=None))
        for each in set(keys) - self._left:
            self._left.add(each)
            log.warning("left-to-newer-version", table=table.name, key=each)

    def take(self, value: Purge | Interaction | Post) -> None:
        """Have `beat` renew the lease of a row that was leased when saved, until its release."""
        self._in_hand.add(_home(value))

    def release(self, value: Purge | Interaction | Post) -> None:
        """Stop renewing the lease of a row.  Call it when its step ended, with or without success."""
        self._in_hand.discard(_home(value))

    def retry_later(self, value: Purge | Interaction | Post, owner: str, due_at: datetime) -> None:
        """Release the lease of a row, make it due at `due_at`, and count one failed attempt more."""
        table, key = _home(value)
        again = {"due_at": due_at, "attempts": table.c.attempts + 1}
        self._database.execute(_held(table, [key], owner).values(**again, **tables.NO_LEASE))
        self.handover.due(due_at)

    def reschedule(self, purge: Purge, owner: str, due_at: datetime) -> None:
        """Release the lease of an unchanged purge and make it due at `due_at`.

        The number of failed attempts is reset.
        """
        values: dict[str, Any] = {"which": purge.id, "held_by": owner}
        values |= {"again": due_at, "in_lane": lane_of(purge.state)}
        self._database.write(lambda connection: _GIVE_UP.run(connection, values))
        self.handover.due(due_at)

    def save_post(
        self,
        post: Post,
        owner: str,
        *,
        done_since: datetime | None,
        now: datetime,
        edited: bool = False,
    ) -> bool:
        """Save where a post was shown.  Return False if the lease was lost; then nothing is saved.

        `done_since` is when the step began, or None if it has not ended.  If it ended, the lease is
        released.  A card is then due again if its purge changed or it was made due since; if it was
        `edited`, not before EDIT_EVERY has passed.
        """
        values = rows.post_to_row(post)
        # While this worker holds the row, other transactions may raise the wanted version or save
        # a new response URL.  Their values must not be overwritten.
        for theirs in ("wanted_version", "response_url", "response_url_at"):
            del values[theirs]
        values |= {"which": post.id, "held_by": owner}
        statement = _KEEP_POST
        if done_since is not None:
            statement = _POST_DONE
            next_edit_at = now + EDIT_EVERY if edited else None
            values |= {"next_edit_at": next_edit_at, "again": next_edit_at or now}
            values |= {"shown": post.shown_version, "since": done_since}
        kept = self._database.write(
            lambda connection: statement.rows(connection, values), in_place=True, pipelined=True
        )
        if done_since is not None and kept and kept[0].due_at is not None:
            self.handover.due(kept[0].due_at)
        return bool(kept)

    def show_again(self, post: Post, now: datetime) -> None:
        """Make a posted card due for another edit, even if a worker holds its lease now."""
        posts = tables.posts
        which = and_(posts.c.id == post.id, posts.c.kind.in_(CARDS), posts.c.route.is_not(None))
        self._database.execute(update(posts).where(which).values(due_at=now + EDIT_EVERY))
        self.handover.due(now + EDIT_EVERY)

    def follows_another(self, post: Post) -> bool:
        """Return whether an older post of the same kind and channel is still to be shown."""
        posts = tables.posts.c
        earlier = select(posts.id).where(
            posts.due_at.is_not(None),
            posts.kind == post.kind.value,
            posts.channel_id == post.channel_id,
            posts.id < post.id,
        )
        return self._database.read(earlier.limit(1)).first() is not None

    def beat(self, owner: str, now: datetime) -> None:
        """Renew the leases of the rows that this process has in progress.

        A row whose step ended without being saved is not renewed: its lease must expire, so that
        the row is claimed again.
        """
        in_hand = list(self._in_hand)

        def job(connection: Connection) -> None:
            for table in tables.JOBS.values():
                if keys := [which for home, which in in_hand if home is table]:
                    connection.execute(_held(table, keys, owner).values(lease_until=now + LEASE))

        self._database.write(job)

    def free_all_leases(self) -> None:
        """Delete all leases.  Only valid if no other process uses the database (SQLite)."""

        def job(connection: Connection) -> None:
            for table in tables.JOBS.values():
                leased = table.c.lease_holder.is_not(None)
                connection.execute(update(table).where(leased).values(tables.NO_LEASE))

        self._database.write(job)

    def soonest(self, now: datetime) -> dict[JobKind, datetime]:
        """Return the earliest time at which a row without a lease may be claimed, for each kind.

        A kind without such a row is not in the result.  It is one query for all kinds.
        """
        found = self._database.rows(SOONEST, now=now)
        due = {JobKind(row.kind): row.due_at for row in found}
        return {kind: self._pace.not_before(kind, due_at) for kind, due_at in due.items()}


def _held(table: Table, keys: Sequence[Any], owner: str) -> Update:
    """Return the UPDATE of those of the rows whose lease `owner` holds."""
    return update(table).where(key_of(table).in_(keys), table.c.lease_holder == owner)


_READERS: dict[str, Any] = {
    tables.asks.name: rows.row_to_interaction,
    tables.posts.name: rows.row_to_post,
    tables.purges.name: rows.row_to_purge,
}


def _home(value: Purge | Interaction | Post) -> tuple[Table, Any]:
    """Return the table of a value, and the key of its row."""
    match value:
        case Purge():
            return tables.purges, value.id
        case Interaction():
            return tables.asks, value.trigger_id
        case Post():
            return tables.posts, value.id

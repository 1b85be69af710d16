"""The store.  It saves each decision about a purge, its audit entries and messages in one transaction.

A transition is saved only if the purge still has the version that the transition was made from.
Start reading at `Store.apply`.  The attributes `jobs`, `history`, `audit` … of a store have its
other methods; each is a module of this package.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any

import structlog
from sqlalchemy import (
    BigInteger,
    Connection,
    Table,
    bindparam,
    case,
    func,
    insert,
    or_,
    select,
    update,
)

from bot.core import error_registry
from bot.core.audit import AuditEntry
from bot.core.decisions.transition import Transition
from bot.core.errors import ErrorInfo
from bot.core.message import Post, PostKind, Route
from bot.core.purge.purge import Event, Purge, State
from bot.store.audit.log import AuditLog
from bot.store.change import CardReply, Change, InteractionAnswered, NewInteraction, NewPosts
from bot.store.clock import DatabaseClock, steady_s
from bot.store.database.engine import Database, insert_if_new
from bot.store.database.probe import look_whether_back, write_error
from bot.store.database.statements import Prepared, Started, one_of
from bot.store.database.writers import StoreUnavailable
from bot.store.handing_over import FIRST_SHOWN, HandingOver
from bot.store.queue.due import JobKind
from bot.store.queue.leases import CARDS, Jobs
from bot.store.queue.owner import LEASE, Claimed
from bot.store.queue.polling import STATUS_RATE, TaskPolling
from bot.store.queue.stats import QueueStats
from bot.store.queue.throttle import Rate, Throttle
from bot.store.reads.history import History
from bot.store.reads.known_tags import Tags
from bot.store.reads.related import RelatedPurges, find_sent_alike
from bot.store.reads.shared_state import SharedState
from bot.store.recent import Recent
from bot.store.retention import Retention
from bot.store.schema import mapping as rows
from bot.store.schema import tables
from bot.store.schema.lanes import lane_of
from bot.telemetry import metrics, tracing

log = structlog.get_logger("purgebot.workflow")

TRY_EVERY_S = 0.25
"""The interval of the attempts to save a decision while the database is unavailable, in seconds."""
SENDS_PER_S = 50.0
"""The limit that the CDN documents for operations similar to ours, in calls per second."""


# These statements are built once.  A purge has fifty columns, and building a statement for each
# commit takes longer than its execution.
_purges, _posts, _asks = tables.purges.c, tables.posts.c, tables.asks.c
_BEFORE = update(tables.purges).where(
    _purges.id == bindparam("was_id"), _purges.version == bindparam("was_version")
)
_OVER = Prepared(_BEFORE)
_OVER_OURS = Prepared(_BEFORE.where(_purges.lease_holder == bindparam("held_by")))
_POST = Prepared(insert(tables.posts).inline())
_ANSWERED = Prepared(
    update(tables.asks)
    .where(_asks.trigger_id == bindparam("answered"), _asks.due_at.is_not(None))
    .values(due_at=None, **tables.NO_LEASE)
)
_at = bindparam("at", type_=tables.Utc)
_TAKE_TURNS = Prepared(
    select(func.pg_advisory_xact_lock(bindparam("key", type_=BigInteger)).label("turn"))
)
_PURGE = Prepared(select(tables.purges).where(_purges.id == bindparam("which")))
_CARD = Prepared(
    select(tables.posts).where(
        _posts.purge_id == bindparam("purge"), _posts.kind == bindparam("sort")
    )
)
_TAKE_CARD = Prepared(
    update(tables.posts)
    .where(
        _posts.purge_id == bindparam("purge"),
        one_of(_posts.kind, [PostKind.CARD]),
        _posts.route.is_(None),
        _posts.trying_since.is_(None),
        or_(_posts.lease_until.is_(None), _posts.lease_until < _at),
    )
    .values(trying_since=_at)
    .returning(*tables.posts.c)
)
_SHOW_CARDS = Prepared(
    update(tables.posts)
    .where(_posts.purge_id == bindparam("purge"), one_of(_posts.kind, CARDS))
    .values(
        wanted_version=bindparam("wanted"),
        due_at=case((_posts.next_edit_at > _at, _posts.next_edit_at), else_=_at),
    )
)
_WAKE_FOLLOWERS = Prepared(
    update(tables.purges)
    .where(
        _purges.joined_to == bindparam("leader"),
        one_of(_purges.state, [State.JOINED, State.QUEUED]),
    )
    .values(due_at=_at)
)
_CARD_REPLY = Prepared(
    update(tables.posts)
    .where(
        _posts.purge_id == bindparam("purge"),
        # Only cards have these routes.  The condition lets the database use the index on cards.
        one_of(_posts.kind, [PostKind.CARD]),
        one_of(_posts.route, [Route.RESPONSE, Route.REPLACE]),
    )
    .values(
        route=Route.REPLACE.value,
        response_url=bindparam("url"),
        response_url_at=_at,
        response_uses=0,
    )
)


class _Conflict(Exception):
    """Another transaction was first.  Raised to roll this one back."""


@dataclass(frozen=True, slots=True)
class _Saving:
    """One transaction.  `checks` are called at its end, when the results of all statements are there.

    A check raises _Conflict if another transaction was first.  `again`: the transaction failed
    because of a unique constraint.  A conflict may have caused that, so it is looked for at once.
    """

    connection: Connection
    owner: str | None
    handing: HandingOver
    again: bool
    checks: list[Callable[[], None]] = field(default_factory=list)

    def once(self, statement: Prepared, values: Mapping[str, Any]) -> None:
        """Start a statement that must change one row."""
        started = statement.start(self.connection, values)

        def check() -> None:
            if started.count() != 1:
                raise _Conflict

        if self.again:
            check()
        else:
            self.checks.append(check)


class Store:
    """The store of one database.  Thread-safe."""

    def __init__(self, url: str, sends_per_s: float = SENDS_PER_S) -> None:
        self._database = Database(url)
        send_rate = Rate("cdn-send", sends_per_s, burst=max(1.0, sends_per_s))
        self._pace = pace = Throttle({JobKind.SEND: send_rate, JobKind.POLL: STATUS_RATE})
        self.jobs = Jobs(self._database, pace)
        self.task_polling = TaskPolling(self._database, pace)
        self.audit = AuditLog(self._database)
        self.retention = Retention(self._database, self.audit)
        self.shared_state = SharedState(self._database)
        self.tags = Tags(self._database)
        self.history = History(self._database)
        self.related_purges = RelatedPurges(self._database)
        self.queue_stats = QueueStats(self._database)
        self.write_error = partial(write_error, self._database)
        self.look_whether_back = partial(look_whether_back, self._database)
        self.outage = self._database.outage
        self.engine = self._database.engine
        self._saved: Recent[Purge] = Recent()
        """The purges that this process saved last, by ID: the next step writes what it changes."""
        self._once = {
            table: Prepared(insert_if_new(self.engine.dialect.name, table, "trigger_id"))
            for table in (tables.purges, tables.asks)
        }
        self.is_sqlite = self._database.is_sqlite
        self.close = self._database.close
        self.read = self._database.read

    def clock(self) -> DatabaseClock:
        """Return the clock of the database, which all replicas share.  SQLite has none.

        Raises: StoreUnavailable.
        """
        return DatabaseClock(self._database)

    # Decisions

    def apply(self, *changes: Change, owner: str | None = None, patience_s: float = 0.0) -> bool:
        """Save all changes in one transaction.  Return False if another transaction was first.

        If it returns False, nothing was saved.  A purge that is not new is saved only if it still
        has the version that its transition was made from and, with `owner`, only while `owner`
        holds its lease.  While the database is unavailable, the transaction is retried for
        `patience_s` seconds.  A retry is safe: if an earlier attempt was committed, or another
        worker has claimed the purge, the version or the lease differs.
        Raises: StoreUnavailable.
        """
        give_up_at = steady_s() + patience_s
        handing = HandingOver(self.jobs.handover, changes)
        try:
            while True:
                try:
                    saved = self._apply(changes, owner, handing)
                    break
                except StoreUnavailable:
                    if steady_s() >= give_up_at:
                        raise
                    time.sleep(TRY_EVERY_S)
        except BaseException:
            handing.done(saved=False)
            raise
        for purge in (change.purge for change in changes if isinstance(change, Transition)):
            if saved:
                self._saved.keep(purge.id, purge)
                _log_step(purge)
            elif owner is not None:
                log.warning("step-lost", purge=purge.id, state=purge.state.value)
        if saved and handing.step is not None:
            self.jobs.take(handing.step.value)
        handing.done(saved=saved)
        return saved

    def _apply(self, changes: Sequence[Change], owner: str | None, handing: HandingOver) -> bool:
        begun: Purge | None = None
        entries: list[AuditEntry] = []
        for change in changes:
            match change:
                case AuditEntry():
                    entries.append(change)
                case Transition():
                    entries += change.audit
                    begun = begun or (change.purge if change.is_new else None)
        posts = [row for change in changes for row in _posts_of(change)]

        again = False

        def job(connection: Connection) -> dict[str, tuple[int, str]]:
            nonlocal again
            handing.begin()
            if again:  # what was taken in the transaction before was rolled back
                self._pace.forget_kept()
            saving = _Saving(connection, owner, handing, again)
            again = True
            for change in changes:
                self._save(saving, change)
            begins = begun.id if begun else None
            ends = self.audit.append(connection, entries, begins, remembered=not saving.again)
            _POST.run_many(connection, posts)
            for check in saving.checks:
                check()
            return ends

        try:
            ends = self._database.write(job, in_place=owner is not None, pipelined=True, tries=2)
        except _Conflict:
            self._pace.forget_kept()
            return False
        except StoreUnavailable:
            self._pace.forget_kept()
            raise
        self.audit.remember(ends)
        metrics.recorded(entries)
        tracing.recorded(begun, entries)
        return True

    def _save(self, saving: _Saving, change: Change) -> None:
        handing = saving.handing
        match change:
            case NewInteraction(interaction, due_at):
                row = rows.interaction_to_row(interaction) | {"due_at": due_at, "attempts": 0}
                if due_at is not None:
                    row |= handing.lease(change, interaction, due_at)
                self._insert_once(saving, tables.asks, row)
            case InteractionAnswered(trigger_id):
                saving.once(_ANSWERED, {"answered": trigger_id})
            case Transition():
                self._save_transition(saving, change)
            case CardReply(purge_id, url, at):
                values = {"purge": purge_id, "url": url, "at": at}
                _CARD_REPLY.start(saving.connection, values)
            case NewPosts(posts, due_at):  # _apply inserts all posts last
                handing.due += [due_at] if posts else []
            case _:
                pass  # _apply appends the audit entries, in the order of the changes

    def _save_transition(self, saving: _Saving, change: Transition) -> None:
        purge = change.purge
        if change.alone_since is not None:
            self._be_alone(saving, purge, change.alone_since)
        row = self._row_of(saving, change)
        if change.messages and change.messages_due_at is not None:
            saving.handing.due.append(change.messages_due_at)
        if change.is_new:
            self._insert_once(saving, tables.purges, row)
            return
        row |= {"was_id": purge.id, "was_version": purge.version - 1}
        if saving.owner is None:
            saving.once(_OVER, row)
        else:
            saving.once(_OVER_OURS, row | {"held_by": saving.owner})
        if change.changes_cards and change.messages_due_at is not None:
            self._show_cards(saving, change, change.messages_due_at)
        if change.wakes_followers:
            over_at = purge.notified_at or purge.settled_at or purge.requested_at
            woken = _WAKE_FOLLOWERS.start(saving.connection, {"leader": purge.id, "at": over_at})
            saving.checks.append(lambda: saving.handing.due.extend([over_at] * woken.count()))
        self.tags.learn(saving.connection, ((purge.domain, tag) for tag in change.learns))

    def _row_of(self, saving: _Saving, change: Transition) -> dict[str, Any]:
        purge, due_at, handing = change.purge, change.due_at, saving.handing
        saved = self._saved.get(purge.id)
        if saved is not None and saved.version != purge.version - 1:
            saved = None
        row = rows.purge_to_row(purge, saved)
        if not (change.is_new or change.reschedules):
            return row
        row |= {"due_at": due_at, "attempts": 0, "lane": lane_of(purge.state)}
        if saved is None:
            row["target"] = purge.target
        if change.event is Event.SEND:  # the worker that saves the intent keeps its lease
            assert purge.sent_at is not None, "an intent has its time"
            return row | {"lease_until": purge.sent_at + LEASE}
        if due_at is None:
            return row | tables.NO_LEASE
        if handing.hands_over(change) and purge.state is State.READY:
            handing.allowed = self._pace.take_one(saving.connection, JobKind.SEND, due_at)
        return row | handing.lease(change, purge, due_at)

    def _show_cards(self, saving: _Saving, change: Transition, at: datetime) -> None:
        """Make the cards of a purge due, or hand over the card if it was never posted.

        The row of a card that is handed over has `trying_since` set in this transaction.  So after
        a crash the worker that claims the row searches Slack for the message before it posts it.
        """
        purge, handing, connection = change.purge, saving.handing, saving.connection
        shown = _SHOW_CARDS.start(
            connection, {"purge": purge.id, "wanted": purge.version, "at": at}
        )
        first: Started | None = None
        if handing.hands_over(change) and change.event in FIRST_SHOWN:
            values = {"purge": purge.id, "at": at, **handing.lease_from(at)}
            first = _TAKE_CARD.start(connection, values)

        def check() -> None:
            due = shown.count()
            for found in first.rows() if first else ():
                post = replace(rows.row_to_post(found), trying_since=None)
                handing.step = Claimed(post, found.attempts, at, shows=purge)
                due -= 1
            if due:
                handing.due.append(at)

        saving.checks.append(check)

    def _be_alone(self, saving: _Saving, purge: Purge, since: datetime) -> None:
        """Check that no other purge that covers this one was sent after `since` and is in progress.

        Purges of the same target take turns: the lock is held until the transaction ends.
        """
        if not self.is_sqlite:  # SQLite has one writer at a time
            key = int(purge.target[:15], 16)
            _TAKE_TURNS.start(saving.connection, {"key": key})
        alike = find_sent_alike(saving.connection, purge, since)

        def check() -> None:
            if alike.rows():
                raise _Conflict

        if self.is_sqlite:  # which finds rows as they are when they are read
            check()
        else:
            saving.checks.append(check)

    def _insert_once(self, saving: _Saving, table: Table, row: dict[str, Any]) -> None:
        """Insert a row, unless a row with the same trigger ID exists, which is a conflict."""
        given = {name: value for name, value in row.items() if value is not None}
        saving.once(self._once[table], given)

    # Queries

    def purge(self, purge_id: str) -> Purge | None:
        """Return a purge, or None if there is none with this ID.

        Raises: StoreUnavailable, FromNewer if only a newer version can read the row.
        """
        found = self._database.rows(_PURGE, which=purge_id)
        return rows.row_to_purge(found[0]) if found else None

    def purge_id_of(self, trigger_id: str) -> str | None:
        """Return the ID of the purge with this trigger ID, or None.  Raises: StoreUnavailable."""
        found = self.read(select(_purges.id).where(_purges.trigger_id == trigger_id)).first()
        return found.id if found else None

    def has_interaction(self, trigger_id: str, *, answered: bool) -> bool:
        """Return whether an interaction was saved and, with `answered`, also answered.

        Raises: StoreUnavailable.
        """
        question = select(_asks.trigger_id).where(_asks.trigger_id == trigger_id)
        if answered:
            question = question.where(_asks.due_at.is_(None))
        return self.read(question).first() is not None

    def card(self, purge_id: str, kind: PostKind = PostKind.CARD) -> Post | None:
        """Return the card of a purge, or with `PostKind.APPROVAL_CARD` its approval card.

        Raises: StoreUnavailable, FromNewer.
        """
        found = self._database.rows(_CARD, purge=purge_id, sort=kind.value)
        return rows.row_to_post(found[0]) if found else None


def _posts_of(change: Change) -> list[dict[str, Any]]:
    match change:
        case Transition(messages=posts, messages_due_at=due_at) | NewPosts(posts, due_at):
            return [rows.new_post(post, due_at) for post in posts]
        case _:
            return []


def _log_step(purge: Purge) -> None:
    is_trouble = purge.state in {State.HELD, State.OFFERED, State.FAILED, State.UNKNOWN}
    failure = purge.failure
    why = ErrorInfo(error_registry.kind(failure.code), failure.facts).message if failure else None
    (log.warning if is_trouble else log.info)(
        "purge",
        state=purge.state.value,
        purge=purge.id,
        domain=purge.domain,
        force=purge.force,
        user=purge.user_id,
        task_id=purge.task_id,
        request_id=purge.request_id,
        error=failure.code if failure else None,
        why=why,
        attempt=purge.attempt or None,
        held_until=purge.held_until.isoformat() if purge.held_until else None,
    )

"""A small audit trail to look at and to tamper with, and the way round the database's guard.

purge A     1 request   2 wait     5 deny   6 press-late      denied
purge B     3 request   4 refuse                              refused
unknown     7 press-unknown-request
── checkpoint over 1 to 7 ──
checkpoints 8 checkpoint
purge B     9 press-late

`agree` adds one that two people have approved.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Unpack

from sqlalchemy import Connection, text

from bot.core.audit import AuditEntry
from bot.core.decisions.transition import Transition, entry_of
from bot.core.policy.quorum import Approval
from bot.core.purge.purge import Event, Facts, Purge, Refusal, advance
from bot.store.migrations import migrate
from bot.store.store import Store

NOON = datetime(2024, 11, 2, 12, 0, 0, 123456, UTC)
A, B, C, UNKNOWN = "PA", "PB", "PC", "unknown.1"
POLICY = "f" * 64


def open_store(url: str) -> Store:
    store = Store(url)
    migrate(store.engine)
    return store


def write_trail(store: Store, now: datetime = NOON) -> None:
    """Write the trail of the drawing."""
    waiting = _step(store, begin(store, A, now), Event.WAIT)
    refusal = Refusal("not-allowed", "No rule allows it.")
    _step(store, begin(store, B, now), Event.REFUSE, refusal=refusal)
    _step(store, waiting, Event.DENY, user_id="U0SAM", decided_by="U0SAM")
    press(store, A, now)
    press(store, UNKNOWN, now, "press-unknown-request")
    assert store.audit.seal(now) is not None
    press(store, B, now)


def agree(store: Store, purge_id: str = C) -> Purge:
    """Write a request down that two people have approved: request, wait, count, approve."""
    waiting = _step(store, begin(store, purge_id), Event.WAIT)
    sam, kim = Approval("U0SAM", NOON), Approval("U0KIM", NOON)
    counted = _step(store, waiting, Event.COUNT, "U0SAM", approvals=(sam,))
    approvals = (sam, kim)
    return _step(store, counted, Event.APPROVE, "U0KIM", approvals=approvals, decided_by="U0KIM")


def begin(
    store: Store,
    purge_id: str,
    now: datetime = NOON,
    *,
    break_glass: bool = False,
    entry: Callable[[AuditEntry], AuditEntry] = lambda entry: entry,
) -> Purge:
    """Write a request down; `entry` says how."""
    purge = Purge(
        id=purge_id,
        trigger_id=f"{purge_id}.trigger",
        team_id="T0TOWN",
        channel_id="C0WEB",
        user_id="U0ANA",
        domain="www.example.com",
        tags=("hero", "logo"),
        force=True,
        break_glass=break_glass,
        requested_at=now,
        policy_hash=POLICY,
    )
    requested = entry(entry_of(purge, Event.REQUEST, now, "U0ANA"))
    assert store.apply(Transition(purge, Event.REQUEST, None, (requested,), is_new=True))
    return purge


def press(store: Store, purge_id: str, now: datetime = NOON, event: str = "press-late") -> None:
    """Write down a press that changed nothing."""
    entry = AuditEntry(
        purge_id, now, event, "T0TOWN", "U0KIM", "C0WEB", POLICY, {"press": "approve"}
    )
    assert store.apply(entry)


def step(after: Purge, event: Event, user_id: str | None = None) -> Transition:
    """Give what leads to a purge and tells nobody, with its entry in the trail."""
    return Transition(after, event, None, (entry_of(after, event, after.requested_at, user_id),))


def _step(
    store: Store, purge: Purge, event: Event, user_id: str | None = None, **facts: Unpack[Facts]
) -> Purge:
    after = advance(purge, event, purge.requested_at, **facts)
    assert store.apply(step(after, event, user_id))
    return after


@contextmanager
def tampering(store: Store) -> Iterator[Connection]:
    """Give a connection that may do what the database refuses otherwise, as its owner could."""
    with store.engine.execution_options(writing=True).begin() as connection, unguarded(connection):
        yield connection


@contextmanager
def unguarded(connection: Connection) -> Iterator[None]:
    """Keep the triggers from refusing anything for a while; they are there again afterwards."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        yield
        connection.exec_driver_sql("SET LOCAL session_replication_role = origin")
        return
    made = connection.execute(
        text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
    ).all()
    for name, _ in made:
        connection.exec_driver_sql(f"DROP TRIGGER {name}")
    yield
    for _, sql in made:
        connection.exec_driver_sql(sql)

"""A small audit trail to look at and to tamper with, and the way round the database's guard.

purge A     1 request   2 wait     5 deny   6 press-late      denied
purge B     3 request   4 refuse                              refused
unknown     7 press-unknown-request
── checkpoint over 1 to 7 ──
purge B     8 press-late
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from sqlalchemy import Connection, text

from bot.core.audit import AuditEntry
from bot.core.purge import Event, Purge, Refusal, advance
from bot.store.migrations import migrate
from bot.store.store import Change, Store

NOON = datetime(2024, 11, 2, 12, 0, 0, 123456, UTC)
A, B, UNKNOWN = "PA", "PB", "unknown.1"
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


def begin(store: Store, purge_id: str, now: datetime = NOON) -> Purge:
    """Write a request down."""
    purge = Purge(
        id=purge_id,
        trigger_id=f"{purge_id}.trigger",
        team_id="T0TOWN",
        channel_id="C0WEB",
        user_id="U0ANA",
        domain="www.example.com",
        tags=("hero",),
        force=True,
        requested_at=now,
        policy_hash=POLICY,
    )
    assert store.commit(Change(purge=purge, new=True, audit=(_entry(purge, "request", "U0ANA"),)))
    return purge


def press(store: Store, purge_id: str, now: datetime = NOON, event: str = "press-late") -> None:
    """Write down a press that changed nothing."""
    entry = AuditEntry(
        purge_id, now, event, "T0TOWN", "U0KIM", "C0WEB", POLICY, {"press": "approve"}
    )
    assert store.commit(Change(audit=(entry,)))


def _step(
    store: Store, purge: Purge, event: Event, user_id: str | None = None, **facts: object
) -> Purge:
    after = advance(purge, event, purge.requested_at, **facts)
    assert store.commit(Change(purge=after, audit=(_entry(after, event.value, user_id),)))
    return after


def _entry(purge: Purge, event: str, user_id: str | None) -> AuditEntry:
    detail = {"domain": purge.domain, "state": purge.state.value}
    return AuditEntry(
        purge.id, purge.requested_at, event, "T0TOWN", user_id, "C0WEB", POLICY, detail
    )


@contextmanager
def tampering(store: Store) -> Iterator[Connection]:
    """Give a connection that may do what the database refuses otherwise, as its owner could."""
    with store.engine.execution_options(writing=True).begin() as connection:
        if store.is_sqlite:
            made = connection.execute(
                text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
            ).all()
            for name, _ in made:
                connection.exec_driver_sql(f"DROP TRIGGER {name}")
        else:
            connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        yield connection

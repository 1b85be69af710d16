"""Sessions of PostgreSQL are kept between uses: one that was lost meanwhile is not noticed by anybody."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from bot.store.database import kept
from bot.store.database.writers import StoreUnavailable
from bot.store.store import Store
from tests.support.audit_trail import open_store
from tests.support.databases import Postgresql

NOW = datetime(2026, 11, 29, tzinfo=UTC)


@pytest.fixture
def store(postgresql: Postgresql, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """Give a store whose sessions are never checked again, so that chance decides nothing."""
    monkeypatch.setattr(kept, "LOOK_EVERY_S", 1e9)
    with postgresql.copy() as url, closing(open_store(url)) as opened:
        yield opened


def lose_sessions(store: Store) -> int:
    """End all sessions of the database but the one that does so; give how many there were."""
    with psycopg.connect(
        store.engine.url.set(drivername="postgresql").render_as_string(False)
    ) as it:
        ended = it.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return len(ended.fetchall())


def put(store: Store, value: dict[str, Any]) -> bool:
    return store.shared_state.put(store.shared_state.get("fact"), value, NOW)


def test_what_is_read_and_written_after_sessions_were_lost_is_as_before(store: Store) -> None:
    assert put(store, {"times": 1})
    assert lose_sessions(store) >= 2
    assert put(store, {"times": 2})
    assert store.shared_state.get("fact").value == {"times": 2}


def test_a_write_alone_is_repeated_too(store: Store) -> None:
    assert put(store, {"times": 1})
    before = store.shared_state.get("fact")
    assert lose_sessions(store) >= 2
    assert store.shared_state.put(before, {"times": 2}, NOW)
    assert store.shared_state.get("fact").value == {"times": 2}


def test_one_that_is_lost_long_after_it_was_taken_is_not_repeated(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert put(store, {"times": 1})
    before = store.shared_state.get("fact")
    lose_sessions(store)
    with monkeypatch.context() as late:
        late.setattr(kept, "NOTICED_S", -1.0)
        with pytest.raises(StoreUnavailable):
            store.shared_state.put(before, {"times": 2}, NOW)
    assert store.shared_state.get("fact").value == {"times": 1}

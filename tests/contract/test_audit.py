"""The audit trail: append-only, one chain a purge, sealed by checkpoints, pruned without a gap."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import insert, text
from sqlalchemy.exc import DBAPIError

from bot.core.audit import PRUNED, RETENTION, AuditEntry, checkpoint, link, pruned
from bot.core.purge import Event, advance
from bot.store.audit_log import BATCH
from bot.store.audit_verify import verify
from bot.store.engine import StoreUnavailable
from bot.store.rows import link_to_row
from bot.store.store import Change, Store
from bot.store.tables import audit
from tests.trail import NOON, UNKNOWN, A, B, begin, open_store, press, write_trail

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
POSTGRES = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
LATER = NOON + timedelta(days=1)


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    opened = open_store(database_url)
    yield opened
    opened.close()


# Append-only


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE audit SET user_id = 'U0EVE' WHERE id = 3",
        "UPDATE audit SET event = 'pruned' WHERE id = 3",
        "DELETE FROM audit WHERE id = 3",
        "UPDATE checkpoints SET entries = 1",
        "DELETE FROM checkpoints",
    ],
)
def test_the_database_itself_refuses_to_change_what_is_written(store: Store, change: str) -> None:
    write_trail(store)
    with (
        pytest.raises(DBAPIError, match="append-only"),
        store.engine.execution_options(writing=True).begin() as connection,
    ):
        connection.execute(text(change))


@SQLITE
@pytest.mark.parametrize("table", ["audit", "checkpoints"])
def test_sqlite_refuses_to_replace_what_is_written(store: Store, table: str) -> None:
    write_trail(store)
    with (
        pytest.raises(DBAPIError, match="append-only"),
        store.engine.execution_options(writing=True).begin() as connection,
    ):
        connection.execute(text(f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}"))  # noqa: S608


@POSTGRES
@pytest.mark.parametrize("table", ["audit", "checkpoints"])
def test_postgresql_refuses_to_truncate(store: Store, table: str) -> None:
    with (
        pytest.raises(DBAPIError, match="append-only"),
        store.engine.begin() as connection,
    ):
        connection.execute(text(f"TRUNCATE {table}"))


# Chains


def test_an_untouched_trail_holds(store: Store) -> None:
    write_trail(store)
    verdict = verify(store.engine)
    assert verdict.fault is None
    assert (verdict.entries, verdict.chains, verdict.pruned) == (8, 3, 0)
    assert [sealed.entries for sealed in verdict.checkpoints] == [7]


def test_a_moment_keeps_its_microseconds(store: Store) -> None:
    write_trail(store)
    assert {found.entry.at for _, found in store.audit.read_all()} == {NOON}


def test_many_writers_to_one_purge_keep_one_chain(store: Store) -> None:
    """A step of the purge, and presses that change nothing, at the same moment."""
    waiting = advance(begin(store, A), Event.WAIT, NOON)
    step = Change(purge=waiting, audit=(AuditEntry(A, NOON, Event.WAIT.value),))
    with ThreadPoolExecutor(8) as threads:
        stepped = threads.submit(store.commit, step)
        pressed = [threads.submit(press, store, A) for _ in range(40)]
        assert stepped.result()
        assert [each.result() for each in pressed] == [None] * 40
    chain = [found for _, found in store.audit.read_all()]
    assert sorted(found.seq for found in chain) == list(range(1, 43))
    assert verify(store.engine).fault is None


def test_a_beaten_decision_leaves_no_entry(store: Store) -> None:
    waiting = advance(begin(store, A), Event.WAIT, NOON)
    step = Change(purge=waiting, audit=(AuditEntry(A, NOON, Event.WAIT.value),))
    assert [store.commit(step), store.commit(step)] == [True, False]
    assert len(store.audit_of(A)) == 2


# Checkpoints


def test_a_checkpoint_seals_what_is_new_and_follows_the_one_before(store: Store) -> None:
    write_trail(store)
    first = store.audit.newest_checkpoint()
    assert first is not None
    second = store.audit.seal(LATER)
    assert second is not None
    (unsealed,) = [found.hash for number, found in store.audit.read_all() if number > first.upto_id]
    assert second == checkpoint(LATER, 8, [unsealed], first)
    assert store.audit.seal(LATER) is None


@POSTGRES
def test_an_entry_that_is_still_being_written_is_not_passed_over(store: Store) -> None:
    """Its ID is given already, and others that are higher are committed before it."""
    begin(store, A)
    slow = link(AuditEntry(B, NOON, "press-late"))
    with store.engine.connect() as connection:
        connection.execute(insert(audit), [link_to_row(slow)])
        press(store, A)
        with pytest.raises(StoreUnavailable):
            store.audit.seal(NOON)
        connection.commit()
    sealed = store.audit.seal(NOON)
    assert sealed is not None
    assert sealed.entries == 3
    assert verify(store.engine).fault is None


@POSTGRES
def test_replicas_that_seal_at_once_make_one_line_of_checkpoints(store: Store) -> None:
    with ThreadPoolExecutor(4) as threads:
        for _ in range(5):
            press(store, UNKNOWN)
            made = list(threads.map(store.audit.seal, [NOON] * 4))
            assert sum(each is not None for each in made) == 1
    assert len(verify(store.engine).checkpoints) == 5


# Pruning


def test_pruning_empties_old_entries_and_the_trail_still_holds(store: Store) -> None:
    write_trail(store)
    assert store.audit.prune(LATER, LATER) == 8
    entries = [found.entry for _, found in store.audit.read_all()]
    assert entries[:8] == [pruned(entry.purge_id, LATER) for entry in entries[:8]]
    (told,) = entries[8:]
    assert (told.purge_id, told.event, told.detail["entries"]) == (RETENTION, "prune", "8")
    verdict = verify(store.engine)
    assert verdict.fault is None
    assert (verdict.entries, verdict.pruned, len(verdict.checkpoints)) == (9, 8, 1)


def test_what_is_not_old_or_not_at_its_end_is_not_pruned(store: Store) -> None:
    write_trail(store)
    begin(store, "PC")  # not decided yet
    press(store, B, LATER)
    assert store.audit.prune(LATER, LATER) == 8
    kept = [found.entry for _, found in store.audit.read_all() if found.entry.event != PRUNED]
    assert [entry.purge_id for entry in kept] == ["PC", B, RETENTION]
    assert verify(store.engine).fault is None


def test_a_pruned_chain_goes_on(store: Store) -> None:
    write_trail(store)
    store.audit.prune(LATER, LATER)
    press(store, A, LATER)
    assert verify(store.engine).fault is None
    assert store.audit.prune(LATER + timedelta(days=1), LATER) == 1
    assert verify(store.engine).pruned == 9


def test_many_entries_are_pruned_and_sealed_a_batch_at_a_time(store: Store) -> None:
    entries = tuple(AuditEntry(UNKNOWN, NOON, "press-late") for _ in range(BATCH + 1))
    store.commit(Change(audit=entries))
    store.audit.keep(LATER + timedelta(days=1), retention_days=1)
    verdict = verify(store.engine)
    assert verdict.fault is None
    assert verdict.pruned == BATCH + 1
    assert [each.entries for each in verdict.checkpoints] == [BATCH, 3]


def test_the_trail_is_pruned_once_a_day_after_whole_days(store: Store) -> None:
    write_trail(store)
    for hours, emptied in ((47, 0), (49, 0), (60, 8), (61, 8)):
        press(store, UNKNOWN, NOON + timedelta(hours=hours))
        store.audit.keep(NOON + timedelta(hours=hours), retention_days=2)
        assert verify(store.engine).pruned == emptied


def test_without_a_retention_nothing_is_pruned(store: Store) -> None:
    write_trail(store)
    store.audit.keep(NOON + timedelta(days=9999), retention_days=None)
    verdict = verify(store.engine)
    assert (verdict.pruned, len(verdict.checkpoints)) == (0, 2)

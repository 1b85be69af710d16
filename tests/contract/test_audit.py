"""The audit trail: append-only, one chain a purge, sealed by checkpoints, pruned without a gap."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import timedelta

import pytest
from sqlalchemy import insert, text, update
from sqlalchemy.exc import DBAPIError

from bot.core.audit import CHECKPOINTS, PRUNED, RETENTION, AuditEntry, checkpoint, link, pruned
from bot.core.purge.purge import Event, advance
from bot.store.audit.log import BATCH, PRUNE
from bot.store.audit.verify import verify
from bot.store.database.writers import StoreUnavailable
from bot.store.schema.mapping import link_to_row
from bot.store.schema.tables import audit, checkpoints
from bot.store.store import Store
from tests.support.audit_trail import (
    NOON,
    UNKNOWN,
    A,
    B,
    begin,
    open_store,
    press,
    step,
    tampering,
    write_trail,
)

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
    assert verdict.finding is None
    assert (verdict.entries, verdict.chains, verdict.pruned) == (9, 4, 0)
    assert verdict.purges == 2
    assert [sealed.entries for sealed in verdict.checkpoints] == [7]


def test_a_moment_keeps_its_microseconds(store: Store) -> None:
    write_trail(store)
    assert {found.entry.at for _, found in store.audit.read_all()} == {NOON}


def test_many_writers_to_one_purge_keep_one_chain(store: Store) -> None:
    """A step of the purge, and presses that change nothing, at the same moment."""
    waiting = advance(begin(store, A), Event.WAIT, NOON)
    waits = step(waiting, Event.WAIT)
    with ThreadPoolExecutor(8) as threads:
        stepped = threads.submit(store.apply, waits)
        pressed = [threads.submit(press, store, A) for _ in range(40)]
        assert stepped.result()
        assert [each.result() for each in pressed] == [None] * 40
    chain = [found for _, found in store.audit.read_all()]
    assert sorted(found.seq for found in chain) == list(range(1, 43))
    assert verify(store.engine).finding is None


def test_a_beaten_decision_leaves_no_entry(store: Store) -> None:
    waiting = advance(begin(store, A), Event.WAIT, NOON)
    waits = step(waiting, Event.WAIT)
    assert [store.apply(waits), store.apply(waits)] == [True, False]
    assert len(store.audit.chain(A)) == 2


# Checkpoints


def test_a_checkpoint_seals_what_is_new_and_follows_the_one_before(store: Store) -> None:
    write_trail(store)
    first = store.audit.newest_checkpoint()
    assert first is not None
    second = store.audit.seal(LATER)
    assert second is not None
    told, pressed, told_next = [
        found for number, found in store.audit.read_all() if number > first.upto_id
    ]
    assert second == checkpoint(LATER, 9, [told.hash, pressed.hash], first)
    assert [each.entry.detail for each in (told, told_next)] == [
        {"hash": made.hash, "upto_id": str(made.upto_id)} for made in (first, second)
    ]


def test_what_tells_of_a_checkpoint_is_nothing_new_to_seal(store: Store) -> None:
    """Else there would be one more each time, for ever."""
    write_trail(store)
    assert store.audit.seal(LATER) is not None
    assert store.audit.seal(LATER) is None
    store.audit.keep(LATER, retention_days=None)
    assert len(verify(store.engine).checkpoints) == 2


def test_checkpoints_of_an_earlier_release_of_which_nothing_is_told_hold(store: Store) -> None:
    """It tells of none, and while both run it prunes what this one tells."""
    begin(store, A)
    block = [found.hash for _, found in store.audit.read_all()]
    earlier = checkpoint(NOON, 1, block, None)
    prune = AuditEntry(
        RETENTION, LATER, PRUNE, detail={"before": LATER.isoformat(), "entries": "1"}
    )
    left = asdict(pruned(CHECKPOINTS, LATER))
    with store.engine.execution_options(writing=True).begin() as connection:
        connection.execute(insert(checkpoints).values(asdict(earlier)))
    press(store, A)
    assert store.audit.seal(NOON) is not None
    assert verify(store.engine).finding is None
    with store.engine.execution_options(writing=True).begin() as connection:
        connection.execute(update(audit).where(audit.c.purge_id == CHECKPOINTS).values(left))
        connection.execute(insert(audit).values(link_to_row(link(prune))))
    assert store.audit.seal(LATER) is not None
    verdict = verify(store.engine)
    assert (verdict.finding, len(verdict.checkpoints), verdict.pruned) == (None, 3, 1)


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
    assert verify(store.engine).finding is None


@POSTGRES
def test_replicas_that_seal_at_once_make_one_line_of_checkpoints(store: Store) -> None:
    with ThreadPoolExecutor(4) as threads:
        for _ in range(5):
            press(store, UNKNOWN)
            made = list(threads.map(store.audit.seal, [NOON] * 4))
            assert sum(each is not None for each in made) == 1
    assert len(verify(store.engine).checkpoints) == 5


# One chain


def test_the_chain_of_one_purge_can_be_read(store: Store) -> None:
    write_trail(store)
    assert [found.entry.event for found in store.audit.chain(A)] == [
        "request",
        "wait",
        "deny",
        "press-late",
    ]
    everything = [found for _, found in store.audit.read_all()]
    assert store.audit.chain(B) == [each for each in everything if each.entry.purge_id == B]
    assert store.audit.chain("PX") == []


@SQLITE
def test_a_chain_that_somebody_made_unreadable_is_not_given(store: Store) -> None:
    write_trail(store)
    with tampering(store) as connection:
        connection.exec_driver_sql("UPDATE audit SET detail = '{' WHERE id = 2")
    with pytest.raises(ValueError):
        store.audit.chain(A)
    assert len(store.audit.chain(B)) == 3


# Pruning


def test_pruning_empties_old_entries_and_the_trail_still_holds(store: Store) -> None:
    write_trail(store)
    assert store.audit.prune(LATER, LATER) == 8
    entries = [found.entry for _, found in store.audit.read_all()]
    *emptied, told = [entry for entry in entries if entry.purge_id != CHECKPOINTS]
    assert emptied == [pruned(entry.purge_id, LATER) for entry in emptied]
    assert (told.purge_id, told.event, told.detail["entries"]) == (RETENTION, "prune", "8")
    verdict = verify(store.engine)
    assert verdict.finding is None
    assert (verdict.entries, verdict.pruned, len(verdict.checkpoints)) == (10, 8, 1)


def test_what_is_not_old_or_not_at_its_end_is_not_pruned(store: Store) -> None:
    write_trail(store)
    begin(store, "PC")  # not decided yet
    press(store, B, LATER)
    assert store.audit.prune(LATER, LATER) == 8
    kept = [found.entry for _, found in store.audit.read_all() if found.entry.event != PRUNED]
    assert [entry.purge_id for entry in kept] == [CHECKPOINTS, "PC", B, RETENTION]
    assert verify(store.engine).finding is None


def test_a_pruned_chain_goes_on(store: Store) -> None:
    write_trail(store)
    store.audit.prune(LATER, LATER)
    press(store, A, LATER)
    assert verify(store.engine).finding is None
    assert store.audit.prune(LATER + timedelta(days=1), LATER) == 1
    assert verify(store.engine).pruned == 9


def test_many_entries_are_pruned_and_sealed_a_batch_at_a_time(store: Store) -> None:
    entries = tuple(AuditEntry(UNKNOWN, NOON, "press-late") for _ in range(BATCH + 1))
    store.apply(*entries)
    store.audit.keep(LATER + timedelta(days=1), retention_days=1)
    verdict = verify(store.engine)
    assert verdict.finding is None
    assert verdict.pruned == BATCH + 1
    assert [each.entries for each in verdict.checkpoints] == [BATCH, 4]


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

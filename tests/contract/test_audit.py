"""The audit trail is append-only, and whatever somebody does to it all the same is found and named."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import insert, text
from sqlalchemy.exc import DBAPIError

from bot.core.audit import AuditEntry, checkpoint, link
from bot.core.purge import Event, advance
from bot.store.audit_verify import Fault, verify
from bot.store.engine import StoreUnavailable
from bot.store.rows import link_to_row
from bot.store.store import Change, Store
from bot.store.tables import audit
from tests.trail import NOON, UNKNOWN, A, B, begin, open_store, press, tampering, write_trail

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
POSTGRES = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
LATER = NOON + timedelta(days=1)


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    opened = open_store(database_url)
    yield opened
    opened.close()


def fault_after(store: Store, *changes: str) -> str | None:
    """Give the place that is named once somebody has done this to the database."""
    assert verify(store.engine).fault is None
    with tampering(store) as connection:
        for change in changes:
            done = connection.execute(text(change))
            assert done.rowcount > 0, change
    return place_of(verify(store.engine).fault)


def altering(columns: str, where: str, table: str = "audit") -> str:
    return f"UPDATE {table} SET {columns} WHERE {where}"  # noqa: S608  (ours)


def place_of(fault: Fault | None) -> str | None:
    return fault.place.partition(", entries")[0] if fault else None


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


# Tampering


@pytest.mark.parametrize(
    "column",
    [
        "at = '2026-11-02 12:00:01.123456+00'",
        "event = 'count'",
        "team_id = 'T0ELSE'",
        "team_id = NULL",
        "user_id = 'U0EVE'",
        "channel_id = 'C0ELSE'",
        "policy_hash = 'e'",
        """detail = '{"domain": "other.example.com", "state": "waiting"}'""",
        "previous = hash",
        "hash = previous",
        "seq = 9",
        "purge_id = 'PZ'",
    ],
    ids=lambda column: str(column).partition(" ")[0],
)
def test_an_altered_entry_is_named(store: Store, column: str) -> None:
    write_trail(store)
    assert fault_after(store, altering(column, "id = 2")) == f"purge {A}, entry 2"


@SQLITE
@pytest.mark.parametrize("column", ["at = 'noon'", "at = 5", "detail = '{'", "hash = x'00'"])
def test_an_entry_made_unreadable_is_named(store: Store, column: str) -> None:
    write_trail(store)
    assert fault_after(store, altering(column, "id = 2")) == f"purge {A}, entry 2"


@pytest.mark.parametrize(
    ("where", "place"),
    [
        ("id = 1", f"purge {A}, entry 1"),
        ("id = 2", f"purge {A}, entry 2"),
        ("id IN (5, 6)", f"purge {A}, entry 3"),
        (f"purge_id = '{A}'", f"purge {A}, entry 1"),
        ("id > 0", f"purge {A}, entry 1"),
        ("id = 6", "checkpoint 1"),
        (f"purge_id = '{UNKNOWN}'", "checkpoint 1"),
    ],
    ids=["the first", "in the middle", "the end", "a chain", "all", "a press", "an unknown chain"],
)
def test_a_missing_entry_is_named(store: Store, where: str, place: str) -> None:
    write_trail(store)
    assert fault_after(store, f"DELETE FROM audit WHERE {where}") == place  # noqa: S608


@pytest.mark.parametrize(
    ("column", "spare", "place"),
    [("seq", 99, f"purge {A}, entry 2"), ("id", 99, "checkpoint 1")],
)
def test_swapped_entries_are_named(store: Store, column: str, spare: int, place: str) -> None:
    write_trail(store)
    second, third = (2, 3) if column == "seq" else (2, 5)
    where = f"purge_id = '{A}' AND {column} ="
    swap = [
        f"UPDATE audit SET {column} = {new} {where} {old}"  # noqa: S608
        for old, new in ((second, spare), (third, second), (spare, third))
    ]
    assert fault_after(store, *swap) == place


def test_an_end_written_anew_with_the_right_hashes_is_found_by_its_checkpoint(store: Store) -> None:
    write_trail(store)
    chain = [found for _, found in store.audit.read_all() if found.entry.purge_id == A]
    forged = link(replace(chain[-1].entry, user_id="U0EVE"), chain[-2].end)
    change = f"UPDATE audit SET user_id = 'U0EVE', hash = '{forged.hash}' WHERE id = 6"  # noqa: S608
    assert fault_after(store, change) == "checkpoint 1"


def test_a_step_that_the_purge_never_took_is_found(store: Store) -> None:
    write_trail(store)
    chain = [found for _, found in store.audit.read_all() if found.entry.purge_id == B]
    forged = link(AuditEntry(B, NOON, "approve", user_id="U0SAM"), chain[-1].end)
    with tampering(store) as connection:
        connection.execute(insert(audit), [link_to_row(forged)])
    assert place_of(verify(store.engine).fault) == f"purge {B}"


@pytest.mark.parametrize(
    "column",
    ["at = '2026-11-03'", "upto_id = 6", "entries = 6", "previous = hash", "hash = previous"],
    ids=lambda column: str(column).partition(" ")[0],
)
def test_an_altered_checkpoint_is_named(store: Store, column: str) -> None:
    write_trail(store)
    assert fault_after(store, altering(column, "id = 1", "checkpoints")) == "checkpoint 1"


def test_a_missing_checkpoint_is_found_by_the_next(store: Store) -> None:
    write_trail(store)
    store.audit.seal(NOON)
    assert fault_after(store, "DELETE FROM checkpoints WHERE id = 1") == "checkpoint 2"


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


def test_replicas_that_seal_at_once_make_one_line_of_checkpoints(store: Store) -> None:
    with ThreadPoolExecutor(4) as threads:
        for _ in range(5):
            press(store, UNKNOWN)
            made = list(threads.map(store.audit.seal, [NOON] * 4))
            assert sum(each is not None for each in made) == 1
    assert len(verify(store.engine).checkpoints) == 5

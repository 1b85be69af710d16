"""Whatever somebody does to the audit trail in the database is found, and the place is named.

The tests tamper with one trail (tests/trail.py) and roll back what they did.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Insert, insert, text

from bot.core.audit import RETENTION, AuditEntry, link
from bot.store.audit_verify import verify, verify_on
from bot.store.rows import link_to_row
from bot.store.store import Store
from bot.store.tables import audit
from tests.trail import NOON, UNKNOWN, A, B, open_store, tampering, write_trail

LATER = NOON + timedelta(days=1)


@contextmanager
def trail(kind: str, request: pytest.FixtureRequest, folder: Path) -> Iterator[Store]:
    with ExitStack() as stack:
        url = f"sqlite:///{folder}/purgebot.sqlite3"
        if kind == "postgresql":
            url = stack.enter_context(request.getfixturevalue("postgresql").copy())
        store = open_store(url)
        stack.callback(store.close)
        write_trail(store)
        yield store


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def written(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Store]:
    with trail(request.param, request, tmp_path_factory.mktemp("written")) as store:
        yield store


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def emptied(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Store]:
    """Give the same trail, pruned and sealed once more."""
    with trail(request.param, request, tmp_path_factory.mktemp("emptied")) as store:
        assert store.audit.prune(LATER, LATER) == 8
        assert store.audit.seal(LATER) is not None
        yield store


def fault_after(store: Store, *changes: str | Insert) -> str | None:
    """Give the place that is named once somebody has done this to the database."""
    assert verify(store.engine).fault is None
    with tampering(store) as connection:
        for change in changes:
            statement = text(change) if isinstance(change, str) else change
            assert connection.execute(statement).rowcount != 0, change
        fault = verify_on(connection).fault
        connection.rollback()
    return fault.place.partition(", entries")[0] if fault else None


def altering(columns: str, where: str, table: str = "audit") -> str:
    return f"UPDATE {table} SET {columns} WHERE {where}"  # noqa: S608  (ours)


@pytest.mark.parametrize(
    "column",
    [
        "at = '2024-11-02 12:00:01.123456+00'",
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
def test_an_altered_entry_is_named(written: Store, column: str) -> None:
    assert fault_after(written, altering(column, "id = 2")) == f"purge {A}, entry 2"


@pytest.mark.parametrize("written", ["sqlite"], indirect=True)
@pytest.mark.parametrize("column", ["at = 'noon'", "at = 5", "detail = '{'", "hash = x'00'"])
def test_an_entry_made_unreadable_is_named(written: Store, column: str) -> None:
    assert fault_after(written, altering(column, "id = 2")) == f"purge {A}, entry 2"


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
def test_a_missing_entry_is_named(written: Store, where: str, place: str) -> None:
    assert fault_after(written, f"DELETE FROM audit WHERE {where}") == place  # noqa: S608


@pytest.mark.parametrize(
    ("column", "spare", "place"),
    [("seq", 99, f"purge {A}, entry 2"), ("id", 99, "checkpoint 1")],
)
def test_swapped_entries_are_named(written: Store, column: str, spare: int, place: str) -> None:
    second, third = (2, 3) if column == "seq" else (2, 5)
    where = f"purge_id = '{A}' AND {column} ="
    swap = [
        altering(f"{column} = {new}", f"{where} {old}")
        for old, new in ((second, spare), (third, second), (spare, third))
    ]
    assert fault_after(written, *swap) == place


def test_an_end_written_anew_with_the_right_hashes_is_found_by_its_checkpoint(
    written: Store,
) -> None:
    chain = [found for _, found in written.audit.read_all() if found.entry.purge_id == A]
    forged = link(replace(chain[-1].entry, user_id="U0EVE"), chain[-2].end)
    change = altering(f"user_id = 'U0EVE', hash = '{forged.hash}'", "id = 6")
    assert fault_after(written, change) == "checkpoint 1"


def test_a_step_that_the_purge_never_took_is_found(written: Store) -> None:
    chain = [found for _, found in written.audit.read_all() if found.entry.purge_id == B]
    forged = link(AuditEntry(B, NOON, "approve", user_id="U0SAM"), chain[-1].end)
    assert fault_after(written, insert(audit).values(link_to_row(forged))) == f"purge {B}"


@pytest.mark.parametrize(
    "column",
    ["at = '2024-11-03'", "upto_id = 6", "entries = 6", "previous = hash", "hash = previous"],
    ids=lambda column: str(column).partition(" ")[0],
)
def test_an_altered_checkpoint_is_named(written: Store, column: str) -> None:
    assert fault_after(written, altering(column, "id = 1", "checkpoints")) == "checkpoint 1"


def test_a_missing_checkpoint_is_found_by_the_next(emptied: Store) -> None:
    assert fault_after(emptied, "DELETE FROM checkpoints WHERE id = 1") == "checkpoint 2"


# What is left after a pruning


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (altering("event = 'wait'", "id = 2"), f"purge {A}, entry 2"),
        (altering("user_id = 'U0EVE'", "id = 2"), f"purge {A}, entry 2"),
        (altering("""detail = '{"domain": ""}'""", "id = 2"), f"purge {A}, entry 2"),
        (altering("at = '2024-11-09 00:00:00+00'", "id = 2"), f"purge {A}, entry 2"),
        (altering("hash = previous", "id = 2"), f"purge {A}, entry 3"),
        (altering("hash = previous", "id = 6"), "checkpoint 1"),
        (altering("previous = hash", "id = 2"), f"purge {A}, entry 2"),
        ("DELETE FROM audit WHERE id = 2", f"purge {A}, entry 2"),
        ("DELETE FROM audit WHERE id IN (5, 6)", f"purge {A}, entry 3"),
        ("DELETE FROM audit WHERE id = 8", "the pruning before 2024-11-03T12:00:00.123456+00:00"),
        (f"DELETE FROM audit WHERE purge_id = '{RETENTION}'", f"purge {A}, entry 1"),  # noqa: S608
        (altering("detail = '{}'", f"purge_id = '{RETENTION}'"), f"purge {RETENTION}, entry 1"),
    ],
)
def test_a_pruned_entry_that_was_tampered_with_is_named(
    emptied: Store, change: str, place: str
) -> None:
    assert fault_after(emptied, change) == place


def test_an_entry_that_was_emptied_by_hand_is_named(written: Store) -> None:
    """The database takes it for a pruning, but the trail tells of none."""
    change = "event = 'pruned', team_id = NULL, user_id = NULL, channel_id = NULL"
    change += ", policy_hash = NULL, detail = '{}'"
    assert fault_after(written, altering(change, "id = 4")) == f"purge {B}, entry 2"

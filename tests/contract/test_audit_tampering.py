"""Whatever somebody does to the audit trail in the database is found, and the place is named.

The tests tamper with one trail (tests/support/audit_trail.py) and roll back what they did.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import insert

from bot.core.audit import CHECKPOINTS, RETENTION, AuditEntry, link
from bot.store.audit.verify import Finding
from bot.store.schema.mapping import link_to_row
from bot.store.schema.tables import audit
from bot.store.store import Store
from tests.support.audit_tampering import altering, fault_openly_after, new_store, place_after
from tests.support.audit_trail import NOON, UNKNOWN, A, B, write_trail

LATER = NOON + timedelta(days=1)
IDLE = """
    CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RETURN NEW; END $$
"""


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def written(request: pytest.FixtureRequest) -> Iterator[Store]:
    with new_store(request) as store:
        write_trail(store)
        yield store


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def emptied(request: pytest.FixtureRequest) -> Iterator[Store]:
    """Give the same trail, pruned and sealed once more."""
    with new_store(request) as store:
        write_trail(store)
        assert store.audit.prune(LATER, LATER) == 8
        assert store.audit.seal(LATER) is not None
        yield store


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
    assert place_after(written, altering(column, "id = 2")) == f"purge {A}, entry 2"


@pytest.mark.parametrize("written", ["sqlite"], indirect=True)
@pytest.mark.parametrize("column", ["at = 'noon'", "at = 5", "detail = '{'", "hash = x'00'"])
def test_an_entry_made_unreadable_is_named(written: Store, column: str) -> None:
    assert place_after(written, altering(column, "id = 2")) == f"purge {A}, entry 2"


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
    assert place_after(written, f"DELETE FROM audit WHERE {where}") == place  # noqa: S608


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
    assert place_after(written, *swap) == place


def test_an_end_written_anew_with_the_right_hashes_is_found_by_its_checkpoint(
    written: Store,
) -> None:
    chain = [found for _, found in written.audit.read_all() if found.entry.purge_id == A]
    forged = link(replace(chain[-1].entry, user_id="U0EVE"), chain[-2].end)
    change = altering(f"user_id = 'U0EVE', hash = '{forged.hash}'", "id = 6")
    assert place_after(written, change) == "checkpoint 1"


def test_a_step_that_the_purge_never_took_is_found(written: Store) -> None:
    chain = [found for _, found in written.audit.read_all() if found.entry.purge_id == B]
    forged = link(AuditEntry(B, NOON, "approve", user_id="U0SAM"), chain[-1].end)
    assert place_after(written, insert(audit).values(link_to_row(forged))) == f"purge {B}, entry 4"


@pytest.mark.parametrize(
    "column",
    ["at = '2024-11-03'", "upto_id = 6", "entries = 6", "previous = hash", "hash = previous"],
    ids=lambda column: str(column).partition(" ")[0],
)
def test_an_altered_checkpoint_is_named(written: Store, column: str) -> None:
    assert place_after(written, altering(column, "id = 1", "checkpoints")) == "checkpoint 1"


def test_a_missing_checkpoint_is_found_by_the_next(emptied: Store) -> None:
    assert place_after(emptied, "DELETE FROM checkpoints WHERE id = 1") == "checkpoint 2"


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
        ("DELETE FROM audit WHERE id = 9", "the pruning before 2024-11-03T12:00:00.123456+00:00"),
        (f"DELETE FROM audit WHERE purge_id = '{RETENTION}'", f"purge {A}, entry 1"),  # noqa: S608
        (altering("detail = '{}'", f"purge_id = '{RETENTION}'"), f"purge {RETENTION}, entry 1"),
    ],
)
def test_a_pruned_entry_that_was_tampered_with_is_named(
    emptied: Store, change: str, place: str
) -> None:
    assert place_after(emptied, change) == place


def test_an_entry_that_was_emptied_by_hand_is_named(written: Store) -> None:
    """The database takes it for a pruning, but the trail tells of none."""
    change = "event = 'pruned', team_id = NULL, user_id = NULL, channel_id = NULL"
    change += ", policy_hash = NULL, detail = '{}'"
    assert place_after(written, altering(change, "id = 4")) == f"purge {B}, entry 2"


# Checkpoints that are gone


@pytest.mark.parametrize(
    ("where", "place"),
    [
        ("id > 0", "the checkpoint up to entry 7"),
        ("id = 1", "checkpoint 2"),
        ("id = 2", "the checkpoint up to entry 10"),
    ],
    ids=["all", "the first", "the last"],
)
def test_a_missing_checkpoint_is_named(emptied: Store, where: str, place: str) -> None:
    assert place_after(emptied, f"DELETE FROM checkpoints WHERE {where}") == place  # noqa: S608


def test_without_what_told_of_a_checkpoint_its_entry_is_missed(emptied: Store) -> None:
    told = f"DELETE FROM audit WHERE purge_id = '{CHECKPOINTS}'"  # noqa: S608
    assert place_after(emptied, f"{told} AND seq = 1") == f"purge {CHECKPOINTS}, entry 1"
    assert place_after(emptied, told) == "checkpoint 2"


# Triggers


@pytest.mark.parametrize("written", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "name",
    [
        f"{table}_{change}"
        for table in ("audit", "checkpoints")
        for change in ("update", "delete", "replace")
    ],
)
def test_a_missing_trigger_of_sqlite_is_named(written: Store, name: str) -> None:
    fault = fault_openly_after(written, f"DROP TRIGGER {name}")
    assert fault is not None
    assert fault == Finding(f"trigger {name}", "is missing, so that the audit could be changed")


@pytest.mark.parametrize("written", ["sqlite"], indirect=True)
def test_a_trigger_of_sqlite_that_refuses_no_more_is_named(written: Store) -> None:
    idle = "CREATE TRIGGER audit_delete BEFORE DELETE ON audit BEGIN SELECT 1; END"
    fault = fault_openly_after(written, "DROP TRIGGER audit_delete", idle)
    assert fault == Finding(
        "trigger audit_delete", "was altered, so that the audit could be changed"
    )


@pytest.mark.parametrize("written", ["postgresql"], indirect=True)
@pytest.mark.parametrize(
    ("change", "name", "wrong"),
    [
        ("DROP TRIGGER audit_update ON audit", "audit_update", "is missing"),
        ("DROP TRIGGER audit_delete ON audit", "audit_delete", "is missing"),
        ("DROP TRIGGER checkpoints_change ON checkpoints", "checkpoints_change", "is missing"),
        ("ALTER TABLE audit DISABLE TRIGGER audit_update", "audit_update", "is disabled"),
        ("ALTER TABLE audit DISABLE TRIGGER ALL", "audit_delete", "is disabled"),
        ("ALTER TABLE audit ENABLE REPLICA TRIGGER audit_update", "audit_update", "is disabled"),
        ("ALTER TABLE checkpoints DISABLE TRIGGER USER", "checkpoints_change", "is disabled"),
        (IDLE, "audit_delete", "was altered"),
    ],
)
def test_a_trigger_of_postgresql_that_refuses_no_more_is_named(
    written: Store, change: str, name: str, wrong: str
) -> None:
    fault = fault_openly_after(written, change)
    assert fault == Finding(f"trigger {name}", f"{wrong}, so that the audit could be changed")


@pytest.mark.parametrize("written", ["postgresql"], indirect=True)
def test_a_trigger_that_also_guards_what_is_replicated_is_as_good(written: Store) -> None:
    change = "ALTER TABLE audit ENABLE ALWAYS TRIGGER audit_update"
    assert fault_openly_after(written, change) is None

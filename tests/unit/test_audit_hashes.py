"""An entry's hash is over all that it says: no two entries share one."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from bot.core.audit import GENESIS, AuditEntry, checkpoint, hash_of, link

MAYBE = st.none() | st.text(max_size=8)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "purge_id": st.text(max_size=8),
    "at": st.datetimes(timezones=st.just(UTC)),
    "event": st.text(max_size=8),
    "team_id": MAYBE,
    "user_id": MAYBE,
    "channel_id": MAYBE,
    "policy_hash": MAYBE,
    "detail": st.dictionaries(st.text(max_size=4), st.text(max_size=8), max_size=3),
}
ENTRIES = st.builds(AuditEntry, **FIELDS)
HASHES = st.text("0123456789abcdef", min_size=64, max_size=64)


@given(ENTRIES, st.sampled_from(sorted(FIELDS)), st.data())
def test_any_change_of_any_field_changes_the_hash(
    entry: AuditEntry, name: str, data: st.DataObject
) -> None:
    values = {each: getattr(entry, each) for each in FIELDS}
    other = AuditEntry(**values | {name: data.draw(FIELDS[name])})
    assume(other != entry)
    assert hash_of(entry, 1, GENESIS) != hash_of(other, 1, GENESIS)


@given(ENTRIES, st.integers(1, 9), st.integers(1, 9), HASHES, HASHES)
def test_the_place_in_the_chain_is_in_the_hash(
    entry: AuditEntry, seq: int, other_seq: int, previous: str, other_previous: str
) -> None:
    same_place = (seq, previous) == (other_seq, other_previous)
    same_hash = hash_of(entry, seq, previous) == hash_of(entry, other_seq, other_previous)
    assert same_hash == same_place


@given(ENTRIES, st.integers(-23, 23))
def test_a_moment_is_the_same_in_every_time_zone(entry: AuditEntry, hours: int) -> None:
    values = {each: getattr(entry, each) for each in FIELDS}
    assume(datetime(2, 1, 1, tzinfo=UTC) < entry.at < datetime(9998, 1, 1, tzinfo=UTC))
    elsewhere = entry.at.astimezone(timezone(timedelta(hours=hours)))
    assert link(AuditEntry(**values | {"at": elsewhere})).hash == link(entry).hash


@given(st.lists(HASHES, max_size=4), st.lists(HASHES, max_size=4))
def test_a_checkpoint_tells_blocks_apart(block: list[str], other: list[str]) -> None:
    at = datetime(2026, 11, 2, tzinfo=UTC)
    same = checkpoint(at, 9, block, None).hash == checkpoint(at, 9, other, None).hash
    assert same == (block == other)


def test_the_hash_is_what_the_documented_rule_gives() -> None:
    """Whoever verifies an export with a program of their own goes by this."""
    at = datetime(2026, 11, 2, 9, 30, 0, 5, UTC)
    entry = AuditEntry("P1", at, "request", "T1", "U1", "C1", None, {"reason": "Größe"})
    said = (
        '{"at":"2026-11-02T09:30:00.000005+00:00","channel_id":"C1","detail":{"reason":"Größe"},'
        f'"event":"request","policy_hash":null,"previous":"{GENESIS}","purge_id":"P1","seq":1,'
        '"team_id":"T1","user_id":"U1"}'
    )
    assert hash_of(entry, 1, GENESIS) == hashlib.sha256(said.encode()).hexdigest()

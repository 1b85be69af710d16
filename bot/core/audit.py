"""The audit trail: one entry for each step, with who, what, when, which purge, and why.

The entries of one purge form a hash chain: each entry holds the hash of the entry before it, so a
changed, missing or moved entry breaks the chain.  There is one chain per purge, so that
transactions on different purges do not wait for each other.  Checkpoints cover all chains: each
checkpoint seals the entries since the checkpoint before it, in the order of their IDs.  So a
checkpoint shows when a whole chain, or the end of a chain, was removed.

    entries by ID         1 a    2 b    3 a  │  4 c    5 b    6 a  │  7 c …
    chain of purge a      1 ◄─────────── 3 ◄───────────────── 6
    checkpoints           ◄──────── up to 3 ◄───────────── up to 6

Pruning empties old entries.  A pruned entry keeps its place, its number and its hashes, so that
chains and checkpoints stay valid; the rest of its content is deleted.  The chain `retention`
records every pruning and the chain `checkpoints` every checkpoint, so a missing one is detected.
The row of an old purge may be removed; then the last entry of its chain says so.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

GENESIS = "0" * 64
"""What the first entry of a chain, and the first checkpoint, hold as the previous hash."""
START = (0, GENESIS)
PRUNED = "pruned"
"""The event of a pruned entry.  Its `at` is the cutoff time of the pruning."""
RETENTION = "retention"
"""The ID of the chain that records prunings, used in place of a purge's ID."""
REMOVED = "removed"
"""The event that records, in the chain of a purge, that its row was removed because of its age."""
CHECKPOINTS = "checkpoints"
"""The ID of the chain that records checkpoints.  The next checkpoint seals each of its entries."""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One entry of the audit trail, written in the same transaction as the change it records.

    `event`: `request`, an event of `core.purge.purge`, or the result of a press (`press-late` …).
    `user_id` is None if the bot itself acted.  `detail` holds no secret and no text of the vendor.
    """

    purge_id: str
    at: datetime
    event: str
    team_id: str | None = None
    user_id: str | None = None
    channel_id: str | None = None
    policy_hash: str | None = None
    detail: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Link:
    """An entry in its chain: its number (from 1), the hash before it, and its own hash."""

    entry: AuditEntry
    seq: int
    previous: str
    hash: str

    @property
    def end(self) -> tuple[int, str]:
        """The number and the hash that the next entry is linked to."""
        return self.seq, self.hash


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A seal over the `entries` entries after the previous checkpoint, up to the ID `upto_id`."""

    at: datetime
    upto_id: int
    entries: int
    previous: str
    hash: str


def link(entry: AuditEntry, end: tuple[int, str] = START) -> Link:
    """Return `entry` as the next link of a chain that ends with `end` (number, hash)."""
    seq, previous = end[0] + 1, end[1]
    return Link(entry, seq, previous, hash_of(entry, seq, previous))


def pruned(purge_id: str, before: datetime) -> AuditEntry:
    """Return what remains of an entry that a pruning with the cutoff time `before` empties."""
    return AuditEntry(purge_id, before, PRUNED)


def hash_of(entry: AuditEntry, seq: int, previous: str) -> str:
    """Return the SHA-256, in hex, of all fields of an entry, its number and the hash before it."""
    data = {name: getattr(entry, name) for name in AuditEntry.__slots__}
    return _sha256(data | {"at": exact_moment(entry.at), "seq": seq, "previous": previous})


def checkpoint(
    at: datetime, upto_id: int, hashes: Iterable[str], after: Checkpoint | None
) -> Checkpoint:
    """Seal the entries with these hashes, which are in the order of the entries' IDs."""
    block = hashlib.sha256()
    entries = 0
    for each in hashes:
        block.update(each.encode())
        entries += 1
    previous = after.hash if after else GENESIS
    sealed = {"previous": previous, "at": exact_moment(at), "upto_id": upto_id, "entries": entries}
    return Checkpoint(
        at, upto_id, entries, previous, _sha256(sealed | {"block": block.hexdigest()})
    )


def exact_moment(at: datetime) -> str:
    """Return a time in the form that is hashed and signed: ISO 8601, UTC, with microseconds."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _sha256(data: dict[str, Any]) -> str:
    text = json.dumps(data, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

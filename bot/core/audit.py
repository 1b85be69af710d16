"""What is written down about every step: who, what, when, which purge, and why.

The entries of one purge form a chain: each holds the hash of the one before it, so that a changed,
missing or moved entry breaks the chain.  Chains are per purge, so that writers of different purges
do not queue behind one another.  Checkpoints run over all chains: each seals the entries since the
one before it, in the order of their IDs, and so tells when a whole chain, or the end of one, was
taken away.

    entries by ID         1 a    2 b    3 a  │  4 c    5 b    6 a  │  7 c …
    chain of purge a      1 ◄─────────── 3 ◄───────────────── 6
    checkpoints           ◄──────── up to 3 ◄───────────── up to 6

Pruning empties old entries.  A pruned entry keeps its place, its number and its hashes, so that
chains and checkpoints hold; what it said is gone.  The chain `retention` tells of every pruning,
and the chain `checkpoints` of every checkpoint, so that a missing one is missed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

GENESIS = "0" * 64
"""What the first entry of a chain, and the first checkpoint, hold in place of a hash."""
START = (0, GENESIS)
PRUNED = "pruned"
"""The event of an entry that was emptied; its `at` is the moment before which all were."""
RETENTION = "retention"
"""The chain of the prunings, in place of a purge's ID."""
CHECKPOINTS = "checkpoints"
"""The chain of the checkpoints, likewise; it is sealed with what comes after it."""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One line of the audit trail; it is written in the same transaction as what it tells.

    `event`: `request`, an event of `core.purge.purge`, or what a press came to (`press-late` …).
    `user_id` is None where the bot itself acted.  `detail` holds no secret and no vendor text.
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
    """An entry in its chain: its number from 1 on, the hash before it, and its own."""

    entry: AuditEntry
    seq: int
    previous: str
    hash: str

    @property
    def end(self) -> tuple[int, str]:
        """What the next one is linked to: number and hash."""
        return self.seq, self.hash


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A seal over so many entries after the previous one, up to the ID `upto_id`."""

    at: datetime
    upto_id: int
    entries: int
    previous: str
    hash: str


def link(entry: AuditEntry, end: tuple[int, str] = START) -> Link:
    """Give the entry as the next one of the chain that ends so."""
    seq, previous = end[0] + 1, end[1]
    return Link(entry, seq, previous, hash_of(entry, seq, previous))


def pruned(purge_id: str, before: datetime) -> AuditEntry:
    """Give what is left of an entry when everything `before` a moment is emptied."""
    return AuditEntry(purge_id, before, PRUNED)


def hash_of(entry: AuditEntry, seq: int, previous: str) -> str:
    """Give the SHA-256, in hex, of everything that an entry says and of the hash before it."""
    data = {name: getattr(entry, name) for name in AuditEntry.__slots__}
    return _sha256(data | {"at": exact_moment(entry.at), "seq": seq, "previous": previous})


def checkpoint(
    at: datetime, upto_id: int, hashes: Iterable[str], after: Checkpoint | None
) -> Checkpoint:
    """Seal the entries with these hashes, in the order of their IDs."""
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
    """Give a moment as it is hashed and signed: in UTC, to the microsecond."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _sha256(data: dict[str, Any]) -> str:
    text = json.dumps(data, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

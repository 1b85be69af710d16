"""Is the audit trail as it was written?  `verify` names the first entry that is not.

    chains        each entry follows the one before it and says what its hash says
    lengths       each purge has an entry for every step that it took, and for none that it did not
    prunings      what is empty was emptied by a pruning that the trail tells of
    checkpoints   each block holds as many entries as were sealed, and the same

It cannot tell when somebody who can write to the database made the whole trail anew, checkpoints
and all; a checkpoint's hash that was kept elsewhere can.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace

from sqlalchemy import ColumnElement, Connection, Engine, case, func, or_, select

from bot.core.audit import (
    PRUNED,
    RETENTION,
    START,
    Checkpoint,
    Link,
    checkpoint,
    link,
    pruned,
)
from bot.core.purge import Event
from bot.store.audit_log import (
    PRUNE,
    RAW_CHECKPOINTS,
    RAW_LINKS,
    read_checkpoint,
    read_link,
    snapshot,
    stream,
)
from bot.store.tables import audit, checkpoints, purges

STEPS = ("request", *Event)
"""The events that change a purge: as many as its version says."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, and where: a purge's entry, or a checkpoint."""

    place: str
    wrong: str


@dataclass(slots=True)
class Verdict:
    """What was looked through; `fault` is the first thing that is wrong.

    `checkpoints` are those that hold, oldest first.
    """

    entries: int = 0
    chains: int = 0
    pruned: int = 0
    checkpoints: list[Checkpoint] = field(default_factory=list)
    fault: Fault | None = None


def verify(engine: Engine) -> Verdict:
    """Look through the whole trail as it is at one moment."""
    with snapshot(engine) as connection:
        return verify_on(connection)


def verify_on(connection: Connection) -> Verdict:
    """Look through the whole trail as this connection sees it."""
    check = _Check(connection)
    with closing(check.faults()) as faults:
        check.verdict.fault = next(faults, None)
    return check.verdict


class _Check:
    def __init__(self, connection: Connection) -> None:
        self.verdict = Verdict()
        self._connection = connection
        self._emptied: Counter[str] = Counter()
        self._first_emptied: dict[str, str] = {}
        self._told: Counter[str] = Counter()

    def faults(self) -> Generator[Fault, None, None]:
        yield from self._in_chains()
        yield from self._in_lengths()
        yield from self._in_prunings()
        yield from self._in_checkpoints()

    def _in_chains(self) -> Iterator[Fault]:
        chain, end = None, START
        rows_by_chain = RAW_LINKS.order_by(audit.c.purge_id, audit.c.seq)
        for row in stream(self._connection, rows_by_chain):
            if row.purge_id != chain:
                chain, end = row.purge_id, START
                self.verdict.chains += 1
            place = f"purge {chain}, entry {end[0] + 1}"
            try:
                found = read_link(row)
                wrong = _wrong_in(found, end)
            except (ValueError, TypeError):
                wrong = "was altered: it cannot be read"
            if wrong:
                yield Fault(place, wrong)
                return
            self._count(found, place)
            end = found.end

    def _count(self, found: Link, place: str) -> None:
        entry = found.entry
        self.verdict.entries += 1
        if entry.event == PRUNED:
            self.verdict.pruned += 1
            self._emptied[entry.at.isoformat()] += 1
            self._first_emptied.setdefault(entry.at.isoformat(), place)
        elif entry.purge_id == RETENTION and entry.event == PRUNE:
            self._told[entry.detail["before"]] += int(entry.detail["entries"])

    def _in_lengths(self) -> Iterator[Fault]:
        """The steps of a purge are its version; an emptied entry may have been one or not."""
        chains = (
            select(
                audit.c.purge_id,
                func.count().label("entries"),
                _number_where(audit.c.event.in_(STEPS)).label("steps"),
                _number_where(audit.c.event == PRUNED).label("emptied"),
            )
            .group_by(audit.c.purge_id)
            .subquery()
        )
        entries, steps, emptied = (
            func.coalesce(chains.c[name], 0) for name in ("entries", "steps", "emptied")
        )
        odd = (
            select(purges.c.id, purges.c.version, entries.label("entries"), steps.label("steps"))
            .outerjoin_from(purges, chains, chains.c.purge_id == purges.c.id)
            .where(or_(steps > purges.c.version, steps + emptied < purges.c.version))
            .order_by(purges.c.id)
            .limit(1)
        )
        for row in self._connection.execute(odd):
            if row.steps > row.version:
                yield Fault(f"purge {row.id}", "has an entry for a step that it never took")
            else:
                yield Fault(f"purge {row.id}, entry {row.entries + 1}", "is missing")

    def _in_prunings(self) -> Iterator[Fault]:
        moments = self._emptied | self._told
        for before in sorted(moments, key=lambda each: (bool(self._told[each]), each)):
            there, told = self._emptied[before], self._told[before]
            if not told:
                yield Fault(self._first_emptied[before], "was emptied, and not by a pruning")
            elif there != told:
                wrong = f"emptied {told} entries, and {there} are empty"
                yield Fault(f"the pruning before {before}", wrong)

    def _in_checkpoints(self) -> Iterator[Fault]:
        last: Checkpoint | None = None
        by_id = RAW_CHECKPOINTS.order_by(checkpoints.c.id)
        for row in self._connection.execute(by_id).all():
            first_id = last.upto_id + 1 if last else 1
            block = select(audit.c.hash).where(audit.c.id.between(first_id, row.upto_id))
            hashes = (each.hash for each in stream(self._connection, block.order_by(audit.c.id)))
            try:
                found = read_checkpoint(row)
                wrong = _unlike(found, checkpoint(found.at, found.upto_id, hashes, last))
            except (ValueError, TypeError):
                wrong = "was altered: it cannot be read"
            if wrong:
                yield Fault(f"checkpoint {row.id}, entries {first_id} to {row.upto_id}", wrong)
                return
            last = found
            self.verdict.checkpoints.append(found)


def _wrong_in(found: Link, end: tuple[int, str]) -> str | None:
    """Say what is wrong in an entry that should be the next after the end of its chain."""
    expected = link(found.entry, end)
    if found.seq > expected.seq:
        return "is missing"
    if found.entry.event == PRUNED:  # what it said cannot be hashed again
        whole = found.entry == pruned(found.entry.purge_id, found.entry.at)
        expected = replace(expected, hash=found.hash if whole else "")
    return None if found == expected else "was altered"


def _unlike(found: Checkpoint, made: Checkpoint) -> str | None:
    """Say how a checkpoint differs from the one made again from what is there."""
    if found.previous != made.previous:
        return "does not follow the one before it: one is missing, or was altered"
    if found.entries != made.entries:
        return f"sealed {found.entries} entries, and {made.entries} are there"
    return None if found == made else "was altered, or one of its entries was exchanged"


def _number_where(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((condition, 1), else_=0))

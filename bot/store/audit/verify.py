"""Verify that the audit trail is unaltered and that each purge agrees with it.

`verify` reports the first finding of these checks:

    chains        each entry follows the one before it, and its hash fits its content
    purges        each row agrees with its chain (bot/core/purge/trail.py); each row has a chain, and
                  each chain of a purge has a row, or records that it was removed after its end
    prunings      each empty entry was emptied by a pruning that the trail records
    checkpoints   each block has the number of entries that was sealed, with the same hash; each
                  checkpoint that the trail records exists
    triggers      the database still refuses changes to the audit trail

It does not detect that somebody with write access replaced everything: rows, trail and checkpoints.
The hash of a checkpoint that was kept elsewhere reveals that.  It does not detect that entries
which no checkpoint seals were deleted together with the row of their purge, either.  It compares
only the fields of a row that the entries contain: not when the purge expires or is sent, nor the
role in which somebody approved.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    Connection,
    Engine,
    Integer,
    Row,
    Text,
    and_,
    cast,
    exists,
    select,
    text,
    type_coerce,
)

from bot.core.audit import CHECKPOINTS, PRUNED, RETENTION, Checkpoint, Link, checkpoint
from bot.core.purge.trail import Misfit, RecordedApproval, RecordedPurge, Trail
from bot.store.audit.log import (
    CHECKPOINT,
    PRUNE,
    RAW_CHECKPOINTS,
    RAW_LINKS,
    read_checkpoint,
    read_link,
    snapshot,
    stream,
)
from bot.store.schema.mapping import column_of
from bot.store.schema.tables import audit, checkpoints, purges

UNREADABLE = "was altered: it cannot be read"
# The row of a purge is joined to the first entry of its chain.  So one ordered stream is enough,
# and only one chain at a time is in memory.  The values are raw, because an altered row may contain
# anything.
_WITH_ROWS = (
    RAW_LINKS.add_columns(
        purges.c.id.label("row_id"),
        purges.c.user_id.label("row_user_id"),
        purges.c.domain.label("row_domain"),
        cast(purges.c.tags, Text).label("row_tags"),
        type_coerce(purges.c.force, Integer).label("row_force"),
        type_coerce(purges.c.break_glass, Integer).label("row_break_glass"),
        purges.c.state.label("row_state"),
        purges.c.version.label("row_version"),
        cast(purges.c[column_of("approvals")], Text).label("row_yeses"),
        purges.c.decided_by.label("row_decided_by"),
    )
    .outerjoin_from(audit, purges, and_(purges.c.id == audit.c.purge_id, audit.c.seq == 1))
    .order_by(audit.c.purge_id, audit.c.seq)
)
_WITHOUT_TRAIL = (
    select(purges.c.id)
    .where(~exists().where(audit.c.purge_id == purges.c.id))
    .order_by(purges.c.id)
    .limit(1)
)
_REFUSAL = "'the audit is append-only'"
_ON_SQLITE = (
    "audit_delete",
    "audit_replace",
    "audit_update",
    "checkpoints_delete",
    "checkpoints_replace",
    "checkpoints_update",
)
_ON_POSTGRESQL = ("audit_delete", "audit_update", "checkpoints_change")

_SQLITE = text(
    "SELECT name, 1 AS is_on, instr(sql, :refuses) > 0 AS refuses FROM sqlite_master"
    " WHERE type = 'trigger' AND tbl_name IN ('audit', 'checkpoints')"
)
# An enabled trigger fires unless session_replication_role is replica (O), or always (A).
# https://www.postgresql.org/docs/current/catalog-pg-trigger.html
_POSTGRESQL = text(
    "SELECT tgname AS name, tgenabled IN ('O', 'A') AS is_on,"
    " position(:refuses IN prosrc) > 0 AS refuses"
    " FROM pg_trigger JOIN pg_proc ON pg_proc.oid = tgfoid"
    " WHERE tgrelid IN (to_regclass('audit'), to_regclass('checkpoints')) AND NOT tgisinternal"
)


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong, and the place: a purge, its entry, a checkpoint or a trigger."""

    place: str
    wrong: str


@dataclass(slots=True)
class Verdict:
    """The result of a verification.  `finding` is the first thing that is wrong.

    The numbers are what was verified.  `checkpoints` are the valid ones, oldest first.
    """

    entries: int = 0
    chains: int = 0
    purges: int = 0
    pruned: int = 0
    checkpoints: list[Checkpoint] = field(default_factory=list)
    finding: Finding | None = None


def verify(engine: Engine) -> Verdict:
    """Verify the whole trail and all purges in one snapshot of the database."""
    with snapshot(engine) as connection:
        return verify_on(connection)


def verify_on(connection: Connection) -> Verdict:
    """Verify the whole trail and all purges as this connection sees them."""
    check = _Check(connection)
    with closing(check.findings()) as findings:
        check.verdict.finding = next(findings, None)
    return check.verdict


class _Check:
    def __init__(self, connection: Connection) -> None:
        self.verdict = Verdict()
        self._connection = connection
        self._emptied: Counter[str] = Counter()
        self._first_emptied: dict[str, str] = {}
        self._told: Counter[str] = Counter()
        self._told_checkpoints: dict[str, str] = {}

    def findings(self) -> Generator[Finding, None, None]:
        yield from self._in_chains()
        yield from self._in_purges_without_trail()
        yield from self._in_prunings()
        yield from self._in_checkpoints()
        yield from self._in_told_checkpoints()
        for name, wrong in _findings_in_triggers(self._connection):
            yield Finding(f"trigger {name}", wrong)

    def _in_chains(self) -> Iterator[Finding]:
        """Yield the first finding in the chains.  Later entries of that chain would be wrong, too."""
        trail = Trail("")
        row = None
        for found in stream(self._connection, _WITH_ROWS):
            if row is None or found.purge_id != row.purge_id:
                if finding := self._at_end(trail, row):
                    yield finding
                    return
                row, trail = found, Trail(found.purge_id)
                self.verdict.chains += 1
            if misfit := self._in_entry(trail, found):
                yield _finding(found.purge_id, misfit)
                return
        if finding := self._at_end(trail, row):
            yield finding

    def _in_entry(self, trail: Trail, row: Row[Any]) -> Misfit | None:
        number = trail.next_number
        try:
            found = read_link(row)
            misfit = trail.take(found)
            if misfit is None:
                self._count(found)
        except (ValueError, TypeError, KeyError):
            return Misfit(UNREADABLE, number)
        return misfit

    def _at_end(self, trail: Trail, row: Row[Any] | None) -> Finding | None:
        """Compare a whole chain with the row of its purge, joined to the chain's first entry."""
        if row is None:
            return None
        if row.row_id is None:
            gone = trail.misfit_without_row()
            return _finding(row.purge_id, gone) if gone else None
        self.verdict.purges += 1
        try:
            misfit = trail.misfit(_read_standing(row))
        except (ValueError, TypeError, KeyError, AttributeError):
            misfit = Misfit("has a row that was altered: it cannot be read")
        return _finding(row.purge_id, misfit) if misfit else None

    def _count(self, found: Link) -> None:
        entry = found.entry
        place = f"purge {entry.purge_id}, entry {found.seq}"
        self.verdict.entries += 1
        if entry.event == PRUNED:
            self.verdict.pruned += 1
            self._emptied[entry.at.isoformat()] += 1
            self._first_emptied.setdefault(entry.at.isoformat(), place)
        elif entry.purge_id == RETENTION and entry.event == PRUNE:
            self._told[entry.detail["before"]] += int(entry.detail["entries"])
        elif entry.purge_id == CHECKPOINTS and entry.event == CHECKPOINT:
            self._told_checkpoints[entry.detail["hash"]] = entry.detail["upto_id"]

    def _in_purges_without_trail(self) -> Iterator[Finding]:
        for row in self._connection.execute(_WITHOUT_TRAIL):
            yield _finding(row.id, Misfit("is missing", 1))

    def _in_prunings(self) -> Iterator[Finding]:
        moments = self._emptied | self._told
        for before in sorted(moments, key=lambda each: (bool(self._told[each]), each)):
            there, told = self._emptied[before], self._told[before]
            if not told:
                yield Finding(self._first_emptied[before], "was emptied, and not by a pruning")
            elif there != told:
                wrong = f"emptied {told} entries, and {there} are empty"
                yield Finding(f"the pruning before {before}", wrong)

    def _in_checkpoints(self) -> Iterator[Finding]:
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
                wrong = UNREADABLE
            if wrong:
                yield Finding(f"checkpoint {row.id}, entries {first_id} to {row.upto_id}", wrong)
                return
            last = found
            self.verdict.checkpoints.append(found)

    def _in_told_checkpoints(self) -> Iterator[Finding]:
        """Yield the checkpoints that the trail records but that do not exist.

        Older releases did not record checkpoints, or pruned the entries that record them.  Such
        checkpoints are not compared.
        """
        there = {each.hash for each in self.verdict.checkpoints}
        for told, upto_id in self._told_checkpoints.items():
            if told not in there:
                yield Finding(f"the checkpoint up to entry {upto_id}", "is missing, or was altered")


def _finding(purge_id: str, misfit: Misfit) -> Finding:
    entry = "" if misfit.entry is None else f", entry {misfit.entry}"
    return Finding(f"purge {purge_id}{entry}", misfit.wrong)


def _read_standing(row: Row[Any]) -> RecordedPurge:
    """Parse the row of a purge that is joined to its chain.

    Raises: ValueError, TypeError or KeyError if it was made unreadable.
    """
    return RecordedPurge(
        id=row.row_id,
        user_id=row.row_user_id,
        domain=row.row_domain,
        tags=tuple(json.loads(row.row_tags)),
        force=_truth(row.row_force),
        break_glass=_truth(row.row_break_glass),
        state=row.row_state,
        version=row.row_version,
        approvals=tuple(RecordedApproval(each["user_id"]) for each in json.loads(row.row_yeses)),
        decided_by=row.row_decided_by,
    )


def _truth(value: object) -> bool:
    if value not in {0, 1}:
        raise ValueError(value)
    return bool(value)


def _unlike(found: Checkpoint, made: Checkpoint) -> str | None:
    """Return how a stored checkpoint differs from the one computed from its entries, or None."""
    if found.previous != made.previous:
        return "does not follow the one before it: one is missing, or was altered"
    if found.entries != made.entries:
        return f"sealed {found.entries} entries, and {made.entries} are there"
    return None if found == made else "was altered, or one of its entries was exchanged"


def _findings_in_triggers(connection: Connection) -> Iterator[tuple[str, str]]:
    """Yield the name of each trigger that does not refuse changes, and the reason.

    The owner of the database can drop a trigger, or replace it by one that does nothing.  So each
    is checked: it exists, is enabled, and its body refuses.  The condition of the refusal is not
    checked.
    """
    sqlite = connection.dialect.name == "sqlite"
    question, names = (_SQLITE, _ON_SQLITE) if sqlite else (_POSTGRESQL, _ON_POSTGRESQL)
    refuses = f"RAISE(ABORT, {_REFUSAL})" if sqlite else f"RAISE EXCEPTION {_REFUSAL}"
    found = {row.name: row for row in connection.execute(question, {"refuses": refuses})}
    for name in names:
        row = found.get(name)
        if row is None:
            yield name, "is missing, so that the audit could be changed"
        elif not row.is_on:
            yield name, "is disabled, so that the audit could be changed"
        elif not row.refuses:
            yield name, "was altered, so that the audit could be changed"

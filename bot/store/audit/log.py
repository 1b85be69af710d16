"""The stored audit trail: append, seal, prune and read.

An entry is appended in the transaction of the change that it records.  bot/core/audit.py describes
entries, chains and checkpoints.  Triggers of the database refuse to change or delete an entry.  The
only change that they accept is the pruning of an entry, which empties it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import (
    Connection,
    Engine,
    Row,
    Select,
    String,
    Text,
    bindparam,
    cast,
    exists,
    func,
    insert,
    literal,
    literal_column,
    select,
    text,
    type_coerce,
    update,
)

from bot.core.audit import (
    CHECKPOINTS,
    PRUNED,
    RETENTION,
    START,
    AuditEntry,
    Checkpoint,
    Link,
    checkpoint,
    link,
    pruned,
)
from bot.store.database.engine import Database, insert_if_new
from bot.store.database.statements import Prepared
from bot.store.recent import Recent
from bot.store.schema import mapping as rows
from bot.store.schema.tables import audit, checkpoints, purges

log = structlog.get_logger("purgebot.audit")

PRUNE = "prune"
"""The event that records a pruning.  `detail` has the time limit and the number of entries."""
CHECKPOINT = "checkpoint"
"""The event that records a checkpoint.  `detail` has its hash and the last ID that it seals."""
BATCH = 2_000
"""How many entries are pruned or sealed at once.  It takes a fraction of the timeout of a write."""
_CHAINS = 7_821_002
"""The first key of the advisory locks under which writers of one chain take turns."""

_APPEND = Prepared(insert(audit).inline())
_TAKE_TURNS = Prepared(
    select(
        func.pg_advisory_xact_lock(
            literal_column(str(_CHAINS)), func.hashtext(bindparam("chain", type_=String))
        ).label("turn")
    )
)
_END = Prepared(
    select(audit.c.seq, audit.c.hash)
    .where(audit.c.purge_id == bindparam("chain"))
    .order_by(audit.c.seq.desc())
    .limit(1)
)

RAW_LINKS = select(
    audit.c.id,
    *(audit.c[name] for name in AuditEntry.__slots__ if name not in {"at", "detail"}),
    # Raw values: an entry that was tampered with may have an invalid timestamp or invalid JSON.
    type_coerce(audit.c.at, String).label("at"),
    cast(audit.c.detail, Text).label("detail"),
    audit.c.seq,
    audit.c.previous,
    audit.c.hash,
)
_CHAIN = Prepared(RAW_LINKS.where(audit.c.purge_id == bindparam("chain")).order_by(audit.c.seq))
RAW_CHECKPOINTS = select(
    checkpoints.c.id,
    type_coerce(checkpoints.c.at, String).label("at"),
    *(checkpoints.c[name] for name in Checkpoint.__slots__ if name != "at"),
)


class AuditLog:
    """The audit trail of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._ends: Recent[tuple[int, str]] = Recent()

    def append(
        self,
        connection: Connection,
        entries: Sequence[AuditEntry],
        begins: str | None = None,
        *,
        remembered: bool = False,
    ) -> dict[str, tuple[int, str]]:
        """Append entries to their chains, in the caller's transaction.  Return the new ends.

        Only writers of the same chain wait for each other.  `begins` is the ID of a purge that this
        transaction inserts: its chain is empty, so its end is not queried.  With `remembered`, the
        end of a chain may be one that was passed to `remember`; if another process has extended the
        chain since, the transaction fails because of the unique index, and has to be repeated
        without `remembered`.
        """
        ends = {} if begins is None else {begins: START}
        found = []
        for entry in entries:
            chain = entry.purge_id
            if chain not in ends:
                known = self._ends.pop(chain, None) if remembered else None
                ends[chain] = self._take_end(connection, chain, known)
            linked = link(entry, ends[chain])
            ends[chain] = linked.end
            found.append(rows.link_to_row(linked))
        if found:
            _APPEND.run_many(connection, found)
        return ends

    def remember(self, ends: Mapping[str, tuple[int, str]]) -> None:
        """Remember the ends of chains that `append` returned, after the commit."""
        for chain, end in ends.items():
            self._ends.keep(chain, max(end, self._ends.get(chain, START)))

    def _take_end(
        self, connection: Connection, purge_id: str, known: tuple[int, str] | None = None
    ) -> tuple[int, str]:
        """Lock a chain until the transaction ends.  Return the number and hash of its last entry."""
        if not self._database.is_sqlite:  # SQLite has one writer at a time
            _TAKE_TURNS.start(connection, {"chain": purge_id})
        if known is not None:
            return known
        for last in _END.rows(connection, {"chain": purge_id}):
            return last.seq, last.hash
        return START

    def take_turn(self, connection: Connection, chain: str) -> None:
        """Wait for other writers of a chain, and hold it until the transaction ends."""
        self._take_end(connection, chain)

    # Maintenance

    def keep(self, now: datetime, retention_days: int | None) -> None:
        """Prune entries older than `retention_days` whole days (None: never), and seal new entries.

        Raises: StoreUnavailable.  The next call continues.
        """
        if retention_days is not None:
            midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
            while emptied := self.prune(midnight - timedelta(days=retention_days), now):
                log.info("audit-pruned", entries=emptied)
        while made := self.seal(now):
            log.info("audit-checkpoint", upto=made.upto_id, entries=made.entries, hash=made.hash)

    def prune(self, before: datetime, now: datetime) -> int:
        """Empty up to BATCH entries older than `before`.  Return how many were emptied.

        Entries of purges that have not ended are kept, and so are the chains that record prunings
        and checkpoints.  Raises: StoreUnavailable.
        """
        old = audit.alias("old")
        unsettled = exists().where(purges.c.id == old.c.purge_id, purges.c.settled_at.is_(None))
        ids = (
            select(old.c.id)
            .where(
                old.c.at < before,
                # A literal, not a bind parameter: otherwise the partial index is not used.
                old.c.event != literal(PRUNED, literal_execute=True),
                old.c.purge_id.not_in([RETENTION, CHECKPOINTS]),
                ~unsettled,
            )
            .limit(BATCH)
        )
        left = asdict(pruned("", before))
        del left["purge_id"]

        def job(connection: Connection) -> int:
            self._take_end(connection, RETENTION)  # only one replica prunes at a time
            count = connection.execute(
                update(audit).where(audit.c.id.in_(ids)).values(left)
            ).rowcount
            if count:
                detail = {"before": before.isoformat(), "entries": str(count)}
                self.append(connection, [AuditEntry(RETENTION, now, PRUNE, detail=detail)])
            return count

        return self._database.write(job)

    def seal(self, now: datetime) -> Checkpoint | None:
        """Save the next checkpoint.  Return None if nothing is new or another replica was first.

        An entry records the checkpoint.  The next checkpoint seals that entry, but the entry alone
        does not count as new: otherwise there would always be something to seal.
        Raises: StoreUnavailable.
        """
        last = self.newest_checkpoint()
        sealed = last.upto_id if last else 0
        newer = select(audit.c.id, audit.c.hash).where(audit.c.id > sealed)
        of_purges = newer.where(audit.c.purge_id != CHECKPOINTS).limit(1)
        if self._database.read(of_purges).first() is None:
            return None
        upto_id = self._database.write(self._last_id)
        block = self._database.read(
            newer.where(audit.c.id <= upto_id).order_by(audit.c.id).limit(BATCH)
        ).all()
        made = checkpoint(now, block[-1].id, (row.hash for row in block), last)
        statement = insert_if_new(self._database.engine.dialect.name, checkpoints)
        kept = statement.values(asdict(made)).returning(checkpoints.c.id)
        detail = {"hash": made.hash, "upto_id": str(made.upto_id)}

        def job(connection: Connection) -> bool:
            first = connection.execute(kept).first() is not None
            if first:
                entry = AuditEntry(CHECKPOINTS, now, CHECKPOINT, detail=detail)
                self.append(connection, [entry])
            return first

        return made if self._database.write(job) else None

    def _last_id(self, connection: Connection) -> int:
        """Return the last ID, below which no more entries can appear.

        PostgreSQL assigns IDs before the commit, and transactions commit in any order.  So the
        table is locked for this query, until no transaction that has written to it is open.
        """
        if not self._database.is_sqlite:
            connection.execute(text("SET LOCAL lock_timeout = 500"))
            connection.execute(text("LOCK TABLE audit IN SHARE MODE"))
        found: int = connection.execute(select(func.max(audit.c.id))).scalar_one()
        return found

    def newest_checkpoint(self) -> Checkpoint | None:
        found = self._database.read(
            RAW_CHECKPOINTS.order_by(checkpoints.c.id.desc()).limit(1)
        ).first()
        return read_checkpoint(found) if found else None

    # Reading

    def chain(self, purge_id: str) -> list[Link]:
        """Return the entries of one purge, in order.

        Raises: StoreUnavailable; ValueError or TypeError if an entry was made unreadable.
        """
        return [read_link(row) for row in self._database.rows(_CHAIN, chain=purge_id)]

    def read_all(self, since: datetime | None = None) -> Iterator[tuple[int, Link]]:
        """Yield each entry with its ID, in the order of the IDs; with `since`, only newer entries.

        Raises: ValueError or TypeError if an entry was made unreadable.
        """
        entries = RAW_LINKS.order_by(audit.c.id)
        if since is not None:
            entries = entries.where(audit.c.at >= since)
        with snapshot(self._database.engine) as connection:
            for row in stream(connection, entries):
                yield row.id, read_link(row)


@contextmanager
def snapshot(engine: Engine) -> Iterator[Connection]:
    """Open a connection that reads one snapshot of the database.  It has no timeouts."""
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
            from bot.store.database.postgresql import lift_limits

            lift_limits(connection)
        yield connection


def stream(connection: Connection, question: Select[Any]) -> Iterator[Row[Any]]:
    """Yield the rows of a result without holding all of them in memory."""
    with connection.execute(question, execution_options={"yield_per": 1000}) as answer:
        yield from answer


def read_link(row: Row[Any]) -> Link:
    """Parse a row of RAW_LINKS.  Raises: ValueError or TypeError if it was made unreadable."""
    values = {name: getattr(row, name) for name in AuditEntry.__slots__}
    values |= {"at": _moment(row.at), "detail": json.loads(row.detail)}
    return Link(AuditEntry(**values), row.seq, row.previous, row.hash)


def read_checkpoint(row: Row[Any]) -> Checkpoint:
    """Parse a row of RAW_CHECKPOINTS.  Raises: ValueError or TypeError if it was made unreadable."""
    return Checkpoint(_moment(row.at), row.upto_id, row.entries, row.previous, row.hash)


def _moment(raw: Any) -> datetime:
    """Convert a raw timestamp to UTC.  SQLite returns text without a time zone, which is UTC."""
    moment = raw if isinstance(raw, datetime) else datetime.fromisoformat(raw)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)

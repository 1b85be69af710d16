"""The database: how it is opened, and read.  bot/store/database/writers.py writes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import CompoundSelect, Select, Table, Update, make_url
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.sqlite import insert as insert_into_sqlite
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from bot.core.errors import STORE_AWAY, BotError, ErrorInfo
from bot.core.setup_errors import DATABASE_AWAY, DATABASE_LOCKED, DATABASE_NOT_WRITABLE
from bot.store.database import sqlite
from bot.store.database.kept import NEVER, Kept, is_lost
from bot.store.database.outage import Outage
from bot.store.database.statements import Prepared
from bot.store.database.writers import DirectWriter, GroupWriter, Job, StoreUnavailable

if TYPE_CHECKING:
    from bot.store.database.postgresql import Sessions

T = TypeVar("T")
Values = Mapping[str, Any] | Sequence[Mapping[str, Any]] | None

BUSY_TIMEOUT_S = 1.5
"""The timeout for a lock (SQLite) or a statement (PostgreSQL), in seconds.

It is less than the 3 s in which Slack expects an answer.
"""
IDLE_TIMEOUT_S = 5.0
"""How long a transaction of PostgreSQL may be idle, in seconds.

A process that is paused or cut off during a transaction keeps its locks, and all other replicas
wait for the lock of a rate or of a chain.
"""


class Database:
    """One database: runs queries, and writes in the way that fits the kind of database.

    With `writes=False` a hot standby is accepted.
    """

    def __init__(self, url: str, *, writes: bool = True) -> None:
        self.is_sqlite = make_url(url).get_backend_name() == "sqlite"
        self._sessions: Sessions | None = None
        self._writer: DirectWriter | GroupWriter
        if self.is_sqlite:
            self.engine = sqlite.open_engine(url, BUSY_TIMEOUT_S)
            self._writer = GroupWriter(self.engine)
        else:
            from bot.store.database.postgresql import Sessions  # importing psycopg takes long

            limits = (
                ("statement_timeout", str(int(BUSY_TIMEOUT_S * 1000))),
                ("idle_in_transaction_session_timeout", str(int(IDLE_TIMEOUT_S * 1000))),
            )
            self._sessions = Sessions(url, limits, writes=writes)
            self.engine = self._sessions.engine
            self._writer = DirectWriter(self._sessions)
        # Not AUTOCOMMIT for SQLite: SQLAlchemy would set the driver's isolation level, which
        # sqlite._prepare sets.
        self._without_transaction = self.engine.execution_options(
            **({"begun": True} if self.is_sqlite else {"isolation_level": "AUTOCOMMIT"})
        )
        self._not_unique: type[Exception] = self.engine.dialect.loaded_dbapi.IntegrityError
        self._readers = Kept(self._without_transaction, looks=not self.is_sqlite)
        self.is_full = False
        """Whether a write failed because the disk was full, and no probe has succeeded since."""
        self.outage = Outage()

    def write(
        self, job: Job[T], *, in_place: bool = False, pipelined: bool = False, tries: int = 1
    ) -> T:
        """Run `job` in a transaction and return its result after the commit.

        With `in_place`, the caller's thread may commit to SQLite if no other write waits; then it
        waits for the disk as long as that takes.  `pipelined`: on PostgreSQL, the job runs in a
        pipeline (`statements.pipelined`).  `job` may be run again after a rollback, so it
        must change nothing but the database.  A transaction that fails because of a unique
        constraint is tried `tries` times.
        Raises: StoreUnavailable; any exception of the job, after the transaction was rolled back.
        """
        while True:
            try:
                return self._writer.run(job, in_place=in_place, pipelined=pipelined)
            except StoreUnavailable as error:
                original = _original(error.__cause__)
                self.is_full |= _is_full(original)
                tries -= 1
                if not tries or not isinstance(original, self._not_unique):
                    self.outage.begins(info_of(error.__cause__))
                    raise

    def execute(self, statement: Update, values: Values = None) -> int:
        """Run one statement in a transaction.  Return how many rows it changed.

        Raises: StoreUnavailable.
        """
        return self.write(lambda connection: connection.execute(statement, values).rowcount)

    def read(self, question: Select[Any] | CompoundSelect[Any], **values: Any) -> Any:
        """Run a query with `values` as its bind parameters.  Return the buffered result.

        Raises: StoreUnavailable.
        """
        # A single query sees a consistent state without a transaction, and a transaction costs two
        # more round trips to the server.  It is needed only behind a connection pooler, where the
        # settings are made per transaction.  SQLite has no round trips, so it keeps the
        # transaction.
        is_enough = self.is_direct and not self.is_sqlite
        engine = self._without_transaction if is_enough else self.engine
        try:
            with engine.connect() as connection:
                return connection.execute(question, values).freeze()()
        except SQLAlchemyError as error:
            self.outage.begins(info_of(error))
            raise StoreUnavailable(STORE_AWAY) from error

    def rows(self, question: Prepared, **values: Any) -> list[Any]:
        """Run a prepared query, which is faster than `read`.  Return its rows.

        Raises: StoreUnavailable.
        """
        while True:
            until = NEVER
            try:
                if self.is_direct:
                    with self._readers.connection() as (connection, until):
                        return question.rows(connection, values)
                with self.engine.begin() as connection:
                    return question.rows(connection, values)
            except SQLAlchemyError as error:
                if is_lost(error, until):
                    continue
                self.outage.begins(info_of(error))
                raise StoreUnavailable(STORE_AWAY) from error

    @property
    def is_direct(self) -> bool:
        """Whether the settings hold for whole sessions, as they do without a connection pooler."""
        return self._sessions is None or self._sessions.is_direct

    def close(self) -> None:
        self._writer.close()
        self._readers.close()
        self.engine.dispose()


@contextlib.contextmanager
def or_away() -> Iterator[None]:
    """Convert errors of the database in this block to errors for operators.

    Raises: BotError (`database-away`, `database-not-writable`, `database-options`).
    """
    try:
        yield
    except (DBAPIError, PoolTimeout) as error:
        info = info_of(error)
        raise BotError(info.kind, **info.facts) from None


def info_of(error: BaseException | None) -> ErrorInfo:
    """Return the error for operators that corresponds to an error of the database or its driver."""
    original = _original(error)
    if isinstance(info := getattr(original, "info", None), ErrorInfo):
        return info
    if _sqlstate(original) == "25006" or sqlite.is_read_only(original):
        return ErrorInfo(DATABASE_NOT_WRITABLE, {"cause": "it is read-only"})
    if _is_full(original):
        return ErrorInfo(
            DATABASE_NOT_WRITABLE, {"cause": "its disk is full, or cannot be written to"}
        )
    if sqlite.is_locked(original):
        return ErrorInfo(DATABASE_LOCKED)
    return ErrorInfo(
        DATABASE_AWAY, {"cause": str(original or "no answer in time").partition("\n")[0]}
    )


def _is_full(error: BaseException | None) -> bool:
    return _sqlstate(error) == "53100" or sqlite.is_full(error)


def _sqlstate(error: BaseException | None) -> str | None:
    return getattr(error, "sqlstate", None)


def _original(error: BaseException | None) -> BaseException | None:
    """Return the driver's error that SQLAlchemy wrapped, or the error itself."""
    return error.orig if isinstance(error, DBAPIError) else error


def insert_if_new(dialect: str, table: Table, *unique: str) -> Any:
    """Return an INSERT that does nothing if the row exists.

    `unique` are the columns of the constraint to check; without them, all constraints are checked.
    """
    insert = insert_into_sqlite(table) if dialect == "sqlite" else postgresql.insert(table)
    return insert.on_conflict_do_nothing(index_elements=unique or None)


def prepared_if_new(table: Table, *unique: str) -> Mapping[str, Prepared]:
    """Return `insert_if_new` as a prepared statement, by the name of the dialect."""
    return {
        name: Prepared(insert_if_new(name, table, *unique)) for name in ("sqlite", "postgresql")
    }

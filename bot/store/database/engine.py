"""How the database is opened and written to.

PostgreSQL: every write is a transaction of its own, on the caller's thread.
SQLite: one thread writes for all and commits what several callers hand it at once ("group
commit"): each caller waits for its own result, and one flush to disk serves them all.
"""

from __future__ import annotations

import contextlib
import queue
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, Future, InvalidStateError
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import CompoundSelect, Connection, Engine, Select, Table, Update, make_url
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.sqlite import insert as insert_into_sqlite
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from bot.core.errors import STORE_AWAY, STORE_SLOW, BotError, ErrorInfo
from bot.core.setup_errors import DATABASE_AWAY, DATABASE_NOT_WRITABLE
from bot.store.database import sqlite
from bot.store.database.statements import Prepared

if TYPE_CHECKING:
    from bot.store.database.postgresql import Sessions

T = TypeVar("T")
Job = Callable[[Connection], T]
Values = Mapping[str, Any] | Sequence[Mapping[str, Any]] | None

BUSY_TIMEOUT_S = 1.5
"""How long a database waits for others' locks: less than Slack's 3 s, with room to answer."""
WRITE_TIMEOUT_S = 2.0
"""How long a caller waits for its write: Slack gives a listener 3 s in all."""
GROUP_SIZE = 64
READERS = 8
"""How many connections to SQLite are kept at hand for reading."""
IDLE_TIMEOUT_S = 5.0
"""How long PostgreSQL lets a transaction rest.  Whoever was paused or cut off in the middle of one
holds its locks, and on those of a rate or a chain all other replicas wait."""


class StoreUnavailable(BotError):
    """The database did not take the write; with kind `store-slow` it may have, or still do so."""


class Database:
    """One database: answers questions, and takes writes the one way that fits it.

    Where nothing is to be written (`writes=False`) a hot standby will do.
    """

    def __init__(self, url: str, *, writes: bool = True) -> None:
        self.is_sqlite = make_url(url).get_backend_name() == "sqlite"
        self._sessions: Sessions | None = None
        self._writer: DirectWriter | GroupWriter
        if self.is_sqlite:
            self.engine = sqlite.open_engine(url, BUSY_TIMEOUT_S)
            self._writer = GroupWriter(self.engine)
        else:
            from bot.store.database.postgresql import Sessions  # its driver takes long to import

            limits = (
                ("statement_timeout", str(int(BUSY_TIMEOUT_S * 1000))),
                ("idle_in_transaction_session_timeout", str(int(IDLE_TIMEOUT_S * 1000))),
            )
            self._sessions = Sessions(url, limits, writes=writes)
            self.engine = self._sessions.engine
            self._writer = DirectWriter(self.engine)
        # SQLite's driver would take over from us in its own autocommit mode.
        self._without_transaction = self.engine.execution_options(
            **({"begun": True} if self.is_sqlite else {"isolation_level": "AUTOCOMMIT"})
        )
        self._readers: deque[Connection] = deque()
        self._shared: ContextVar[_SharedSession | None] = ContextVar("shared", default=None)
        self.is_full = False
        """Whether a write failed for want of room, and none has shown since that there is some."""

    def write(self, job: Job[T]) -> T:
        """Run `job` in a transaction and give its result when that is on disk.

        Raises: StoreUnavailable, and whatever the job raises, which undoes it.
        """
        try:
            return self._writer.run(job)
        except StoreUnavailable as error:
            self.is_full |= _is_full(_original(error.__cause__))
            raise

    def execute(self, statement: Update, values: Values = None) -> int:
        """Run one statement as a write; give how many rows it has changed."""
        return self.write(lambda connection: connection.execute(statement, values).rowcount)

    def read(self, question: Select[Any] | CompoundSelect[Any], **values: Any) -> Any:
        """Answer a question, with `values` in its gaps, from what is committed.

        Raises: StoreUnavailable.
        """
        # One question sees one moment by itself.  A transaction around it is two more trips to the
        # server, and needed only where what limits it holds within a transaction alone.  (SQLite
        # makes no trips, and its driver would take that over from us.)
        is_enough = self.is_direct and not self.is_sqlite
        engine = self._without_transaction if is_enough else self.engine
        try:
            with engine.connect() as connection:
                return connection.execute(question, values).freeze()()
        except SQLAlchemyError as error:
            raise StoreUnavailable(STORE_AWAY) from error

    def rows(self, question: Prepared, **values: Any) -> list[Any]:
        """Answer a question that is asked for every purge, as `read` does.

        Raises: StoreUnavailable.
        """
        try:
            if self.is_sqlite:
                return self._read_file(question, values)
            # Each session of PostgreSQL is asked before it is used: after a failover what is read
            # from one that was kept at hand could be old.
            if not self.is_direct:
                with self.engine.begin() as connection:
                    return question.rows(connection, values)
            if (shared := self._shared.get()) is not None:
                return shared.rows(question, values)
            with self._without_transaction.connect() as connection:
                return question.rows(connection, values)
        except SQLAlchemyError as error:
            raise StoreUnavailable(STORE_AWAY) from error

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """Let all questions in this block share one session of PostgreSQL, asked once whether it is of use.

        Nothing in the block may wait for a network.
        """
        if self.is_sqlite or not self.is_direct:
            yield
            return
        shared = _SharedSession(self._without_transaction)
        token = self._shared.set(shared)
        try:
            yield
        finally:
            self._shared.reset(token)
            shared.close()

    def _read_file(self, question: Prepared, values: Mapping[str, Any]) -> list[Any]:
        """Ask SQLite, by a connection that is kept at hand: to check one out takes longer."""
        try:
            connection = self._readers.pop()
        except IndexError:
            connection = self._without_transaction.connect()
        try:
            found = question.rows(connection, values)
        except BaseException:
            connection.invalidate()
            connection.close()
            raise
        if len(self._readers) < READERS:
            self._readers.append(connection)
        else:
            connection.close()
        return found

    @property
    def is_direct(self) -> bool:
        """Whether no connection pooler is known to stand before the server."""
        return self._sessions is None or self._sessions.is_direct

    def close(self) -> None:
        self._writer.close()
        while self._readers:
            self._readers.pop().close()
        self.engine.dispose()


class _SharedSession:
    """A session that is checked out with the first question, and anew after an error."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Connection | None = None

    def rows(self, question: Prepared, values: Mapping[str, Any]) -> list[Any]:
        if self._connection is None:
            self._connection = self._engine.connect()
        try:
            return question.rows(self._connection, values)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


@contextlib.contextmanager
def or_away() -> Iterator[None]:
    """Tell operators why a database cannot be used.

    Raises: BotError (`database-away`, `database-not-writable`, `database-options`).
    """
    try:
        yield
    except (DBAPIError, PoolTimeout) as error:
        info = info_of(error)
        raise BotError(info.kind, **info.facts) from None


def info_of(error: BaseException | None) -> ErrorInfo:
    """Give in operators' words what a database or its driver failed with."""
    original = _original(error)
    if isinstance(info := getattr(original, "info", None), ErrorInfo):
        return info
    if _sqlstate(original) == "25006" or sqlite.is_read_only(original):
        return ErrorInfo(DATABASE_NOT_WRITABLE, {"cause": "it is read-only"})
    if _is_full(original):
        return ErrorInfo(DATABASE_NOT_WRITABLE, {"cause": "its disk is full"})
    return ErrorInfo(
        DATABASE_AWAY, {"cause": str(original or "no answer in time").partition("\n")[0]}
    )


def _is_full(error: BaseException | None) -> bool:
    return _sqlstate(error) == "53100" or sqlite.is_full(error)


def _sqlstate(error: BaseException | None) -> str | None:
    return getattr(error, "sqlstate", None)


def _original(error: BaseException | None) -> BaseException | None:
    """Give the driver's own error."""
    return error.orig if isinstance(error, DBAPIError) else error


def insert_if_new(dialect: str, table: Table, *unique: str) -> Any:
    """Give an insert that does nothing where the row is there already, by these columns or any."""
    insert = insert_into_sqlite(table) if dialect == "sqlite" else postgresql.insert(table)
    return insert.on_conflict_do_nothing(index_elements=unique or None)


class DirectWriter:
    """One transaction a write, on the caller's thread."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def run(self, job: Job[T]) -> T:
        """Write and return when it is committed.

        Raises: StoreUnavailable — `store-away` when it certainly was not written,
        `store-slow` when the connection broke off in the commit itself.
        """
        kind = STORE_AWAY
        try:
            with self._engine.begin() as connection:
                result = job(connection)
                kind = STORE_SLOW
        except SQLAlchemyError as error:
            raise StoreUnavailable(kind) from error
        return result

    def close(self) -> None:
        """Nothing runs by itself here."""


class GroupWriter:
    """One thread that writes for all; what waits at the same moment shares one commit."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine.execution_options(begun=True)
        self._connection: Connection | None = None
        self._jobs: queue.SimpleQueue[tuple[Job[Any], Future[Any]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="store-writer", daemon=True)
        self._thread.start()

    def run(self, job: Job[T]) -> T:
        """Write and wait until it is on disk.

        Raises: StoreUnavailable — `store-away` when it certainly was not written,
        `store-slow` when the writer had begun and did not end in time.
        """
        future: Future[T] = Future()
        self._jobs.put((job, future))
        try:
            return future.result(WRITE_TIMEOUT_S)
        except CancelledError:
            raise StoreUnavailable(STORE_AWAY) from None
        except TimeoutError:
            if future.cancel():
                raise StoreUnavailable(STORE_AWAY) from None
            raise StoreUnavailable(STORE_SLOW) from None

    def close(self) -> None:
        self._jobs.put(None)
        self._thread.join(timeout=5)

    def _work(self) -> None:
        while (first := self._jobs.get()) is not None:
            group = [first]
            closing = False
            with contextlib.suppress(queue.Empty):
                while len(group) < GROUP_SIZE and not closing:
                    job = self._jobs.get_nowait()
                    if job is None:
                        closing = True
                    else:
                        group.append(job)
            self._commit(group)
            if closing:
                break
        self._let_go()

    def _let_go(self) -> None:
        """Close the connection; what was not committed is undone."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(SQLAlchemyError, sqlite3.Error):
                connection.invalidate()
                connection.close()

    def _commit(self, group: list[tuple[Job[Any], Future[Any]]]) -> None:
        ended: list[tuple[Future[Any], Any, BaseException | None]] = []
        try:
            # Held on to: to check a connection out, and to begin by way of the engine's events, takes
            # longer than most transactions.
            connection = self._connection = self._connection or self._engine.connect()
            driver: Any = connection.connection.driver_connection
            driver.execute("BEGIN IMMEDIATE")
            for job, future in group:
                if not future.set_running_or_notify_cancel():
                    continue
                alone = len(group) == 1
                ended.append((future, *_run_one(connection, driver, job, alone=alone)))
            if driver.in_transaction:
                driver.execute("COMMIT")
            connection.rollback()  # SQLAlchemy's own idea of a transaction, if a job has begun one
        except (SQLAlchemyError, sqlite3.Error) as error:
            self._let_go()
            away = StoreUnavailable(STORE_AWAY)
            away.__cause__ = error
            for _, future in group:
                with contextlib.suppress(InvalidStateError):  # its caller has left already
                    future.set_exception(away)
            return
        for future, result, failure in ended:
            if failure is not None:
                future.set_exception(failure)
            else:
                future.set_result(result)


def _run_one(
    connection: Connection, driver: Any, job: Job[Any], *, alone: bool
) -> tuple[Any, BaseException | None]:
    """Run one job so that its failure undoes itself alone, not the others of its group."""
    # The driver's own savepoints: SQLAlchemy's cost as much as the job itself.
    execute = driver.execute
    undo = "ROLLBACK" if alone else "ROLLBACK TO one"
    if not alone:
        execute("SAVEPOINT one")
    try:
        result = job(connection)
    except DBAPIError as error:
        try:
            execute(undo)
        except sqlite3.Error:  # the whole transaction is gone, or the connection
            raise error from None
        away = StoreUnavailable(STORE_AWAY)
        away.__cause__ = error
        return None, away
    except Exception as error:  # noqa: BLE001  (whatever it is, it belongs to the caller, who gets it)
        execute(undo)
        return None, error
    if not alone:
        execute("RELEASE one")
    return result, None

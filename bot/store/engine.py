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
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future, InvalidStateError
from typing import Any, Protocol, TypeVar

from sqlalchemy import (
    CompoundSelect,
    Connection,
    Engine,
    Select,
    Table,
    create_engine,
    event,
    make_url,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from bot.core.errors import STORE_AWAY, STORE_SLOW, BotError
from bot.core.setup_errors import DATABASE_AWAY

T = TypeVar("T")
Job = Callable[[Connection], T]

BUSY_TIMEOUT_S = 1.5
"""How long a database waits for others' locks: less than Slack's 3 s, with room to answer."""
WRITE_TIMEOUT_S = 2.0
"""How long a caller waits for its write: Slack gives a listener 3 s in all."""
GROUP_SIZE = 64
IDLE_TIMEOUT_S = 5.0
"""How long PostgreSQL lets a transaction rest.  Whoever was paused or cut off in the middle of one
holds its locks, and on those of a rate or a chain all other replicas wait."""


class StoreUnavailable(BotError):
    """The database did not take the write; with kind `store-slow` it may have, or still do so."""


class Database:
    """One database: answers questions, and takes writes the one way that fits it."""

    def __init__(self, url: str) -> None:
        self.engine, self._writer = _open(url)
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        # One question sees one moment by itself: a transaction around it is two more trips to the
        # server.  (SQLite makes no trips, and its driver would take that over from us.)
        self._asking = (
            self.engine
            if self.is_sqlite
            else self.engine.execution_options(isolation_level="AUTOCOMMIT")
        )

    def write(self, job: Job[T]) -> T:
        """Run `job` in a transaction and give its result when that is on disk.

        Raises: StoreUnavailable, and whatever the job raises, which undoes it.
        """
        return self._writer.run(job)

    def read(self, question: Select[Any] | CompoundSelect[Any], **values: Any) -> Any:
        """Answer a question, with `values` in its gaps, from what is committed.

        Raises: StoreUnavailable.
        """
        try:
            with self._asking.connect() as connection:
                return connection.execute(question, values).freeze()()
        except SQLAlchemyError as error:
            raise StoreUnavailable(STORE_AWAY) from error

    def close(self) -> None:
        self._writer.close()
        self.engine.dispose()


@contextlib.contextmanager
def or_away() -> Iterator[None]:
    """Tell operators why a database cannot be used.  Raises: BotError (`database-away`)."""
    try:
        yield
    except DBAPIError as error:
        raise BotError(DATABASE_AWAY, cause=str(error.orig).partition("\n")[0]) from None


def insert_for(dialect: str, table: Table) -> Any:
    """Give an insert that can say what to do when the row is there already."""
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)


class _Writer(Protocol):
    def run(self, job: Job[T]) -> T: ...

    def close(self) -> None: ...


def _open(url: str) -> tuple[Engine, _Writer]:
    if make_url(url).get_backend_name() == "sqlite":
        engine = create_engine(
            url, connect_args={"check_same_thread": False}, pool_size=8, hide_parameters=True
        )
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", begin_sqlite)
        return engine, GroupWriter(engine)
    engine = create_engine(
        url,
        pool_size=16,
        max_overflow=16,
        pool_timeout=2,
        pool_pre_ping=True,
        connect_args={
            "connect_timeout": 2,
            "options": f"-c statement_timeout={int(BUSY_TIMEOUT_S * 1000)}"
            f" -c idle_in_transaction_session_timeout={int(IDLE_TIMEOUT_S * 1000)}",
            # A server that went away without a word is noticed in 10 s, not in hours.
            "keepalives_idle": 4,
            "keepalives_interval": 2,
            "keepalives_count": 3,
            "tcp_user_timeout": 10_000,
        },
        hide_parameters=True,  # else an error shows what people wrote to whoever reads the log
    )
    return engine, DirectWriter(engine)


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    # The driver would begin transactions by itself and late; begin_sqlite does it instead.
    connection.isolation_level = None
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute(f"PRAGMA busy_timeout={int(BUSY_TIMEOUT_S * 1000)}")


def begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and writes later can be refused in the middle; one that
    # takes the write lock at its beginning cannot.
    writing = connection.get_execution_options().get("writing", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


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
        self._engine = engine.execution_options(writing=True)
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
                return

    def _commit(self, group: list[tuple[Job[Any], Future[Any]]]) -> None:
        ended: list[tuple[Future[Any], Any, BaseException | None]] = []
        try:
            with self._engine.begin() as connection:
                for job, future in group:
                    if not future.set_running_or_notify_cancel():
                        continue
                    ended.append((future, *_run_alone(connection, job)))
        except (SQLAlchemyError, sqlite3.Error) as error:
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


def _run_alone(connection: Connection, job: Job[Any]) -> tuple[Any, BaseException | None]:
    """Run one job so that its failure undoes itself alone, not the others of its group."""
    # The driver's own savepoints: SQLAlchemy's cost as much as the job itself.
    execute = connection.connection.driver_connection.execute  # type: ignore[union-attr]  # it is open
    execute("SAVEPOINT one")
    try:
        result = job(connection)
    except DBAPIError as error:
        execute("ROLLBACK TO one")
        away = StoreUnavailable(STORE_AWAY)
        away.__cause__ = error
        return None, away
    except Exception as error:  # noqa: BLE001  (whatever it is, it belongs to the caller, who gets it)
        execute("ROLLBACK TO one")
        return None, error
    execute("RELEASE one")
    return result, None

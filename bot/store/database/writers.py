"""How transactions are committed: each on its caller's thread, or in groups.

PostgreSQL: every write is a transaction of its own, on the caller's thread.
SQLite: one thread runs the writes of all callers and commits those that wait at the same time in
one transaction ("group commit").  Each caller waits for its own result; one flush serves all.
"""

from __future__ import annotations

import contextlib
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Future, InvalidStateError
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from bot.core.errors import STORE_AWAY, STORE_SLOW, BotError
from bot.store.database import sqlite, statements
from bot.store.database.kept import NEVER, Kept, is_lost

if TYPE_CHECKING:
    from bot.store.database.postgresql import Sessions

T = TypeVar("T")
Job = Callable[[Connection], T]

WRITE_TIMEOUT_S = 2.0
"""How long a caller waits for its write to SQLite, in seconds.  Slack expects an answer in 3 s."""
GROUP_SIZE = 64
"""The maximum number of writes in one commit."""


class StoreUnavailable(BotError):
    """The database failed to read or write.

    With the kind `store-slow` the write may have been committed, or may still be.
    """


class DirectWriter:
    """Runs each write in a transaction of its own, on the caller's thread."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._kept = Kept(sessions.engine, looks=True)

    def run(self, job: Job[T], *, in_place: bool, pipelined: bool) -> T:  # noqa: ARG002  (always in place)
        """Run the job and return its result after the commit.

        Raises: StoreUnavailable: `store-away` if it certainly was not committed, `store-slow` if
        the connection failed during the commit.
        """
        while True:
            kind, until = STORE_AWAY, NEVER
            try:
                with self._transaction() as (connection, until):
                    with (
                        statements.pipelined(connection) if pipelined else contextlib.nullcontext()
                    ):
                        result = job(connection)
                    kind = STORE_SLOW
            except SQLAlchemyError as error:
                if kind is STORE_AWAY and is_lost(error, until):
                    continue  # nothing was committed; what was kept is gone
                raise StoreUnavailable(kind) from error
            return result

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[tuple[Connection, float]]:
        """Give a connection for one transaction, and until when that may be repeated."""
        if not self._sessions.is_direct:  # a pooler's sessions get their settings as one begins
            with self._sessions.engine.begin() as connection:
                yield connection, NEVER
            return
        with self._kept.connection() as (connection, until):
            yield connection, until
            # By the driver, which began it with the first statement: SQLAlchemy's takes longer.
            driver: Any = connection.connection.driver_connection
            with statements.wrapping(connection, "COMMIT"):
                driver.commit()
            connection.rollback()  # resets SQLAlchemy's transaction state, which a job may have begun

    def close(self) -> None:
        self._kept.close()


_Outcome = tuple[Any, BaseException | None]
"""The result of a job, and the exception for its caller, of which one is None."""


class _Here(Generic[T]):
    """What becomes of a write on its caller's thread, where nobody waits as for a `Future`."""

    _result: T
    _failure: BaseException | None = None

    def set_running_or_notify_cancel(self) -> bool:
        return True

    def set_result(self, result: T) -> None:
        self._result = result

    def set_exception(self, failure: BaseException) -> None:
        self._failure = failure

    def result(self) -> T:
        if self._failure is not None:
            raise self._failure
        return self._result


class GroupWriter:
    """Runs the writes of all callers, one group after the other.

    Writes that wait at the same time share a commit, on the writer's thread.  A caller that can
    wait for the disk runs its own write if no other one waits: a change of threads takes as long as
    the write.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine.execution_options(begun=True)
        self._connection: Connection | None = None
        self._jobs: queue.SimpleQueue[tuple[Job[Any], Future[Any]] | None] = queue.SimpleQueue()
        self._writing = threading.Lock()
        self._thread = threading.Thread(target=self._work, name="store-writer", daemon=True)
        self._thread.start()

    def run(self, job: Job[T], *, in_place: bool, pipelined: bool) -> T:  # noqa: ARG002  (SQLite has no pipelines)
        """Run the job and return its result after the commit.

        Raises: StoreUnavailable: `store-away` if it certainly was not committed, `store-slow` if
        the writer had begun and did not end within WRITE_TIMEOUT_S.
        """
        if in_place and self._jobs.empty() and self._writing.acquire(blocking=False):
            here: _Here[T] = _Here()
            try:
                self._commit([(job, here)])
            finally:
                self._writing.release()
            return here.result()
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
            with self._writing:
                self._commit(group)
            if closing:
                break
        with self._writing:
            self._let_go()

    def _let_go(self) -> None:
        """Close the connection, which rolls back its transaction."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(SQLAlchemyError, sqlite3.Error):
                connection.invalidate()
                connection.close()

    def _commit(self, group: Sequence[tuple[Job[Any], Future[Any] | _Here[Any]]]) -> None:
        try:
            # The connection is kept: checking one out, and beginning a transaction through the
            # engine's events, takes longer than most transactions.
            connection = self._connection = self._connection or self._engine.connect()
            driver: Any = connection.connection.driver_connection
            driver.execute("BEGIN IMMEDIATE")
            # Not before: who waits for a locked database can still give up, and know that it did.
            running = [each for each in group if each[1].set_running_or_notify_cancel()]
            ended = _run_all(connection, driver, [job for job, _ in running])
            if driver.in_transaction:
                driver.execute("COMMIT")
            connection.rollback()  # resets SQLAlchemy's transaction state, which a job may have begun
        except (SQLAlchemyError, sqlite3.Error) as error:
            self._let_go()
            if sqlite.is_read_only(error):
                self._engine.dispose()  # what readers opened meanwhile can never write either
            away = StoreUnavailable(STORE_AWAY)
            away.__cause__ = error
            for _, future in group:
                with contextlib.suppress(InvalidStateError):  # its caller has cancelled it
                    future.set_exception(away)
            return
        for (_, future), (result, failure) in zip(running, ended, strict=True):
            if failure is not None:
                future.set_exception(failure)
            else:
                future.set_result(result)


def _run_all(connection: Connection, driver: Any, jobs: Sequence[Job[Any]]) -> list[_Outcome]:
    """Run all jobs in the transaction that was begun.

    Savepoints take as long as what most jobs do, and seldom does one fail.  So they are first run
    without; if one fails, all are run again, each under a savepoint of its own.
    Raises: DBAPIError, sqlite3.Error if the whole transaction or the connection was lost.
    """
    if len(jobs) > 1:
        try:
            return [(job(connection), None) for job in jobs]
        except Exception as error:  # noqa: BLE001  (the job that raised it does so again)
            try:
                driver.execute("ROLLBACK")
            except sqlite3.Error as lost:
                raise (error if isinstance(error, DBAPIError) else lost) from None
            driver.execute("BEGIN IMMEDIATE")
    return [_run_one(connection, driver, job, alone=len(jobs) == 1) for job in jobs]


def _run_one(connection: Connection, driver: Any, job: Job[Any], *, alone: bool) -> _Outcome:
    """Run one job under a savepoint, so that its failure does not affect the others of its group.

    Raises: DBAPIError if the whole transaction or the connection was lost.
    """
    # Savepoints of the driver: SQLAlchemy's cost as much as the job.
    execute = driver.execute
    undo = "ROLLBACK" if alone else "ROLLBACK TO one"
    if not alone:
        execute("SAVEPOINT one")
    try:
        result = job(connection)
    except DBAPIError as error:
        try:
            execute(undo)
        except sqlite3.Error:  # the whole transaction or the connection was lost
            raise error from None
        away = StoreUnavailable(STORE_AWAY)
        away.__cause__ = error
        return None, away
    except Exception as error:  # noqa: BLE001  (it is raised again in the caller)
        execute(undo)
        return None, error
    if not alone:
        execute("RELEASE one")
    return result, None

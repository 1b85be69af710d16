"""A session of PostgreSQL that waits for the server as seldom as possible.

psycopg's cursor takes seventy calls of functions for each statement, and waits after BEGIN and at
the end of each pipeline.  The statements that run for every purge are few and known.  So each is
prepared once in a session, and what belongs together is sent together: BEGIN with the first
statement, and all statements of a pipeline at the first result that is asked for.

https://www.psycopg.org/psycopg3/docs/api/pq.html
https://www.postgresql.org/docs/current/libpq-pipeline-mode.html
"""

from __future__ import annotations

import select
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import psycopg
from psycopg.abc import RV, PQGen
from psycopg.adapt import PyFormat, Transformer
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.pq.abc import PGresult

WAKE_S = 0.1
"""How often a wait of psycopg's own looks at the clock, in seconds, if nothing comes."""
_BEGIN = b"BEGIN ISOLATION LEVEL READ COMMITTED"
"""As psycopg begins a transaction at the isolation level that `Sessions` chooses."""
_TOO_LATE = "the server does not answer in time"
_LOST = "the connection to the server is lost"
MOST_PREPARED = 100
"""How many statements a session prepares.  The server keeps a plan for each, in each session."""
_HAS_RUN = (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK)
_numbers = count(1)


@dataclass(frozen=True, eq=False, slots=True)
class Statement:
    """A statement with the parameters $1, $2, …, whose types the server infers."""

    sql: bytes
    name: bytes = field(default_factory=lambda: b"purgebot_%d" % next(_numbers))


class Answer:
    """The result of a statement that was sent.  Its methods wait for it, and raise psycopg.Error."""

    __slots__ = ("_result", "_session")

    def __init__(self, session: Session) -> None:
        self._session = session
        self._result: PGresult | None = None

    @property
    def rowcount(self) -> int:
        """The number of rows that were returned or changed."""
        return self._got().command_tuples or 0

    @property
    def description(self) -> list[tuple[bytes | None, int]]:
        """The name of each column, and the OID of its type."""
        result = self._got()
        return [(result.fname(column), result.ftype(column)) for column in range(result.nfields)]

    def fetchall(self) -> list[tuple[Any, ...]]:
        """Return all rows."""
        result = self._got()
        return self._session.load(result)

    def _got(self) -> PGresult:
        if self._result is None:
            self._session.sync()
        if self._result is None:
            raise psycopg.errors.InFailedSqlTransaction("a statement before it failed")
        return self._result


class Session(psycopg.Connection[Any]):
    """A session that is closed when an answer takes longer than `longest_s` seconds (None: any time).

    `prepares`: whether it is the same session of the server for each transaction.
    """

    longest_s: float | None = None
    prepares = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Without a context it reads and writes what `Sessions` sets: UTF-8, UTC and ISO dates.
        self._adapter = Transformer()
        self._at_server: set[Statement] = set()
        self._unanswered: list[Statement | Answer | None] = []
        """What was sent since the last `sync`.  None: BEGIN."""
        self._in_pipeline = False
        self._must_begin = False

    def wait(self, gen: PQGen[RV], interval: float = WAKE_S, timeout: float | None = None) -> RV:
        """Wait for an answer.  Raises: psycopg.OperationalError if it takes too long."""
        assert not self._in_pipeline, "here statements are run by `start`"
        try:
            return super().wait(gen, interval, self.longest_s if timeout is None else timeout)
        except psycopg.errors._WaitTimeout as error:  # noqa: SLF001  (it has no other name)
            self.close()
            raise psycopg.OperationalError(_TOO_LATE) from error

    def start(self, statement: Statement, values: Sequence[Any]) -> Answer:
        """Send a statement, after BEGIN where a transaction has to begin.

        In a `together` block it is sent when the first result is asked for, or at the end.
        Raises: psycopg.Error.
        """
        answer = Answer(self)
        if self._in_pipeline:
            self._send(statement, values, answer)
        else:
            with self.together():
                self._send(statement, values, answer)
        return answer

    @contextmanager
    def together(self) -> Iterator[None]:
        """Send the statements of this block without waiting for each other's results.

        In it, all statements must be started by `start`.
        Raises: psycopg.Error; also if a statement failed whose result nobody asked for.
        """
        wire = self.pgconn
        self._must_begin = not self.autocommit and wire.transaction_status == TransactionStatus.IDLE
        wire.enter_pipeline_mode()
        self._in_pipeline = True
        try:
            yield
            self.sync()
        except BaseException:
            with suppress(psycopg.Error):  # the first error is the one to tell
                self.sync()
            raise
        finally:
            self._in_pipeline = False
            if not self.closed:
                wire.exit_pipeline_mode()

    def _send(self, statement: Statement, values: Sequence[Any], answer: Answer) -> None:
        wire = self.pgconn
        if self._must_begin:
            self._must_begin = False
            wire.send_query_params(_BEGIN, None)
            self._unanswered.append(None)
        given = self._adapter.dump_sequence(values, [PyFormat.TEXT] * len(values))
        is_there = statement in self._at_server
        if not is_there and self.prepares and len(self._at_server) < MOST_PREPARED:
            wire.send_prepare(statement.name, statement.sql)
            self._at_server.add(statement)
            self._unanswered.append(statement)
            is_there = True
        if is_there:
            wire.send_query_prepared(statement.name, given)
        else:
            wire.send_query_params(statement.sql, given)
        self._unanswered.append(answer)

    def sync(self) -> None:
        """Wait for the results of all statements that were sent.

        Raises: psycopg.Error, that of the first statement which failed.
        """
        if not self._unanswered:
            return
        sent, self._unanswered = self._unanswered, []
        failed: PGresult | None = None
        try:
            self.pgconn.pipeline_sync()
            until = self._deadline()
            is_busy, get_result = self.pgconn.is_busy, self.pgconn.get_result
            for each in sent:
                result = self._next(until) if is_busy() else get_result()
                if result is None:  # each statement has one result
                    raise psycopg.OperationalError(_LOST)
                if result.status in _HAS_RUN:
                    if isinstance(each, Answer):
                        each._result = result  # noqa: SLF001
                else:
                    failed = failed or result
                    if isinstance(each, Statement):
                        self._at_server.discard(each)
                _ = self._next(until) if is_busy() else get_result()  # None, the end of its results
            self._next(until)  # the end of the pipeline
        except psycopg.Error:
            self.close()
            if failed is None:
                raise
        if failed is not None:
            raise psycopg.errors.error_from_result(failed)

    def commit(self) -> None:
        """Commit the transaction, if there is one.  Raises: psycopg.Error; also if it was rolled back."""
        wire = self.pgconn
        if wire.transaction_status == TransactionStatus.IDLE:
            return
        until = self._deadline()
        wire.send_query(b"COMMIT")
        result = self._next(until)
        if result is None:
            raise psycopg.OperationalError(_LOST)
        self._next(until)
        if result.status != ExecStatus.COMMAND_OK:
            raise psycopg.errors.error_from_result(result)
        if result.command_status != b"COMMIT":
            raise psycopg.errors.InFailedSqlTransaction("the transaction was rolled back")

    def query_row(self, question: bytes, within_s: float) -> list[bytes | None]:
        """Run a query that returns one row, outside transactions.  Return the values of the row.

        Raises: psycopg.Error; also if the answer takes longer than `within_s` seconds.
        """
        # psycopg's own functions have no timeout: https://github.com/psycopg/psycopg/issues/777
        until = time.monotonic() + within_s
        self.pgconn.send_query(question)
        row: list[bytes | None] = []
        while (answer := self._next(until)) is not None:
            if answer.status != ExecStatus.TUPLES_OK:
                raise psycopg.errors.error_from_result(answer)
            row = [answer.get_value(0, column) for column in range(answer.nfields)]
        return row

    def load(self, result: PGresult) -> list[tuple[Any, ...]]:
        """Return the rows of a result as Python values."""
        self._adapter.set_pgresult(result)
        return self._adapter.load_rows(0, result.ntuples, tuple)

    def _deadline(self) -> float | None:
        return None if self.longest_s is None else time.monotonic() + self.longest_s

    def _next(self, until: float | None) -> PGresult | None:
        """Return the next result, or None at the end of those of a statement.

        Raises: psycopg.OperationalError if the connection is lost, or at `until` (a monotonic time).
        """
        wire = self.pgconn
        while (sending := wire.flush()) or wire.is_busy():
            waiting = select.poll()
            waiting.register(wire.socket, select.POLLIN | (select.POLLOUT if sending else 0))
            left_ms = None if until is None else 1000 * max(0.0, until - time.monotonic())
            if not waiting.poll(left_ms):
                self.close()
                raise psycopg.OperationalError(_TOO_LATE)
            wire.consume_input()
        return wire.get_result()

"""Connections that are kept between uses, because taking one from SQLAlchemy's pool costs more than a query.

Of PostgreSQL the pool checks each session before its use, which is a round trip (see `Sessions`).  A
kept session is used without a check for LOOK_EVERY_S, which no failover fits into: a server becomes
a standby only by a restart, which ends its sessions.  What fails because that happened is repeated.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

MOST = 8
"""How many connections of each kind are kept."""
LOOK_EVERY_S = 0.5
"""How long a session of PostgreSQL is used before it is checked again, in seconds."""
NOTICED_S = 1.0
"""How soon it is noticed that a session was lost before, in seconds.

One that is lost later may have been ended because this process was paused in a transaction, whose
times would be wrong in a second one.
"""
NEVER = float("-inf")


class Kept:
    """The connections of an engine that were used last.  Thread-safe.

    With `looks`, the pool checks each connection again LOOK_EVERY_S after it was taken from there.
    """

    def __init__(self, engine: Engine, *, looks: bool) -> None:
        self._engine = engine
        self._looks = looks
        self._free: deque[tuple[Connection, float]] = deque()

    @contextmanager
    def connection(self) -> Iterator[tuple[Connection, float]]:
        """Give a connection for this block, and until when the block may be repeated (`is_lost`).

        The block must leave no transaction open.  If it raises an exception, the connection goes
        back to the pool; if that is the database's, so do all others, which are probably as bad.
        Raises: SQLAlchemyError if there is none.
        """
        connection, since, is_new = self._take()
        try:
            yield connection, time.monotonic() + NOTICED_S if self._looks and not is_new else NEVER
        except BaseException as error:
            connection.close()  # the pool rolls back what it has begun
            if isinstance(error, SQLAlchemyError):
                self.close()
            raise
        if len(self._free) < MOST:
            self._free.append((connection, since))
        else:
            connection.close()

    def _take(self) -> tuple[Connection, float, bool]:
        while True:
            try:
                connection, since = self._free.pop()
            except IndexError:
                return self._engine.connect(), time.monotonic(), True
            if not self._looks or time.monotonic() - since < LOOK_EVERY_S:
                return connection, since, False
            connection.close()

    def close(self) -> None:
        """Give all connections back to the pool."""
        with suppress(IndexError):
            while True:
                self._free.pop()[0].close()


def is_lost(error: SQLAlchemyError, until: float) -> bool:
    """Return whether an error came of a connection that had been lost before it was taken."""
    is_over = isinstance(error, DBAPIError) and error.connection_invalidated
    return is_over and time.monotonic() < until

"""Connections that are kept between uses, because taking one from SQLAlchemy's pool costs more than a query.

Of PostgreSQL the pool checks each session before its use, which is a round trip (see `Sessions`).  A
kept session is used without a check for LOOK_EVERY_S, which no failover fits into: a server becomes
a standby only by a restart, which ends its sessions.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine

MOST = 8
"""How many connections of each kind are kept."""
LOOK_EVERY_S = 0.1
"""How long a session of PostgreSQL is used before it is checked again, in seconds."""


class Kept:
    """The connections of an engine that were used last.  Thread-safe.

    With `looks`, the pool checks each connection again LOOK_EVERY_S after it was taken from there.
    """

    def __init__(self, engine: Engine, *, looks: bool) -> None:
        self._engine = engine
        self._looks = looks
        self._free: deque[tuple[Connection, float]] = deque()

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """Give a connection for this block, which must leave no transaction open.

        If the block raises an exception, the connection goes back to the pool.
        Raises: SQLAlchemyError if there is none.
        """
        connection, since = self._take()
        try:
            yield connection
        except BaseException:
            connection.close()  # the pool rolls back what it has begun
            raise
        if len(self._free) < MOST:
            self._free.append((connection, since))
        else:
            connection.close()

    def _take(self) -> tuple[Connection, float]:
        while True:
            try:
                connection, since = self._free.pop()
            except IndexError:
                return self._engine.connect(), time.monotonic()
            if not self._looks or time.monotonic() - since < LOOK_EVERY_S:
                return connection, since
            connection.close()

    def close(self) -> None:
        """Give all connections back to the pool."""
        while self._free:
            self._free.pop()[0].close()

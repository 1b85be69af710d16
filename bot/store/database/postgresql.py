"""Sessions of PostgreSQL: their settings, how they are opened, and when they are discarded.

direct   The settings are made once, in the session's `options`, at no cost.
pooled   A connection pooler (PgBouncer) rejects or drops the `options`, and may run each transaction
         in another session of the server.  So the settings are made at the beginning of each
         transaction, by one more statement, and no statement is prepared on the server.

Each session is checked when it is taken from the pool: can it write?  If it cannot, or does not answer
in time, all sessions of the pool are discarded, because after a failover all may be connected to a
standby.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any

import psycopg
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine.interfaces import ExceptionContext
from sqlalchemy.exc import InvalidatePoolError

from bot.core.errors import ErrorInfo, ErrorKind
from bot.core.setup_errors import DATABASE_NOT_WRITABLE, DATABASE_OPTIONS
from bot.store.database.session import Session

Setting = tuple[str, str]
"""The name and the value of a setting of the server."""

DEFAULTS = {
    "connect_timeout": 2,
    # The loss of a server that does not close its connections is noticed in 10 s, not in hours.
    "keepalives_idle": 4,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
"""The default connection parameters.  The URL and libpq's environment variables override them."""
_IN_ENVIRONMENT = {
    "connect_timeout": "PGCONNECT_TIMEOUT",
    "options": "PGOPTIONS",
    "target_session_attrs": "PGTARGETSESSIONATTRS",
}
_DRIVERS_OWN = ("autocommit", "cursor_factory", "prepare_threshold", "row_factory")
"""Arguments of psycopg.connect that are Python objects, not parameters of libpq."""
_READ_BY: tuple[Setting, ...] = (
    ("DateStyle", "ISO"),
    ("TimeZone", "UTC"),
    ("standard_conforming_strings", "on"),
)
"""The settings that the format of values depends on.  No URL, role or database may override them."""
_MARK = ("purgebot.direct", "on")
"""A setting that is sent with the options.  If the session has it, the options have arrived."""
_LOOK = (
    "SELECT current_setting('transaction_read_only'), pg_is_in_recovery(),"
    f" current_setting('{_MARK[0]}', true)"
).encode()
_IS_STANDBY = "it is a standby, which follows another server"
_IS_READ_ONLY = "the server lets nobody write (default_transaction_read_only)"
ANSWER_WITHIN_S = 1.0
"""The timeout of the check of a session, in seconds.

PgBouncer makes a client wait for two minutes if the server is unavailable.  Slack expects an answer
in 3 s, in which another session may have to be opened.
"""
_LIMIT = "statement_timeout"
LONGEST_ANSWER_S = 10.0
"""How long a statement is waited for, in seconds: as long as a lost server takes to be noticed.

The server itself ends statements sooner, but its answer may get stuck on the way: behind a proxy
that is alive the keepalives notice nothing.
"""
_NO_OPTIONS = re.compile("startup parameter|command-line options")
"""Matches the errors with which PgBouncer and RDS Proxy reject options.
https://github.com/pgbouncer/pgbouncer/issues/875, https://github.com/psycopg/psycopg2/issues/1577
"""
_SESSION_IS_USELESS = re.compile("25006|57P0[1-5]|08...|26000|0A000")
"""The SQLSTATEs of a session that cannot write, was terminated, or has lost its server, or its
prepared statements: they are gone, or a table has changed since.

A lack of resources or a timeout (53…, 57014, 55P03) is not among them: another session would fail
in the same way.
"""


class Refused(psycopg.OperationalError):
    """A session cannot be used.  `info` is the reason."""

    def __init__(self, kind: ErrorKind, /, **facts: str) -> None:
        self.info = ErrorInfo(kind, facts)
        super().__init__(self.info.message)


def lift_limits(connection: Connection) -> None:
    """Let the statements of this transaction take any time."""
    connection.execute(text("SET LOCAL statement_timeout = 0"))
    connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
    session = connection.connection.driver_connection
    assert isinstance(session, Session)
    session.longest_s = None


class Sessions:
    """The sessions of one database.

    `limits` are settings of each session, which the URL can override.
    """

    def __init__(self, url: str, limits: tuple[Setting, ...], *, writes: bool) -> None:
        self._limits = limits
        self._writes = writes
        self._takes_options = True
        self.is_direct = False
        """Whether the settings are known to hold outside transactions, too (see the module)."""
        self.engine: Engine = create_engine(
            url,
            pool_size=16,
            max_overflow=16,
            pool_timeout=2,
            isolation_level="READ COMMITTED",  # independent of the database's default
            hide_parameters=True,  # otherwise errors in the log contain what people wrote
        )
        event.listen(self.engine, "do_connect", self._open)
        event.listen(self.engine, "checkout", self._look)
        event.listen(self.engine, "begin", self._begin)
        event.listen(self.engine, "handle_error", _throw_away)

    def _open(self, _dialect: object, record: Any, _args: object, given: dict[str, Any]) -> Any:
        """Open a session.  Raises: psycopg.OperationalError, Refused."""
        # A parameter that occurs twice in a URL (`options=…&options=…`) is a tuple here.
        given = {
            name: " ".join(value) if isinstance(value, tuple) else value
            for name, value in given.items()
        }
        if drivers := next((name for name in _DRIVERS_OWN if name in given), None):
            raise Refused(DATABASE_OPTIONS, option=drivers, taker="libpq")
        environment = {name: os.environ.get(variable) for name, variable in _IN_ENVIRONMENT.items()}
        theirs = {name: value for name, value in environment.items() if value} | given
        parameters = DEFAULTS | theirs | {"client_encoding": "utf8"}
        refused: psycopg.OperationalError | None = None
        for each in _each_host(parameters):
            try:
                session, is_direct = self._open_at(each)
            except psycopg.OperationalError as error:
                # The reason of a server that answered is preferred to that of one that did not.
                refused = error if refused is None or isinstance(error, Refused) else refused
            else:
                record.info["set"] = () if is_direct else self._all_settings(parameters)
                record.info["new"] = True
                options = str(parameters.get("options", "")).replace("-", "_")
                # Whoever lets the server take longer waits longer.
                record.info["longest_s"] = None if _LIMIT in options else LONGEST_ANSWER_S
                self.is_direct = is_direct
                return session
        assert refused is not None, "there is a host at least, be it libpq's own"
        raise refused

    def _open_at(self, parameters: dict[str, Any]) -> tuple[Session, bool]:
        """Open a session with one server.  Return it, and whether its options have arrived.

        Raises: psycopg.Error, Refused.
        """
        session = self._connect(parameters)
        try:
            is_direct = self._is_direct(session)
            if not is_direct:
                self._all_settings(parameters)  # raises if they cannot be set per transaction
                # https://github.com/psycopg/psycopg/issues/200
                session.prepares = False
        except BaseException:
            session.close()
            raise
        return session, is_direct

    def _look(self, session: Session, record: Any, _taken: object) -> None:
        """Check a session from the pool.  Raises: InvalidatePoolError if it cannot be used."""
        session.longest_s = record.info["longest_s"]
        if record.info.pop("new", False):
            return
        try:
            self._is_direct(session)
        except psycopg.Error as error:
            raise InvalidatePoolError from error

    def _is_direct(self, session: Session) -> bool:
        """Check that the session can write.  Return whether its options have arrived.

        Raises: psycopg.Error; Refused if it cannot write.
        """
        read_only, is_standby, mark = session.query_row(_LOOK, ANSWER_WITHIN_S)
        if self._writes and read_only == b"on":
            cause = _IS_STANDBY if is_standby == b"t" else _IS_READ_ONLY
            raise Refused(DATABASE_NOT_WRITABLE, cause=cause)
        return mark == _MARK[1].encode()

    def _connect(self, parameters: dict[str, Any]) -> Session:
        theirs = str(parameters.get("options", ""))
        before, after = _as_options(self._limits), _as_options((*_READ_BY, _MARK))
        # If a setting occurs several times, the last one is used.
        parameters = parameters | {"options": f"{before} {theirs} {after}"}
        if self._takes_options:
            try:
                return _connected(parameters)
            except psycopg.ProgrammingError as error:  # a parameter is wrong; nothing was sent
                wrong = next((name for name in parameters if name in str(error)), "a parameter")
                raise Refused(DATABASE_OPTIONS, option=wrong, taker="libpq") from error
            except psycopg.OperationalError as error:
                if not _NO_OPTIONS.search(str(error)):
                    raise
        # Empty, not omitted: otherwise libpq uses PGOPTIONS.
        # https://www.postgresql.org/docs/current/libpq-envars.html
        session = _connected(parameters | {"options": ""})
        self._takes_options = False
        return session

    def _all_settings(self, parameters: dict[str, Any]) -> tuple[Setting, ...]:
        return (*self._limits, *_settings_in(str(parameters.get("options", ""))), *_READ_BY)

    def _begin(self, connection: Connection) -> None:
        settings: tuple[Setting, ...] = connection.info["set"]
        session = connection.connection.driver_connection
        if settings and session is not None and not session.autocommit:
            text = ", ".join("set_config(%s, %s, true)" for _ in settings)
            values = tuple(word for setting in settings for word in setting)
            connection.exec_driver_sql(f"SELECT {text}", values)


def _connected(parameters: dict[str, Any]) -> Session:
    """Open a session.  Raises: psycopg.Error, without the frames of psycopg.

    One of these refers to the error, so that only the garbage collector would close the socket of an
    attempt that took too long.
    """
    try:
        # psycopg prepares nothing: with a rollback it would deallocate all prepared statements, not
        # only its own.
        return Session.connect(**parameters, prepare_threshold=None)
    except psycopg.Error as error:
        raise error.with_traceback(None) from None


def _throw_away(context: ExceptionContext) -> None:
    if ends_session(context.original_exception):
        context.is_disconnect = True


def ends_session(error: BaseException) -> bool:
    """Return whether a session that failed with this error cannot be used again."""
    state = error.sqlstate if isinstance(error, psycopg.Error) else None
    return _SESSION_IS_USELESS.fullmatch(state or "") is not None


def _each_host(parameters: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the parameters for each host of a list.

    If `target_session_attrs` is set, the choice is left to libpq.  It is not set by default,
    although libpq can find the server that accepts writes: libpq trusts what PgBouncer reports, and
    PgBouncer reports the state at its first connection to the server, which may have been before a
    failover.
    """
    # https://github.com/pgbouncer/pgbouncer/issues/859
    hosts = str(parameters.get("host", "")).split(",")
    ports = str(parameters.get("port", "")).split(",")
    if len(hosts) == 1 or "target_session_attrs" in parameters:
        yield parameters
        return
    ports = ports * len(hosts) if len(ports) == 1 else ports
    for host, port in zip(hosts, ports, strict=True):
        yield parameters | {"host": host, "port": port or None}


def _as_options(settings: tuple[Setting, ...]) -> str:
    return " ".join(f"-c {name}={value}" for name, value in settings)


def _settings_in(options: str) -> Iterator[Setting]:
    """Yield the settings in command-line options.  Raises: Refused for any other option."""
    words = iter(re.findall(r"(?:\\.|[^\\\s])+", options))
    for word in words:
        text = re.sub(r"\\(.)", r"\1", word)
        if text == "-c":
            text = re.sub(r"\\(.)", r"\1", next(words, ""))
        elif text.startswith(("-c", "--")):
            text = text[2:]
        else:
            text = ""
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise Refused(DATABASE_OPTIONS, option=word, taker="the connection pooler")
        yield name.replace("-", "_"), value

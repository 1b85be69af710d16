"""SQLite: the file, made where it belongs and one Purgebot's alone; connections to it, how they are
opened, and which are of no more use.
"""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote, urlsplit

from filelock import FileLock, Timeout
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine.interfaces import ExceptionContext

from bot.config.settings import DatabaseSettings
from bot.core.errors import BotError
from bot.core.setup_errors import DATABASE_AWAY, DATABASE_IN_USE

_PRIVATE = 0o600
"""Beside requests and reasons, response URLs stand in there, with which anybody may post."""


def open_engine(url: str, busy_timeout_s: float) -> Engine:
    """Give the engine of a file that others may have locked for so long."""
    # The URL's own `timeout` counts.
    patience = {} if "timeout" in make_url(url).query else {"timeout": busy_timeout_s}
    engine = create_engine(
        url,
        connect_args={"check_same_thread": False, **patience},
        pool_size=8,
        max_overflow=-1,  # as many as there are threads that read at the same moment
        hide_parameters=True,
    )
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", begin)
    event.listen(engine, "handle_error", _throw_away)
    return engine


def _prepare(connection: sqlite3.Connection, _record: object) -> None:
    # The driver would begin transactions by itself and late; begin does it instead.
    # https://docs.sqlalchemy.org/en/20/dialects/sqlite.html#pysqlite-serializable
    connection.isolation_level = None
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")


def _throw_away(context: ExceptionContext) -> None:
    # A file that could not be opened to write is never written to by that connection.
    if is_read_only(context.original_exception):
        context.is_disconnect = True


def begin(connection: Connection) -> None:
    options = connection.get_execution_options()
    if not options.get("begun", False):  # GroupWriter begins its transactions itself
        # A transaction that reads first and writes later can be refused in the middle; one that
        # takes the write lock at its beginning cannot.
        # https://www.sqlite.org/lang_transaction.html#read_transactions_versus_write_transactions
        writing = options.get("writing", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def is_read_only(error: BaseException | None) -> bool:
    """Whether something was to be written by a connection that cannot."""
    return _code(error) == sqlite3.SQLITE_READONLY


def is_full(error: BaseException | None) -> bool:
    """Whether the file could not grow."""
    return _code(error) == sqlite3.SQLITE_FULL


def _code(error: BaseException | None) -> int | None:
    """Give the primary result code."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


def database_file(settings: DatabaseSettings) -> Path | None:
    """Give the SQLite file, made where it is not there and its user's alone; None for PostgreSQL.

    The -wal and -shm files beside it get its rights: https://sqlite.org/src/timeline?f=45bb84c6283d803f
    Raises: BotError.
    """
    url = make_url(settings.database_url.get_secret_value())
    file = path_in(url)
    if file is None:
        return None
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if url.query.get("mode", "rwc") == "rwc":
            with suppress(FileExistsError):
                file.touch(_PRIVATE, exist_ok=False)
    except OSError as error:
        raise BotError(DATABASE_AWAY, cause=f"{file.parent}: {error.strerror}") from None
    for each in (file, *(Path(f"{file}{end}") for end in ("-wal", "-shm", ".lock"))):
        with suppress(OSError):  # it is not there, or another's, who has to know
            # What everybody may read was left so; what a group may, somebody has decided.
            if each.stat().st_mode & 0o007:
                each.chmod(_PRIVATE)
    return file


def path_in(url: URL) -> Path | None:
    """Give where a SQLite URL has its file, be it as SQLite's own URI; None for PostgreSQL."""
    if url.get_backend_name() != "sqlite" or not url.database:
        return None
    if "uri" in url.query and url.database.startswith("file:"):
        return Path(unquote(urlsplit(url.database).path))
    return Path(url.database)


def lock_database(settings: DatabaseSettings) -> FileLock | None:
    """Make sure that a SQLite file has one Purgebot; PostgreSQL may have many."""
    file = database_file(settings)
    return None if file is None else lock_file(file)


def lock_file(file: Path) -> FileLock:
    """Make sure that nobody works with a SQLite file, and that nobody begins to.  Raises: BotError."""
    lock = FileLock(f"{file}.lock", mode=_PRIVATE)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise BotError(DATABASE_IN_USE, file=str(file)) from None
    except OSError as error:
        raise BotError(DATABASE_AWAY, cause=f"{file}.lock: {error.strerror}") from None
    return lock

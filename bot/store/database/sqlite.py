"""SQLite: how the file is created and locked, how connections are opened and when they are discarded."""

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
"""The mode of the file.  It contains response URLs, with which anybody can post."""


def open_engine(url: str, busy_timeout_s: float) -> Engine:
    """Return the engine of a file.  `busy_timeout_s` is how long it waits for a lock, in seconds."""
    # A `timeout` in the URL has priority.
    patience = {} if "timeout" in make_url(url).query else {"timeout": busy_timeout_s}
    engine = create_engine(
        url,
        connect_args={"check_same_thread": False, **patience},
        pool_size=8,
        max_overflow=-1,  # one connection for each thread that reads at the same time
        hide_parameters=True,
    )
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", begin)
    event.listen(engine, "close", _roll_back)
    event.listen(engine, "handle_error", _throw_away)
    return engine


def _prepare(connection: sqlite3.Connection, _record: object) -> None:
    # The driver would begin transactions implicitly and too late, so `begin` does it instead.
    # https://docs.sqlalchemy.org/en/20/dialects/sqlite.html#pysqlite-serializable
    connection.isolation_level = None
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")


def _throw_away(context: ExceptionContext) -> None:
    # A connection that opened the file read-only can never write to it.
    if is_read_only(context.original_exception):
        context.is_disconnect = True


def _roll_back(connection: sqlite3.Connection, _record: object) -> None:
    # A cursor of a statement that failed keeps a closed connection open inside SQLite, with its
    # transaction and its lock, for as long as anything refers to the error.
    # https://www.sqlite.org/c3ref/close.html
    with suppress(sqlite3.Error):
        connection.rollback()


def begin(connection: Connection) -> None:
    options = connection.get_execution_options()
    if not options.get("begun", False):  # set if no transaction is wanted, or GroupWriter begins it
        # A transaction that reads first and writes later can fail at its first write.  One that
        # takes the write lock at its beginning cannot.
        # https://www.sqlite.org/lang_transaction.html#read_transactions_versus_write_transactions
        writing = options.get("writing", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def is_read_only(error: BaseException | None) -> bool:
    """Return whether a write failed because the connection is read-only."""
    return _code(error) == sqlite3.SQLITE_READONLY


def is_full(error: BaseException | None) -> bool:
    """Return whether a write failed because the disk was full, or because of a quota or limit."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return _code(error) == sqlite3.SQLITE_FULL or code == sqlite3.SQLITE_IOERR_WRITE


def is_locked(error: BaseException | None) -> bool:
    """Return whether another program held a lock for too long."""
    return _code(error) in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


def _code(error: BaseException | None) -> int | None:
    """Return the primary result code of an error of sqlite3, None for other errors."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


def database_file(settings: DatabaseSettings) -> Path | None:
    """Create the SQLite file if it is missing, and make it private.  Return None for PostgreSQL.

    SQLite creates the -wal and -shm files with the same permissions:
    https://sqlite.org/src/timeline?f=45bb84c6283d803f
    Raises: BotError if it cannot be created.
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
        with suppress(OSError):  # it does not exist, or it belongs to another user
            # Access for all users is a default that nobody chose; access for the group was chosen.
            if each.stat().st_mode & 0o007:
                each.chmod(_PRIVATE)
    return file


def path_in(url: URL) -> Path | None:
    """Return the path of the file in a SQLite URL, which may contain a `file:` URI.

    Return None for PostgreSQL or a database in memory.
    """
    if url.get_backend_name() != "sqlite" or not url.database:
        return None
    if "uri" in url.query and url.database.startswith("file:"):
        return Path(unquote(urlsplit(url.database).path))
    return Path(url.database)


def lock_database(settings: DatabaseSettings) -> FileLock | None:
    """Lock the SQLite file, so that only one Purgebot uses it.  Return None for PostgreSQL.

    Raises: BotError.
    """
    file = database_file(settings)
    return None if file is None else lock_file(file)


def lock_file(file: Path) -> FileLock:
    """Lock a SQLite file against other Purgebots.  Raises: BotError if it is in use."""
    lock = FileLock(f"{file}.lock", mode=_PRIVATE)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise BotError(DATABASE_IN_USE, file=str(file)) from None
    except OSError as error:
        raise BotError(DATABASE_AWAY, cause=f"{file}.lock: {error.strerror}") from None
    return lock

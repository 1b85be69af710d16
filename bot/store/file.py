"""The file of a SQLite database: made where it belongs, and one Purgebot's alone."""

from __future__ import annotations

from pathlib import Path

from filelock import FileLock, Timeout
from sqlalchemy import make_url

from bot.core.errors import BotError
from bot.core.setup_errors import DATABASE_AWAY, DATABASE_IN_USE
from bot.settings import DatabaseSettings


def database_file(settings: DatabaseSettings) -> Path | None:
    """Give the SQLite file, its folder made; None for PostgreSQL.  Raises: BotError."""
    url = make_url(settings.database_url.get_secret_value())
    if url.get_backend_name() != "sqlite" or not url.database:
        return None
    file = Path(url.database)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BotError(DATABASE_AWAY, cause=f"{file.parent}: {error.strerror}") from None
    return file


def lock_database(settings: DatabaseSettings) -> FileLock | None:
    """Make sure that a SQLite file has one Purgebot; PostgreSQL may have many."""
    file = database_file(settings)
    return None if file is None else lock_file(file)


def lock_file(file: Path) -> FileLock:
    """Make sure that nobody works with a SQLite file, and that nobody begins to.  Raises: BotError."""
    lock = FileLock(f"{file}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise BotError(DATABASE_IN_USE, file=str(file)) from None
    except OSError as error:
        raise BotError(DATABASE_AWAY, cause=f"{file}.lock: {error.strerror}") from None
    return lock

"""The file of a SQLite database: made where it belongs, and one Purgebot's alone."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from filelock import FileLock, Timeout
from sqlalchemy import URL, make_url

from bot.config.settings import DatabaseSettings
from bot.core.errors import BotError
from bot.core.setup_errors import DATABASE_AWAY, DATABASE_IN_USE


def database_file(settings: DatabaseSettings) -> Path | None:
    """Give the SQLite file, its folder made; None for PostgreSQL.  Raises: BotError."""
    url = make_url(settings.database_url.get_secret_value())
    file = path_in(url)
    if file is None:
        return None
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BotError(DATABASE_AWAY, cause=f"{file.parent}: {error.strerror}") from None
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
    lock = FileLock(f"{file}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise BotError(DATABASE_IN_USE, file=str(file)) from None
    except OSError as error:
        raise BotError(DATABASE_AWAY, cause=f"{file}.lock: {error.strerror}") from None
    return lock

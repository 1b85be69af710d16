"""The migrations of the schema: forward only, and safe if several replicas start at once.

The previous version can use a new version's schema as well, so replicas can be replaced one by one:
a migration adds only tables, columns that older replicas may omit, and indexes that are not unique.
A migration that must do more sets `schema_floor`, the oldest revision whose program may use the
tables.  A version that writes new states, kinds or events gets a new revision too, even if its
tables are unchanged: so older programs do not report values that they cannot read as damage.
"""

from __future__ import annotations

import re
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, select, text

from bot.core.errors import BotError, ErrorInfo
from bot.core.setup_errors import (
    DATABASE_ENCODING,
    DATABASE_NOT_OURS,
    SCHEMA_AHEAD,
    SCHEMA_NEW,
    SCHEMA_OLD,
    SCHEMA_TOO_OLD,
)
from bot.store.database.engine import or_away
from bot.store.schema.tables import schema_floor

OLDEST = "0009"
HEAD = "0009"
"""The first and the newest revision.  A test compares them with the folder `versions`."""

_LOCK = 7_821_001
"""The key of the advisory lock of migrations: an arbitrary number that must not change."""
_LOCK_TIMEOUT = "3s"
"""How long a migration waits for a table lock.  All other queries of the table wait behind it."""


def migrate(engine: Engine) -> str | None:
    """Migrate the schema to HEAD, unless it has that revision or a newer one.

    Return the previous revision, or None if the database was empty.
    Raises: BotError (`database-…`).
    """
    with or_away(), engine.execution_options(writing=True).begin() as connection:
        take_turn(connection)
        before = revision_of(connection)
        info = revision_error(connection)
        if info is not None and info.kind is not SCHEMA_OLD:
            raise BotError(info.kind, **info.facts)
        if info is not None:
            _upgrade(connection)
    return before


def schema_error(engine: Engine) -> ErrorInfo | None:
    """Return the error that prevents this program from using the database, or None.

    The error may be `database-away`.
    """
    try:
        with or_away(), engine.connect() as connection:
            return revision_error(connection)
    except BotError as error:
        return error.info


def check_not_ahead(connection: Connection) -> None:
    """Check that the schema has no newer revision than this program's.

    Raises: BotError (`database-schema-ahead`).
    """
    revision = revision_of(connection)
    if revision is not None and revision > HEAD:
        raise BotError(SCHEMA_AHEAD, found=revision, needed=HEAD)


def take_turn(connection: Connection) -> None:
    """Lock the schema against changes by other processes until the end of the transaction."""
    if connection.dialect.name == "postgresql":  # SQLite has one writer at a time
        from bot.store.database.postgresql import lift_limits

        lift_limits(connection)  # another may be migrating
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        connection.execute(text(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'"))


def revision_of(connection: Connection) -> str | None:
    """Return the revision of the schema, or None if there is none."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()


def revision_error(connection: Connection) -> ErrorInfo | None:
    """Return the error that prevents this program from using the tables, or None."""
    encoding = _encoding_of(connection)
    if encoding != "UTF8":
        return ErrorInfo(DATABASE_ENCODING, {"encoding": encoding})
    revision = revision_of(connection)
    facts = {"found": revision or "none", "needed": HEAD}
    if revision == HEAD:
        return None
    if revision is None:
        return ErrorInfo(SCHEMA_OLD, facts)
    ours = re.fullmatch("[0-9]{4}", revision) is not None
    if ours and revision < OLDEST:
        return ErrorInfo(SCHEMA_TOO_OLD, facts | {"oldest": OLDEST})
    if ours and revision < HEAD:
        return ErrorInfo(SCHEMA_OLD, facts)
    if not ours or not inspect(connection).has_table(schema_floor.name):
        return ErrorInfo(DATABASE_NOT_OURS, facts)
    floor = connection.execute(select(schema_floor.c.revision)).scalar_one()
    return ErrorInfo(SCHEMA_NEW, facts | {"floor": floor}) if floor > HEAD else None


def _encoding_of(connection: Connection) -> str:
    """Return the encoding of the database.  Every encoding of SQLite can store all of Unicode."""
    if connection.dialect.name == "sqlite":
        return "UTF8"
    encoding: str = connection.execute(text("SHOW server_encoding")).scalar_one()
    return encoding


def _upgrade(connection: Connection) -> None:
    # Importing Alembic takes as long as importing Bolt, and most starts have nothing to migrate.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")

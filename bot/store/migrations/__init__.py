"""The database's schema over time: forward only, and safe when several replicas start at once.

A new version's schema serves the version before as well, so that replicas are replaced one by one:
a migration adds tables, columns that may be missing from what an older replica writes, and indexes
that forbid nothing.  One that must do more sets `schema_floor`, the oldest revision whose program
may still use the tables.  A version that writes new states, kinds or events is a new revision too,
even where its tables are the old ones: then nobody takes what they cannot read for damage.
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
"""The first and the newest revision; a house test compares them with the folder `versions`."""

_LOCK = 7_821_001
"""The key of the advisory lock under which replicas take turns (any number, but always this)."""
_LOCK_TIMEOUT = "3s"
"""How long a change waits for a table that somebody reads: all others wait behind it meanwhile."""


def migrate(engine: Engine) -> str | None:
    """Bring the schema up to HEAD, unless it is there or beyond; give the revision found before.

    None: the database was empty.
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
    """Give what keeps this program from using the database, `database-away` included; None: it can."""
    try:
        with or_away(), engine.connect() as connection:
            return revision_error(connection)
    except BotError as error:
        return error.info


def check_not_ahead(connection: Connection) -> None:
    """Make sure that nobody wrote what only a newer version knows.

    Raises: BotError (`database-schema-ahead`).
    """
    revision = revision_of(connection)
    if revision is not None and revision > HEAD:
        raise BotError(SCHEMA_AHEAD, found=revision, needed=HEAD)


def take_turn(connection: Connection) -> None:
    """Wait until no other process changes the schema; it is this one's turn until the commit."""
    if connection.dialect.name == "postgresql":  # SQLite has one writer anyway
        connection.execute(text("SET LOCAL statement_timeout = 0"))  # others may be at it
        connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        connection.execute(text(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'"))


def revision_of(connection: Connection) -> str | None:
    """Give the revision of the schema; None where there is none."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()


def revision_error(connection: Connection) -> ErrorInfo | None:
    """Give what keeps this program from using the tables; None: it can."""
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
    """Give the encoding of the text; whatever a SQLite file has can hold all there is."""
    if connection.dialect.name == "sqlite":
        return "UTF8"
    encoding: str = connection.execute(text("SHOW server_encoding")).scalar_one()
    return encoding


def _upgrade(connection: Connection) -> None:
    # Alembic takes as long to import as Bolt does, and most starts have nothing to migrate.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")

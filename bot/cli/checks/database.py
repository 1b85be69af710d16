"""The database: is it reached, does it keep all text, has it our tables, and may they be written?"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime

from bot.cli.checks.results import CheckResult, Page, Setup, fail, fail_of, ok
from bot.core.errors import BotError
from bot.core.network.connection_errors import why_database_unreached
from bot.core.setup_errors import SCHEMA_OLD
from bot.store.database.engine import Database, info_of, or_away
from bot.store.database.probe import missing_rights, write_error
from bot.store.database.sqlite import database_file
from bot.store.migrations import schema_error


def check_database(setup: Setup) -> Iterator[CheckResult]:
    try:
        database_file(setup.settings)  # creates its folder, as `run` does
        with closing(Database(setup.settings.database_url.get_secret_value())) as database:
            yield _found(database)
    except BotError as error:
        yield _failed(error)


def _found(database: Database) -> CheckResult:
    """Return the finding about a database.  Raises: BotError if it is not reached."""
    database.write(lambda _: None)  # works also if there is no table yet
    info = schema_error(database.engine)
    if info is None or info.kind is SCHEMA_OLD:
        with or_away(), database.engine.connect() as connection:
            lacking = missing_rights(connection)
        if lacking:
            return fail(
                "database",
                f"its user lacks the right to {', '.join(lacking)}",
                "Make the user of PURGEBOT_DATABASE_URL the owner of the database, or GRANT it "
                "that right; `purgebot migrate` makes the tables as the user that it is run with.",
                Page.POSTGRESQL,
            )
    if info is None:
        info = write_error(database, datetime.now(UTC))
    # `run` updates an older SQLite file.
    if info is not None and not (database.is_sqlite and info.kind is SCHEMA_OLD):
        raise BotError(info.kind, **info.facts)
    pooled = "" if database.is_direct else ", through a connection pooler"
    return ok("database", f"{database.engine.dialect.name}{pooled}")


def _failed(error: BotError) -> CheckResult:
    if reason := why_database_unreached(error):
        why, remedy = reason
        return fail("database", f"the database cannot be reached: {why}", remedy, Page.POSTGRESQL)
    if error.__cause__ is not None:
        info = info_of(error.__cause__)
        error = BotError(info.kind, **info.facts)
    return fail_of("database", error)

"""`purgebot migrate`: brings the database up to this version; needs PURGEBOT_DATABASE_URL alone.

Any number may run at once: one migrates, the others wait and find nothing to do.
With `--from-sqlite FILE` it then moves what is in the file, which stays as it is; with `--restored`
what was to be sent by force is left to people (docs/backup.md).
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from sqlalchemy import Engine


def migrate(
    from_sqlite: Annotated[
        Path | None,
        typer.Option(help="Move what is in this SQLite file to PostgreSQL as well."),
    ] = None,
    restored: Annotated[
        bool,
        typer.Option(
            "--restored", help="After a restore: send no forced purge that was still to be sent."
        ),
    ] = False,
) -> None:
    """Bring the database of PURGEBOT_DATABASE_URL up to this version; forward only."""
    from bot.config.settings import read_database_settings
    from bot.core.errors import BotError
    from bot.core.setup_errors import MOVE_TARGET_OTHER
    from bot.store.database.engine import Database
    from bot.store.database.sqlite_lock import lock_database

    settings = read_database_settings()
    with ExitStack() as stack:
        lock = lock_database(settings)
        if lock is not None:
            stack.callback(lock.release)
        database = Database(settings.database_url.get_secret_value())
        stack.callback(database.close)
        if from_sqlite is not None and database.is_sqlite:
            raise BotError(MOVE_TARGET_OTHER)
        _bring_up(database.engine)
        if from_sqlite is not None:
            _move(from_sqlite, database.engine)
        if restored:
            _restored(database.engine)


def _bring_up(engine: Engine) -> None:
    from bot.store.migrations import HEAD, migrate

    before = migrate(engine)
    if before is not None and before >= HEAD:
        newer = " of a newer version, which this one can use" if before > HEAD else ""
        typer.echo(f"schema {before}{newer}: nothing to do")
    else:
        typer.echo(f"schema {before or 'none'} → {HEAD}")


def _move(file: Path, engine: Engine) -> None:
    from bot.store.database.sqlite_lock import lock_file
    from bot.store.maintenance import move

    with ExitStack() as stack:
        if file.is_file():  # else no lock is left beside what is not there
            stack.callback(lock_file(file).release)
        counts = move(file, engine)
    for table, rows in counts.items():
        typer.echo(f"moved {rows:>9} {table}")
    typer.echo(f"The audit trail holds. Keep {file} as a backup; never start Purgebot on it again.")


def _restored(engine: Engine) -> None:
    from bot.store.maintenance import leave_to_people

    typer.echo(f"{leave_to_people(engine)} forced purges were to be sent, and are left to people")

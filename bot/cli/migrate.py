"""`purgebot migrate`: update the database to this version.  It needs only PURGEBOT_DATABASE_URL.

Several may run at once: one migrates, and the others wait and find nothing to do.  With
`--from-sqlite FILE` it then moves the content of the file, which does not change; with `--restored`
forced purges that were still to be sent are left to people (docs/backup.md).
"""

from __future__ import annotations

from contextlib import ExitStack, closing
from pathlib import Path
from typing import Annotated

import typer


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
    from bot.config.settings import DatabaseSettings, read_settings
    from bot.core.errors import BotError
    from bot.core.setup_errors import MOVE_TARGET_OTHER
    from bot.store import migrations
    from bot.store.database.engine import Database
    from bot.store.database.sqlite import lock_database, lock_file

    settings = read_settings(DatabaseSettings)
    with ExitStack() as stack:
        lock = lock_database(settings)
        if lock is not None:
            stack.callback(lock.release)
        database = stack.enter_context(closing(Database(settings.database_url.get_secret_value())))
        if from_sqlite is not None and database.is_sqlite:
            raise BotError(MOVE_TARGET_OTHER)
        before = migrations.migrate(database.engine)
        if before is not None and before >= migrations.HEAD:
            newer = " of a newer version, which this one can use"
            typer.echo(f"schema {before}{newer if before > migrations.HEAD else ''}: nothing to do")
        else:
            typer.echo(f"schema {before or 'none'} → {migrations.HEAD}")
        if from_sqlite is not None:
            from bot.store.maintenance import move

            if from_sqlite.is_file():  # else a lock file would be left without its file
                stack.callback(lock_file(from_sqlite).release)
            for table, rows in move(from_sqlite, database.engine).items():
                typer.echo(f"moved {rows:>9} {table}")
            typer.echo(
                f"The audit trail holds. Keep {from_sqlite} as a backup; "
                "never start Purgebot on it again."
            )
        if restored:
            from bot.store.maintenance import leave_to_people

            forced = leave_to_people(database.engine)
            typer.echo(f"{forced} forced purges were to be sent, and are left to people")

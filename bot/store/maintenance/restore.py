"""After a backup was restored: what was decided since then is forgotten here, but has happened."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Engine, update

from bot.core.purge.purge import UNSENT
from bot.store.database.engine import or_away
from bot.store.schema.tables import purges

_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def leave_to_people(engine: Engine) -> int:
    """Have every forced purge that was to be sent found long overdue; give how many there are.

    It may have been sent since, or taken back: the worker makes it `unknown`, and a person decides.
    Raises: BotError (`database-away`).
    """
    unsent = purges.c.state.in_([state.value for state in UNSENT])
    overdue = update(purges).where(purges.c.force, unsent).values(due_at=_LONG_AGO)
    with or_away(), engine.execution_options(writing=True).begin() as connection:
        return connection.execute(overdue).rowcount

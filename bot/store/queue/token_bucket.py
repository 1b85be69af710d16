"""Token buckets: how much may be done in a span of time, by all replicas together.

One row a rate: how many tokens there were, and when.  What has come in since then is reckoned
from the time that went by, so nothing has to fill the bucket and nothing is counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, select, update

from bot.store.database.engine import insert_if_new
from bot.store.schema.tables import rates


@dataclass(frozen=True, slots=True)
class Rate:
    """`per_s` tokens come in a second, and at most `burst` are kept.

    Whoever finds none comes again when there are `worth`: not for each of them, where many wait.
    """

    name: str
    per_s: float
    burst: float
    worth: float = 1


_ONE = rates.c.name == bindparam("which")
_LOOK = select(rates.c.tokens, rates.c.at).where(_ONE).with_for_update()
_TAKE = update(rates).where(_ONE)
_GIVE_BACK = _TAKE.values(tokens=rates.c.tokens + bindparam("unused"))


def take(connection: Connection, rate: Rate, wanted: int, now: datetime) -> tuple[int, datetime]:
    """Take up to `wanted` tokens; give how many, and when to come for more.

    Within the caller's transaction: the row is locked until it ends.
    """
    named = {"which": rate.name}
    row = connection.execute(_LOOK, named).first()
    if row is None:  # the first time of all
        full = {"name": rate.name, "tokens": rate.burst, "at": now}
        connection.execute(insert_if_new(connection.dialect.name, rates, "name"), full)
        row = connection.execute(_LOOK, named).one()
    # Replicas' clocks differ: time that seems to run backwards brings nothing and takes nothing.
    since = max(0.0, (now - row.at).total_seconds())
    tokens = min(rate.burst, row.tokens + since * rate.per_s)
    taken = min(wanted, int(tokens))
    left = tokens - taken
    connection.execute(_TAKE, named | {"tokens": left, "at": max(now, row.at)})
    return taken, now + timedelta(seconds=max(0.0, rate.worth - left) / rate.per_s)


def give_back(connection: Connection, rate: Rate, unused: int) -> None:
    """Put tokens back that were taken in this transaction and were not needed."""
    connection.execute(_GIVE_BACK, {"which": rate.name, "unused": unused})

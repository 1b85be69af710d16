"""What waits costs nothing: no step of a purge's life looks through a whole table."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event

from bot.demo.town import Town
from tests.support.messages import APPROVE, DENY, cards, words

Statement = tuple[str, Any]


def test_no_step_of_a_purge_looks_through_a_whole_table(place: Town) -> None:
    assert place.bot is not None
    store = place.bot.store
    with listening(store.engine) as statements:
        place.says("U0ANA", "/purge www.example.com plain")
        place.waits(seconds=1)
        for tag, action_id in (("yes", APPROVE), ("no", DENY), ("late", None)):
            place.says("U0ANA", f"/purge www.example.com {tag} --force")
            place.settle()
            if action_id:
                place.presses("U0SAM", action_id, cards(place)[-1])
                place.settle()
                place.sends_form("U0SAM", "not now")
                place.settle()
        place.waits(minutes=16)  # the reminder
        place.waits(minutes=16)
        store.jobs.soonest(place.now())
    ends = ("complete", "complete", "Denied", "expired")
    assert [end in words(card) for end, card in zip(ends, cards(place), strict=True)] == [True] * 4
    plans = {what: plan(store.engine, what, values) for what, values in statements}
    assert {what: told for what, told in plans.items() if looks_through(told)} == {}


@contextmanager
def listening(engine: Engine) -> Iterator[list[Statement]]:
    """Give every question and change until the block ends, with its values."""
    heard: list[Statement] = []

    def hear(_connection: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        if statement.startswith(("SELECT", "UPDATE", "DELETE")):
            # What is done for many rows at once is done for each as for the first.
            heard.append((statement, values[0] if isinstance(values, list) else values))

    event.listen(engine, "before_cursor_execute", hear)
    try:
        yield heard
    finally:
        event.remove(engine, "before_cursor_execute", hear)


def plan(engine: Engine, statement: str, values: Any) -> str:
    """Give how the database would find what a statement asks for, were its tables large."""
    with engine.connect() as connection:
        explain = "EXPLAIN QUERY PLAN"
        if engine.dialect.name == "postgresql":
            explain = "EXPLAIN"
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        rows = connection.exec_driver_sql(f"{explain} {statement}", values)
        return "\n".join(str(row[-1]) for row in rows)


def looks_through(told: str) -> bool:
    """Whether a plan reads a table from one end to the other; a part of the question is no table."""
    steps = [line.strip(" ->") for line in told.splitlines()]
    return any(
        step.startswith(("SCAN", "Seq Scan")) and not re.search(r"anon_|\(", step) for step in steps
    )

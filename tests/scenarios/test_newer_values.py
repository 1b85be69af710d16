"""Beside a newer replica: what this version cannot read it leaves alone, and serves all the rest."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import Table, insert, select, update
from structlog.testing import capture_logs

from bot.demo.town import Town
from bot.store.schema import tables
from tests.support.messages import APPROVE, cards, only_card, whispers, words
from tests.support.processes import all_purges, check_trail, store_of

Logged = list[MutableMapping[str, Any]]
COMMAND = "/purge www.example.com hero --force"


@pytest.fixture
def logged() -> Iterator[Logged]:
    with capture_logs() as found:
        yield found


@pytest.fixture
def waiting(place: Town) -> Town:
    """Give the town with one purge that waits for approval."""
    place.says("U0ANA", COMMAND)
    place.settle()
    assert "waits for approval" in words(only_card(place))
    return place


def write(place: Town, table: Table, **values: Any) -> None:
    """Write as a newer replica would, into all rows that there are."""
    store_of(place)._database.write(
        lambda connection: connection.execute(update(table).values(**values))
    )


def rows_of(place: Town, table: Table) -> list[dict[str, Any]]:
    leases = {"lease_until", "lease_holder"}
    found = store_of(place).read(select(table)).mappings()
    return [{name: row[name] for name in row if name not in leases} for row in found]


def never_held(place: Town, table: Table, row: dict[str, Any]) -> bool:
    """Whether a newer replica could have had it at any time: done with, a lease is cleared."""
    (key,) = table.primary_key
    question = select(table.c.lease_until).where(key == row[key.name])
    return store_of(place).read(question).scalar_one() is None


def a_new_kind(place: Town, table: Table, at: datetime) -> None:
    """Write a row of a kind that this version does not know, due now."""
    row = {
        "user_id": "U0ANA",
        "channel_id": "C0WEB",
        "response_url": "",
        "attempts": 0,
        "due_at": at,
        "kind": "carrier-pigeon",
    }
    if table is tables.asks:
        row |= {"trigger_id": "9.9", "team_id": "T0", "user_team_id": "T0", "at": at}
    else:
        row |= {"response_url_at": at, "response_uses": 0, "wanted_version": 0, "shown_version": 0}
    store_of(place)._database.write(lambda connection: connection.execute(insert(table), [row]))


def all_else_is_served(place: Town) -> None:
    place.says("U0ANA", "/purge img.example.com logo")
    for _ in range(5):
        place.waits(minutes=1)
    assert "Purge complete" in words(cards(place)[-1])


def check_quiet(logged: Logged) -> None:
    """Nothing was logged as a fault, and what was left to others no more than once."""
    assert [line for line in logged if line["log_level"] in {"error", "critical"}] == []
    assert not [line for line in logged if line.get("exc_info")]
    left = [line["key"] for line in logged if line["event"] == "left-to-newer-version"]
    assert len(left) == len(set(left))


@pytest.mark.parametrize("table", [tables.asks, tables.posts], ids=str)
def test_a_kind_that_it_does_not_know_is_left_alone(
    place: Town, table: Table, logged: Logged
) -> None:
    a_new_kind(place, table, place.now())
    before = rows_of(place, table)
    all_else_is_served(place)
    assert before[0] in rows_of(place, table)
    assert never_held(place, table, before[0])
    check_quiet(logged)


@pytest.mark.parametrize("lane", [0, 1, 2])
def test_a_state_that_it_does_not_know_is_left_alone(
    waiting: Town, lane: int, logged: Logged
) -> None:
    now = waiting.now()
    write(waiting, tables.purges, state="quarantined", due_at=now, lane=lane)
    write(waiting, tables.posts, due_at=now)
    before = rows_of(waiting, tables.purges)
    all_else_is_served(waiting)
    assert before[0] in rows_of(waiting, tables.purges)
    assert never_held(waiting, tables.purges, before[0])
    assert "waits for approval" in words(cards(waiting)[0])
    check_quiet(logged)


@pytest.mark.parametrize(
    "unread",
    [
        {"refusal": {"code": "x", "sentence": "y", "mood": "new"}},
        {"low_quota": {"mood": "new"}},
        {"briefing": {"mood": "new"}},
    ],
    ids=str,
)
def test_facts_that_it_does_not_know_are_left_alone(
    waiting: Town, unread: dict[str, Any], logged: Logged
) -> None:
    write(waiting, tables.purges, due_at=waiting.now(), **unread)
    before = rows_of(waiting, tables.purges)
    all_else_is_served(waiting)
    assert before[0] in rows_of(waiting, tables.purges)
    check_quiet(logged)


@pytest.mark.parametrize("at_hand", [True, False], ids=["facts at hand", "facts to be asked for"])
def test_a_press_on_it_waits_for_who_can_read_it_and_counts_then(
    waiting: Town, logged: Logged, at_hand: bool
) -> None:
    if at_hand:
        waiting.says("U0SAM", "/purge help")
        waiting.settle()
    write(waiting, tables.purges, state="quarantined")
    assert waiting.presses("U0SAM", APPROVE, only_card(waiting))["outcome"] == "acked"
    waiting.settle()
    waiting.waits(seconds=30)
    assert waiting.purges_sent() == []
    check_quiet(logged)
    write(waiting, tables.purges, state="waiting")  # the newer one has brought it back
    waiting.waits(seconds=10)
    assert len(waiting.purges_sent()) == 1
    check_trail(waiting)


def test_who_asks_about_it_is_told_why_there_is_no_answer(waiting: Town, logged: Logged) -> None:
    (purge,) = all_purges(waiting)
    write(waiting, tables.purges, state="quarantined")
    waiting.says("U0ANA", f"/purge status {purge.id}")
    waiting.says("U0ANA", "/purge history")
    waiting.settle()
    waiting.waits(seconds=30)
    status, history = whispers(waiting)
    assert "I am being upgraded" in status
    assert "No purges" in history
    check_quiet(logged)


def test_the_same_again_is_not_joined_to_what_it_cannot_read(waiting: Town, logged: Logged) -> None:
    low_quota = {"mood": "new"}
    write(waiting, tables.purges, state="ready", low_quota=low_quota, due_at=None)
    waiting.says("U0SAM", COMMAND)
    waiting.settle()
    assert len(cards(waiting)) == 2
    assert "waits for approval" in words(cards(waiting)[-1])
    check_quiet(logged)

"""Whoever has the database alone, and no key: presses, channels and moments that nobody gave."""

from __future__ import annotations

from typing import Any

import pytest

from bot.demo.town import Town
from bot.store.schema import tables
from tests.support.conversation import Person
from tests.support.messages import APPROVE, cards, only_card, words
from tests.support.policies import DUTY_ROOM, WithPolicy
from tests.support.processes import all_purges, card_of
from tests.support.row_forgery import alters, forges_trail

KEY = "k" * 32
DUTY_FORCES = """
  - rule: The duty room forces
    roles: [duty]
    allow: [force]
    domains: [www.example.com]
"""
DUTY_BREAKS = (
    "  - {approval: The duty room need not wait, domains: [www.example.com], break_glass: [duty]}"
)


def with_key(place: Town) -> Town:
    place.stop_bot()
    place.start_bot(PURGEBOT_APPROVAL_KEY=KEY)
    return place


def writes_press(place: Town, purge_id: str, person: str, kind: str, **more: Any) -> None:
    """Write a press into the database, as if this person had made it."""
    assert place.bot is not None
    now = place.now()
    row = {
        "trigger_id": f"{purge_id}.{person}.{kind}",
        "kind": kind,
        "team_id": "T0TOWN",
        "user_team_id": "T0TOWN",
        "user_id": person,
        "channel_id": "C0WEB",
        "response_url": "",
        "at": now,
        "purge_id": purge_id,
        "due_at": now,
        "attempts": 0,
    }
    with place.bot.store.engine.begin() as connection:
        connection.execute(tables.asks.insert().values(**row, **more))


def test_with_a_key_a_press_that_was_written_by_hand_approves_nothing(
    place: Town, sam: Person
) -> None:
    purge_id = card_of(Person(with_key(place), "U0ANA").purges("www.example.com hero --force"))
    writes_press(place, purge_id, "U0SAM", "approve")
    place.settle()
    place.waits(seconds=5)
    assert place.purges_sent() == []
    assert "waits for approval" in words(only_card(place))
    sam.approves(only_card(place))
    assert len(place.purges_sent()) == 1


def test_with_a_key_a_press_that_was_altered_counts_for_nobody(place: Town, ana: Person) -> None:
    purge_id = card_of(Person(with_key(place), "U0ANA").purges("www.example.com hero --force"))
    other = card_of(ana.purges("www.example.com harmless --force"))
    place.presses("U0SAM", APPROVE, cards(place)[-1])
    assert place.bot is not None
    with place.bot.store.engine.begin() as connection:
        connection.execute(
            tables.asks.update().where(tables.asks.c.purge_id == other).values(purge_id=purge_id)
        )
    place.settle()
    assert place.purges_sent() == []


@pytest.mark.parametrize("kind", ["again", "escalate"])
def test_with_a_key_a_press_that_was_written_by_hand_asks_for_nothing(
    place: Town, kind: str
) -> None:
    purge_id = card_of(Person(with_key(place), "U0ANA").purges("www.example.com hero"))
    place.waits(minutes=10)
    alters(place, purge_id, state="unknown" if kind == "again" else "complete", due_at=None)
    writes_press(place, purge_id, "U0SAM", kind)
    place.settle()
    assert len(all_purges(place)) == 1


def test_with_a_key_nobody_asks_anew_from_another_channel(with_policy: WithPolicy) -> None:
    """Where somebody spoke may be why they may; it is signed as what they said is."""
    place = with_key(with_policy(DUTY_BREAKS, roles=DUTY_ROOM, rules=DUTY_FORCES))
    Person(place, "U0LEO").types('/purge www.example.com hero --force --break-glass --reason "now"')
    assert place.purges_sent() == []
    (refused,) = all_purges(place)
    alters(place, refused.id, state="requested", channel_id="C0OPS", refusal=None)
    forges_trail(place, refused.id, state="requested")
    place.settle()
    assert place.purges_sent() == []


def test_in_the_channel_of_the_role_the_glass_is_broken(with_policy: WithPolicy) -> None:
    place = with_key(with_policy(DUTY_BREAKS, roles=DUTY_ROOM, rules=DUTY_FORCES))
    Person(place, "U0ADA", "C0OPS").types(
        '/purge www.example.com hero --force --break-glass --reason "now"'
    )
    assert len(place.purges_sent()) == 1


def test_who_takes_away_the_time_for_undo_does_not(place: Town, kim: Person, sam: Person) -> None:
    purge_id = card_of(sam.purges("shop.example.com hero --force"))
    kim.approves(cards(place)[-1])
    alters(place, purge_id, state="ready", send_at=None)
    place.settle()
    assert place.purges_sent() == []
    place.waits(seconds=11)
    assert len(place.purges_sent()) == 1

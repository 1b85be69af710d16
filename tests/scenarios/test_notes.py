"""An edited card calls nobody; a note below it does."""

from __future__ import annotations

from typing import Any

import pytest

from bot.playground.town import Town
from tests.talk import APPROVE, cards, notes, only_card, whispers

CANCEL = "purge:cancel"


def asks(place: Town, channel: str = "C0WEB") -> dict[str, Any]:
    place.says("U0ANA", "/purge www.example.com hero --force", channel)
    place.settle()
    return only_card(place, "U0ANA", channel)


def test_the_requester_is_told_of_the_approval_and_the_task(place: Town) -> None:
    place.presses("U0SAM", APPROVE, asks(place))
    place.settle()
    (note,) = notes(place)
    assert note.startswith("<@U0ANA>")
    assert "approved by <@U0SAM>" in note
    assert place.purges_sent()[0]["task_id"] in note


def test_the_requester_is_told_of_the_expiry(place: Town) -> None:
    asks(place)
    place.waits(minutes=31)
    assert "expired" in notes(place)[-1]
    assert notes(place)[-1].startswith("<@U0ANA>")


def test_who_cancels_is_not_told_that_they_did(place: Town) -> None:
    place.presses("U0ANA", CANCEL, asks(place))
    place.settle()
    assert notes(place) == []


def test_a_purge_that_asked_nobody_needs_no_note(place: Town) -> None:
    place.says("U0ANA", "/purge www.example.com hero")
    place.settle()
    assert notes(place) == []


def test_those_who_may_decide_are_reminded_once_at_half_of_the_time(place: Town) -> None:
    asks(place)
    place.waits(minutes=14)
    assert notes(place) == []
    place.waits(minutes=2)
    place.waits(minutes=5)
    (note,) = notes(place)
    assert note.startswith("<!subteam^S0SRE>")
    assert "still waits" in note


def test_nobody_is_reminded_of_what_is_decided(place: Town) -> None:
    place.presses("U0SAM", APPROVE, asks(place))
    place.settle()
    place.waits(minutes=20)
    assert len(notes(place)) == 1


def test_a_reminder_missed_while_the_bot_was_down_comes_at_start(place: Town) -> None:
    asks(place)
    place.stop_bot()
    place.waits(minutes=20)
    place.start_bot()
    place.settle()
    assert "still waits" in notes(place)[-1]


@pytest.mark.parametrize("channel", ["C0LAUNCH"])
def test_where_a_mention_cannot_reach_the_requester_is_told_directly(
    place: Town, channel: str
) -> None:
    place.presses("U0SAM", APPROVE, asks(place, channel), channel)
    place.settle()
    (told,) = cards(place, "U0ANA", "D0ANABOT")
    assert "approved by <@U0SAM>" in str(told)
    assert whispers(place, "U0ANA", channel) == []

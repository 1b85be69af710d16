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


def test_the_requester_is_told_once_when_all_is_done(place: Town) -> None:
    place.presses("U0SAM", APPROVE, asks(place))
    place.settle()
    assert notes(place) == []
    place.waits(minutes=10)
    (note,) = notes(place)
    assert note.startswith("<@U0ANA>")
    assert "approved by <@U0SAM>, and is complete. Took" in note


def test_the_requester_is_told_once_also_when_slacks_answer_is_lost(place: Town) -> None:
    place.presses("U0SAM", APPROVE, asks(place))
    place.settle()
    place.post("slack/faults", {"lose_reply_of": "chat.postMessage"})
    place.waits(minutes=10)
    place.waits(minutes=1)
    (note,) = notes(place)
    assert "is complete" in note


def test_without_the_right_to_look_the_requester_is_told_again(place: Town) -> None:
    place.presses("U0SAM", APPROVE, asks(place))
    place.settle()
    blind = {"method": "conversations.replies", "error": "missing_scope", "times": None}
    place.post("slack/faults", {"lose_reply_of": "chat.postMessage", "web_api": [blind]})
    place.waits(minutes=10)
    place.waits(minutes=1)
    assert len(notes(place)) == 2


def test_a_reminder_whose_answer_was_lost_is_not_repeated(place: Town) -> None:
    asks(place)
    place.post("slack/faults", {"lose_reply_of": "chat.postMessage"})
    place.waits(minutes=16)
    place.waits(minutes=1)
    (note,) = notes(place)
    assert "still waits" in note


def test_the_requester_is_told_of_the_expiry(place: Town) -> None:
    asks(place)
    place.waits(minutes=31)
    assert "expired" in notes(place)[-1]
    assert notes(place)[-1].startswith("<@U0ANA>")


def test_who_cancels_is_not_told_that_they_did(place: Town) -> None:
    place.presses("U0ANA", CANCEL, asks(place))
    place.settle()
    assert notes(place) == []


def test_a_plain_purge_is_told_of_when_it_is_complete_and_not_before(place: Town) -> None:
    place.says("U0ANA", "/purge www.example.com hero")
    place.settle()
    assert notes(place) == []
    place.waits(minutes=10)
    (note,) = notes(place)
    assert "<@U0ANA>, your purge of `www.example.com` is complete." in note


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
    place.waits(minutes=10)
    (told,) = cards(place, "U0ANA", "D0ANABOT")
    assert "approved by <@U0SAM>" in str(told)
    assert whispers(place, "U0ANA", channel) == []

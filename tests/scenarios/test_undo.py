"""A moment to think better of it: a granted purge can be stopped before it is sent."""

from __future__ import annotations

from typing import Any

import pytest

from bot.demo.town import Town
from tests.support.conversation import Person
from tests.support.messages import buttons, notes, only_card, whispers, words

CANCEL = "purge:cancel"


@pytest.fixture
def granted(place: Town, kim: Person, sam: Person) -> dict[str, Any]:
    """Give the card of a forced purge of the shop that Kim has just approved."""
    sam.types("/purge shop.example.com prices --force")
    kim.approves(only_card(place))
    return only_card(place)


def test_it_waits_ten_seconds_and_says_so(place: Town, granted: dict[str, Any]) -> None:
    assert place.purges_sent() == []
    assert "approved: it is sent at" in words(granted)
    assert buttons(granted) == ["Stop it"]


def test_then_it_is_sent(place: Town, granted: dict[str, Any]) -> None:
    place.waits(seconds=9)
    assert place.purges_sent() == []
    place.waits(seconds=2)
    (sent,) = place.purges_sent()
    assert sent["task_id"] in words(only_card(place))
    assert buttons(only_card(place)) == []


@pytest.mark.parametrize("person", ["U0SAM", "U0KIM"], ids=["its requester", "who approved it"])
def test_meanwhile_it_can_be_stopped(place: Town, granted: dict[str, Any], person: str) -> None:
    place.presses(person, CANCEL, granted)
    place.waits(minutes=1)
    assert place.purges_sent() == []
    assert "stopped: nothing was purged" in words(only_card(place))
    assert f"Stopped by <@{person}>" in words(only_card(place))


def test_its_requester_is_told_when_somebody_else_stops_it(
    place: Town, kim: Person, granted: dict[str, Any]
) -> None:
    kim.presses(CANCEL, granted)
    assert (
        "<@U0SAM>, your forced purge of `shop.example.com` was stopped by <@U0KIM>"
        in notes(place)[-1]
    )


def test_whoever_has_no_say_cannot_stop_it(
    place: Town, leo: Person, granted: dict[str, Any]
) -> None:
    leo.presses(CANCEL, granted)
    assert "You may not decide" in whispers(place, "U0LEO")[-1]
    place.waits(seconds=11)
    assert len(place.purges_sent()) == 1


def test_too_late_is_too_late(place: Town, sam: Person, granted: dict[str, Any]) -> None:
    place.waits(seconds=11, settle=False)
    sam.presses(CANCEL, granted)
    assert len(place.purges_sent()) == 1
    assert "Too late" in whispers(place, "U0SAM")[-1]


def test_a_restart_in_between_sends_it_all_the_same(place: Town, granted: dict[str, Any]) -> None:
    place.stop_bot()
    place.waits(minutes=1, settle=False)
    place.start_bot()
    place.settle()
    assert len(place.purges_sent()) == 1


def test_a_right_that_is_lost_in_between_stops_it(place: Town, granted: dict[str, Any]) -> None:
    place.post("slack/person", {"id": "U0KIM", "groups": []})
    place.waits(seconds=61)  # the group lists are a minute old by then
    assert place.purges_sent() == []
    assert "a right was withdrawn" in words(only_card(place))


def test_without_a_span_in_the_policy_nobody_waits(place: Town, ana: Person, sam: Person) -> None:
    ana.types("/purge www.example.com hero --force")
    sam.approves(only_card(place))
    assert len(place.purges_sent()) == 1

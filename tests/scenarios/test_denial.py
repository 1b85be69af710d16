"""Deny asks why: the form, its reason, and everything that can come between the two."""

from __future__ import annotations

from typing import Any

import pytest

from bot.demo.town import Town
from tests.support.conversation import Person
from tests.support.messages import DENY, buttons, notes, only_card, whispers, words


@pytest.fixture
def card(place: Town, ana: Person) -> dict[str, Any]:
    """Give the card of a forced purge that waits."""
    ana.types('/purge www.example.com hero --force --reason "new logo"')
    return only_card(place)


def begins_to_deny(place: Town, card: dict[str, Any], person: str = "U0SAM") -> None:
    Person(place, person).presses(DENY, card)


def test_the_form_says_what_is_denied_and_who_asked_why(place: Town, card: dict[str, Any]) -> None:
    begins_to_deny(place, card)
    (form,) = place.forms("U0SAM")
    assert "`www.example.com`" in words(form)
    assert "`hero`" in words(form)
    assert "<@U0ANA>" in words(form)
    assert "new logo" in words(form)


def test_the_press_alone_denies_nothing(place: Town, kim: Person, card: dict[str, Any]) -> None:
    begins_to_deny(place, card)
    assert buttons(only_card(place)) == ["Approve", "Deny", "Cancel (requester only)"]
    kim.approves(only_card(place))
    assert len(place.purges_sent()) == 1


def test_the_requester_reads_the_reason(place: Town, card: dict[str, Any]) -> None:
    place.denies("U0SAM", card, "the match   is\non")
    place.settle()
    assert "the match is on" in words(only_card(place))
    assert "<@U0ANA>" in notes(place)[-1]
    assert "the match is on" in notes(place)[-1]


@pytest.mark.parametrize(
    ("person", "told"),
    [("U0ANA", "your own request"), ("U0LEO", "You may not decide"), ("U0EVE", "other workspaces")],
    ids=["requester", "without the right", "outsider"],
)
def test_who_may_not_deny_is_told_at_the_press_and_sees_no_form(
    place: Town, card: dict[str, Any], person: str, told: str
) -> None:
    place.post("slack/join", {"channel": "C0WEB", "user": person})
    begins_to_deny(place, card, person)
    assert place.forms(person) == []
    assert told in whispers(place, person)[-1]


def test_a_reason_of_spaces_is_asked_for_again_and_denies_nothing(
    place: Town, card: dict[str, Any]
) -> None:
    place.denies("U0SAM", card, " \n ")
    place.settle()
    (form,) = place.forms("U0SAM")
    assert "reason is empty" in form["errors"]["reason"]
    assert buttons(only_card(place)) == ["Approve", "Deny", "Cancel (requester only)"]
    place.sends_form("U0SAM", "the match is on")
    place.settle()
    assert place.forms("U0SAM") == []
    assert "Denied by" in words(only_card(place))


def test_a_form_that_comes_back_too_late_changes_nothing(
    place: Town, kim: Person, card: dict[str, Any]
) -> None:
    begins_to_deny(place, card)
    kim.approves(card)
    place.sends_form("U0SAM", "the match is on")
    place.settle()
    assert len(place.purges_sent()) == 1
    assert "Too late" in whispers(place, "U0SAM")[-1]
    assert "the match" not in words(only_card(place))


def test_a_right_that_is_lost_while_the_form_is_open_does_not_count(
    place: Town, card: dict[str, Any]
) -> None:
    begins_to_deny(place, card)
    place.post("slack/person", {"id": "U0SAM", "groups": []})
    place.waits(minutes=2)
    place.sends_form("U0SAM", "the match is on")
    place.settle()
    assert "You may not decide" in whispers(place, "U0SAM")[-1]
    assert buttons(only_card(place)) == ["Approve", "Deny", "Cancel (requester only)"]


def test_a_press_that_the_bot_gets_to_too_late_is_told_to_press_again(
    place: Town, card: dict[str, Any]
) -> None:
    place.presses("U0SAM", DENY, card)
    place.waits(seconds=5)  # what Slack gives to open a form with has run out
    assert place.forms("U0SAM") == []
    assert "Press Deny again" in whispers(place, "U0SAM")[-1]
    place.denies("U0SAM", card, "the match is on")
    place.settle()
    assert "Denied by" in words(only_card(place))


def test_a_press_before_a_crash_gets_its_answer_after_it(place: Town, card: dict[str, Any]) -> None:
    place.presses("U0SAM", DENY, card)
    place.stop_bot()
    place.waits(minutes=1, settle=False)
    place.start_bot()
    place.settle()
    assert "Press Deny again" in whispers(place, "U0SAM")[-1]


def test_a_form_delivered_twice_denies_once(place: Town, card: dict[str, Any]) -> None:
    begins_to_deny(place, card)
    place.post("slack/faults", {"deliver_twice": True})
    place.sends_form("U0SAM", "the match is on")
    place.settle()
    assert whispers(place, "U0SAM") == []
    assert len(notes(place)) == 1

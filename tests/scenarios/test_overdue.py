"""A forced purge that is found long after it was to be sent: perhaps it was, so a person decides."""

from __future__ import annotations

import pytest

from bot.demo.town import Town
from tests.support.messages import APPROVE, buttons, cards, notes, only_card, words
from tests.support.processes import check_trail, store_of

AGAIN = "purge:again"


@pytest.fixture
def granted(place: Town) -> Town:
    """Give the town with a forced purge that is sent in ten seconds (the policy's `undo`)."""
    place.says("U0SAM", "/purge shop.example.com hero --force")
    place.settle()
    place.presses("U0KIM", APPROVE, only_card(place))
    place.settle()
    assert place.purges_sent() == []
    return place


@pytest.fixture
def held(place: Town) -> Town:
    """Give the town with a forced purge that the CDN did not take yet."""
    place.breaks(kind="error", code="TooMany.Refresh", times=1)
    place.says("U0ANA", "/purge www.example.com hero --force")
    place.settle()
    place.presses("U0SAM", APPROVE, only_card(place))
    place.settle()
    assert "Forced purge held" in words(only_card(place))
    return place


def check_not_sent(place: Town, before: int) -> None:
    assert len(place.purges_sent()) == before
    card = only_card(place)
    assert "outcome unknown" in words(card)
    assert "restored from a backup" in words(card)
    assert buttons(card) == ["Purge again", "Leave it"]
    check_trail(place)


def test_it_is_not_sent_by_itself(granted: Town) -> None:
    granted.waits(minutes=11, settle=False)
    granted.settle()
    check_not_sent(granted, 0)
    assert "was not sent in time, and nobody knows" in notes(granted)[-1]
    granted.waits(minutes=5)
    check_not_sent(granted, 0)
    assert store_of(granted).jobs.soonest(granted.now()) == {}, "there is nothing to look for"


def test_a_little_late_it_is_sent(granted: Town) -> None:
    granted.waits(minutes=10, settle=False)
    granted.settle()
    assert len(granted.purges_sent()) == 1


def test_one_that_was_held_is_not_sent_by_itself_either(held: Town) -> None:
    held.waits(minutes=20, settle=False)
    held.settle()
    held.waits(minutes=5)
    check_not_sent(held, 1)


def test_one_that_is_held_for_long_is_sent_when_its_time_comes(place: Town) -> None:
    place.breaks(kind="error", code="TooMany.Refresh", retry_after_ms=30 * 60_000, times=1)
    place.says("U0ANA", "/purge www.example.com hero --force")
    place.settle()
    place.presses("U0SAM", APPROVE, only_card(place))
    place.settle()
    place.waits(minutes=38, settle=False)
    place.settle()
    assert len(place.purges_sent()) == 2


def test_a_person_may_have_it_purged_all_the_same(granted: Town) -> None:
    granted.waits(minutes=11, settle=False)
    granted.settle()
    granted.presses("U0SAM", AGAIN, only_card(granted))
    granted.settle()
    granted.presses("U0KIM", APPROVE, cards(granted)[-1])
    granted.settle()
    granted.waits(seconds=11)
    assert len(granted.purges_sent()) == 1


def test_who_asked_for_the_same_meanwhile_is_told_the_same(granted: Town) -> None:
    granted.says("U0KIM", "/purge shop.example.com hero")
    granted.settle()
    granted.waits(minutes=11, settle=False)
    granted.settle()
    granted.waits(minutes=2)
    assert ["outcome unknown" in words(card) for card in cards(granted)] == [True, True]
    assert granted.purges_sent() == []


def test_a_plain_purge_is_sent_however_late_it_is(place: Town) -> None:
    place.breaks(kind="error", code="TooMany.Refresh", times=1)
    place.says("U0ANA", "/purge www.example.com hero")
    place.settle()
    assert "Purge held" in words(only_card(place))
    place.waits(hours=5, settle=False)
    place.settle()
    assert len(place.purges_sent()) == 2

"""The same again while it is at work: joined, not sent twice, and both people are told."""

from __future__ import annotations

from bot.playground.town import Town
from tests.processes import card_of
from tests.talk import APPROVE, buttons, cards, notes, only_card, words


def purges(place: Town, command: str = "www.example.com hero", person: str = "U0ANA") -> None:
    place.says(person, f"/purge {command}")
    place.settle()


def approves(place: Town) -> None:
    place.presses("U0KIM", APPROVE, cards(place)[-1])
    place.settle()


def test_the_same_is_joined_and_both_are_told(place: Town) -> None:
    purges(place, "www.example.com hero,logo")
    purges(place, "www.example.com logo,hero", "U0SAM")
    assert len(place.purges_sent()) == 1
    assert "joined to one of the same" in words(cards(place)[-1])
    place.waits(minutes=2)
    place.waits(seconds=3)
    assert ["Purge complete" in words(card) for card in cards(place)] == [True, True]
    told = " ".join(notes(place))
    assert "<@U0ANA>, your purge" in told
    assert "<@U0SAM>, your purge" in told
    assert len(notes(place)) == 2


def test_other_tags_or_another_domain_are_not_the_same(place: Town) -> None:
    purges(place)
    purges(place, "www.example.com hero,logo")
    purges(place, "img.example.com hero")
    assert len(place.purges_sent()) == 3


def test_a_plain_one_is_joined_to_a_forced_one(place: Town) -> None:
    purges(place, "www.example.com hero --force")
    approves(place)
    purges(place)
    assert len(place.purges_sent()) == 1


def test_a_forced_one_is_not_joined_to_a_plain_one(place: Town) -> None:
    purges(place)
    purges(place, "www.example.com hero --force")
    assert "waits for approval" in words(cards(place)[-1])


def test_a_forced_one_that_is_joined_asks_nobody(place: Town) -> None:
    purges(place, "www.example.com hero --force")
    approves(place)
    purges(place, "www.example.com hero --force", "U0SAM")
    assert "joined" in words(cards(place)[-1])
    assert buttons(cards(place)[-1]) == []
    assert len(place.purges_sent()) == 1


def test_an_approved_one_joins_what_was_sent_meanwhile(place: Town) -> None:
    purges(place, "www.example.com hero --force")
    purges(place, "www.example.com hero --force", "U0SAM")
    for card in cards(place):
        place.presses("U0KIM", APPROVE, card)
    place.settle()
    assert len(place.purges_sent()) == 1


def test_what_waits_is_joined_to_what_was_sent_not_to_what_waits_too(place: Town) -> None:
    """Else two could be joined to each other, and neither would ever be sent."""
    for person in ("U0ANA", "U0SAM", "U0ANA"):
        purges(place, "www.example.com hero --force", person)
    held, sent, last = cards(place)
    place.breaks(kind="error", code="TooMany.Refresh", times=1)
    for card in (held, sent, last):
        place.presses("U0KIM", APPROVE, card)
        place.settle()
    assert "submitted" in words(cards(place)[1])
    assert f"`{card_of(sent)}`: this one ends as that one does" in words(cards(place)[-1])
    place.waits(minutes=3)
    place.waits(minutes=3)
    assert ["purge complete" in words(card) for card in cards(place)] == [True, True, True]


def test_whoever_may_not_purge_it_cannot_join_it(place: Town) -> None:
    purges(place)
    purges(place, person="U0LEO")
    assert len(cards(place)) == 1


def test_after_the_window_it_is_sent(place: Town) -> None:
    place.post("cdn/settings", {"task_seconds": 600})
    purges(place)
    place.waits(seconds=61)
    purges(place, person="U0SAM")
    assert len(place.purges_sent()) == 2


def test_without_a_window_everything_is_sent(place: Town) -> None:
    place.stop_bot()
    place.start_bot(PURGEBOT_JOIN_WINDOW_SECONDS="0")
    purges(place)
    purges(place)
    assert len(place.purges_sent()) == 2


def test_when_the_other_is_cancelled_it_is_sent_itself(place: Town) -> None:
    place.breaks(kind="error", code="TooMany.Refresh", times=1)
    purges(place)
    purges(place, person="U0SAM")
    assert len(place.purges_sent()) == 1
    place.presses("U0ANA", "purge:cancel", cards(place)[0])
    place.settle()
    place.waits(seconds=2)
    assert len(place.purges_sent()) == 2
    assert "submitted" in words(cards(place)[-1])


def test_when_the_other_fails_it_has_failed_too(place: Town) -> None:
    place.post("cdn/settings", {"task_end": "Failed"})
    purges(place)
    purges(place, person="U0SAM")
    place.waits(minutes=2)
    place.waits(seconds=3)
    assert ["failed" in words(card) for card in cards(place)] == [True, True]


def test_a_restart_in_between_ends_both(place: Town) -> None:
    purges(place)
    purges(place, person="U0SAM")
    place.stop_bot()
    place.waits(minutes=5, settle=False)
    place.start_bot()
    place.settle()
    place.waits(seconds=3)
    assert ["Purge complete" in words(card) for card in cards(place)] == [True, True]


def test_after_it_is_complete_the_same_is_sent_again(place: Town) -> None:
    purges(place)
    place.waits(seconds=30)
    assert "Purge complete" in words(only_card(place))
    purges(place)
    assert len(place.purges_sent()) == 2

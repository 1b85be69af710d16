"""The same again while it is at work: joined, not sent twice, and both people are told."""

from __future__ import annotations

import re

from bot.demo.town import Town
from tests.support.conversation import Person
from tests.support.messages import buttons, cards, notes, only_card, whispers, words
from tests.support.processes import card_of

CANCEL = "purge:cancel"


def test_the_same_is_joined_and_both_are_told(place: Town, ana: Person, sam: Person) -> None:
    ana.types("/purge www.example.com hero,logo")
    sam.types("/purge www.example.com logo,hero")
    assert len(place.purges_sent()) == 1
    assert "joined: another one covers it" in words(cards(place)[-1])
    place.waits(minutes=2)
    place.waits(seconds=3)
    assert ["Purge complete" in words(card) for card in cards(place)] == [True, True]
    told = " ".join(notes(place))
    assert "<@U0ANA>, your purge" in told
    assert "<@U0SAM>, your purge" in told
    assert len(notes(place)) == 2


def test_whoever_asks_three_times_learns_what_covers_what_and_is_told_of_each_call_once(
    place: Town, ana: Person, sam: Person
) -> None:
    place.post("cdn/settings", {"task_seconds": 60})
    first = card_of(ana.purges("www.example.com hero"))
    place.waits(seconds=4)
    covered = words(ana.purges("www.example.com hero"))
    assert f"as purge `{first}`. That covers this one too" in covered
    assert re.search(r"The same tags were sent at <!date\^\d+\^{time_secs}\|", covered)
    assert "needs another /purge, which goes out when that one is done" in covered
    place.waits(seconds=11)
    later = words(ana.purges("www.example.com hero"))
    assert "This one is sent when that one is done" in later
    for _ in range(4):
        place.waits(minutes=1)
    shown = [words(card) for card in cards(place)]
    assert ["Purge complete" in card for card in shown] == [True, True, True]
    assert f"Covered by purge `{first}`, which was sent at" in shown[1]
    assert "was published after" in shown[1]
    assert ["Took" in card for card in shown] == [True, False, True]
    assert len(notes(place)) == len(place.purges_sent()) == 2
    counted = words(sam.purges("www.example.com other --force"))
    assert "0 forced and 2 plain in the last hour" in counted


def test_other_tags_or_another_domain_are_not_the_same(place: Town, ana: Person) -> None:
    ana.types("/purge www.example.com hero")
    ana.types("/purge www.example.com hero,logo")
    ana.types("/purge img.example.com hero")
    assert len(place.purges_sent()) == 3


def test_a_plain_one_is_joined_to_a_forced_one(place: Town, ana: Person, kim: Person) -> None:
    ana.types("/purge www.example.com hero --force")
    kim.approves()
    ana.types("/purge www.example.com hero")
    assert len(place.purges_sent()) == 1


def test_a_forced_one_is_not_joined_to_a_plain_one(place: Town, ana: Person) -> None:
    ana.types("/purge www.example.com hero")
    ana.types("/purge www.example.com hero --force")
    assert "waits for approval" in words(cards(place)[-1])


def test_nor_to_a_plain_one_that_is_still_to_be_sent(place: Town, ana: Person) -> None:
    place.breaks(kind="error", code="TooMany.Refresh", times=1)
    ana.types("/purge www.example.com hero")
    ana.types("/purge www.example.com hero --force")
    assert "waits for approval" in words(cards(place)[-1])


def test_a_double_submit_of_a_forced_one_asks_nobody(
    place: Town, ana: Person, kim: Person, sam: Person
) -> None:
    ana.types("/purge www.example.com hero --force")
    kim.approves()
    place.waits(seconds=4)
    sam.types("/purge www.example.com hero --force")
    assert "joined" in words(cards(place)[-1])
    assert buttons(cards(place)[-1]) == []
    assert len(place.purges_sent()) == 1


def test_a_forced_one_asked_for_later_waits_for_an_approval_of_its_own(
    place: Town, ana: Person, kim: Person, sam: Person
) -> None:
    place.post("cdn/settings", {"task_seconds": 60})
    ana.types("/purge www.example.com hero --force")
    kim.approves()
    place.waits(seconds=6)
    sam.types("/purge www.example.com hero --force")
    assert "waits for approval" in words(cards(place)[-1])
    kim.approves()
    assert "held: it goes out after one of the same" in words(cards(place)[-1])
    assert len(place.purges_sent()) == 1
    place.waits(minutes=2)
    assert len(place.purges_sent()) == 2


# Waiting for approval


def test_the_same_that_waits_is_not_asked_twice_and_the_second_is_told_where(
    place: Town, ana: Person, kim: Person, sam: Person
) -> None:
    ana.types("/purge www.example.com hero --force")
    sam.types("/purge www.example.com hero --force")
    (told,) = whispers(place, "U0SAM")
    waiting = only_card(place)
    assert "waits for approval already" in told
    assert f"archives/C0WEB/p{waiting['ts'].replace('.', '')}|its card>" in told
    assert card_of(waiting) in told
    kim.approves()
    assert len(place.purges_sent()) == 1


def test_where_slack_does_not_tell_the_link_the_purge_is_named(
    place: Town, ana: Person, sam: Person
) -> None:
    ana.types("/purge www.example.com hero --force")
    away = {"method": "chat.getPermalink", "error": "internal_error", "times": 9}
    place.post("slack/faults", {"web_api": [away]})
    sam.types("/purge www.example.com hero --force")
    assert f"its card: purge `{card_of(only_card(place))}`" in whispers(place, "U0SAM")[0]


def test_other_tags_are_asked_for_beside_it(place: Town, ana: Person, sam: Person) -> None:
    ana.types("/purge www.example.com hero --force")
    sam.types("/purge www.example.com hero,logo --force")
    assert ["waits for approval" in words(card) for card in cards(place)] == [True, True]


def test_what_was_denied_can_be_asked_for_again(place: Town, ana: Person) -> None:
    ana.types("/purge www.example.com hero --force")
    place.denies("U0KIM", only_card(place), "the match is on")
    place.settle()
    ana.types("/purge www.example.com hero --force")
    assert "waits for approval" in words(cards(place)[-1])


# Still to be sent


def granted_twice(place: Town) -> None:
    """Have a forced purge of the shop approved, and the same asked for before it is sent."""
    Person(place, "U0SAM").types("/purge shop.example.com hero --force")
    Person(place, "U0KIM").approves(only_card(place))
    Person(place, "U0SAM").types("/purge shop.example.com hero --force")


def test_one_call_covers_what_is_asked_for_before_it(place: Town) -> None:
    granted_twice(place)
    assert "joined: another one covers it" in words(cards(place)[-1])
    place.waits(seconds=11)
    assert len(place.purges_sent()) == 1
    place.waits(minutes=2)
    place.waits(seconds=3)
    assert ["purge complete" in words(card) for card in cards(place)] == [True, True]


def test_if_that_one_ends_unsent_the_joined_one_waits_for_its_own_approval(
    place: Town, kim: Person
) -> None:
    granted_twice(place)
    kim.presses(CANCEL, cards(place)[0])
    place.waits(minutes=1)
    assert place.purges_sent() == []
    first, second = cards(place)
    assert "stopped: nothing was purged" in words(first)
    assert "waits for approval" in words(second)
    assert buttons(second) == ["Approve", "Deny", "Cancel (requester only)"]
    assert len(notes(place)) == 1, "Sam is told once, of the one that was stopped"
    kim.approves(second)
    place.waits(seconds=11)
    assert len(place.purges_sent()) == 1


def test_nor_is_it_sent_when_the_one_that_was_held_is_given_up(
    place: Town, ana: Person, kim: Person, sam: Person
) -> None:
    place.breaks(kind="error", code="TooMany.Refresh", times=1)
    ana.types("/purge www.example.com hero --force")
    kim.approves()
    sam.types("/purge www.example.com hero --force")
    assert "joined" in words(cards(place)[-1])
    ana.presses(CANCEL, cards(place)[0])
    place.waits(minutes=10)
    assert len(place.purges_sent()) == 1
    assert "waits for approval" in words(cards(place)[-1])


def test_of_many_that_were_joined_one_asks_and_the_others_hear_so(
    place: Town, sam: Person, kim: Person
) -> None:
    granted_twice(place)
    kim.types("/purge shop.example.com hero --force")
    sam.presses(CANCEL, cards(place)[0])
    place.waits(seconds=3)
    _, second, third = cards(place)
    assert "waits for approval" in words(second)
    assert "waits for approval already" in words(third)
    assert "<@U0KIM>, your forced purge" in notes(place)[-1]


def test_what_is_released_is_refused_when_the_right_is_lost(place: Town, kim: Person) -> None:
    granted_twice(place)
    place.post("slack/person", {"id": "U0SAM", "groups": []})
    kim.presses(CANCEL, cards(place)[0])
    place.waits(minutes=1)
    assert "refused" in words(cards(place)[-1])
    assert "<@U0SAM>, your forced purge of `shop.example.com` was not sent" in notes(place)[-1]


# Sent already


def queued(place: Town, minutes: float = 1.5) -> None:
    """Have a purge run for a while, and the same asked for half a minute after it was sent."""
    place.post("cdn/settings", {"task_seconds": 60 * minutes})
    Person(place, "U0ANA").types("/purge www.example.com hero")
    place.waits(seconds=30)
    Person(place, "U0SAM").types("/purge www.example.com hero")


def test_what_is_asked_for_later_goes_out_when_the_running_one_is_done(place: Town) -> None:
    queued(place)
    card = words(cards(place)[-1])
    assert "held: it goes out after one of the same" in card
    assert f"as purge `{card_of(cards(place)[0])}`, and that one is not done" in card
    assert "at the latest" in card
    assert len(place.purges_sent()) == 1
    place.waits(minutes=2)
    assert len(place.purges_sent()) == 2
    place.waits(minutes=3)
    place.waits(seconds=3)
    assert ["Purge complete" in words(card) for card in cards(place)] == [True, True]
    assert len(notes(place)) == 2


def test_all_that_is_asked_meanwhile_is_one(place: Town, ana: Person) -> None:
    queued(place)
    ana.types("/purge www.example.com hero")
    assert "joined: another one covers it" in words(cards(place)[-1])
    place.waits(minutes=2)
    place.waits(minutes=3)
    place.waits(seconds=3)
    assert len(place.purges_sent()) == 2
    assert ["Purge complete" in words(card) for card in cards(place)] == [True, True, True]


def test_where_the_cdn_tells_no_end_it_waits_ten_minutes(
    place: Town, ana: Person, sam: Person
) -> None:
    place.post("cdn/settings", {"knows_tag_tasks": False})
    ana.types("/purge www.example.com hero")
    place.waits(seconds=30)
    sam.types("/purge www.example.com hero")
    place.waits(minutes=9)
    assert len(place.purges_sent()) == 1
    place.waits(minutes=1)
    assert len(place.purges_sent()) == 2


def test_it_can_be_cancelled_meanwhile(place: Town, sam: Person) -> None:
    queued(place)
    assert buttons(cards(place)[-1]) == ["Cancel (requester only)"]
    sam.presses(CANCEL, cards(place)[-1])
    place.waits(minutes=15)
    assert len(place.purges_sent()) == 1
    assert "cancelled: nothing was purged" in words(cards(place)[-1])


def test_whoever_lost_the_right_meanwhile_gets_nothing_sent(place: Town) -> None:
    queued(place)
    place.post("slack/person", {"id": "U0SAM", "groups": []})
    place.waits(minutes=3)
    assert len(place.purges_sent()) == 1
    assert "refused" in words(cards(place)[-1])
    assert "<@U0SAM>, your purge of `www.example.com` was not sent" in notes(place)[-1]


def test_a_restart_in_between_sends_it_all_the_same(place: Town) -> None:
    queued(place)
    place.stop_bot()
    place.waits(minutes=5, settle=False)
    place.start_bot()
    place.settle()
    place.waits(seconds=3)
    assert len(place.purges_sent()) == 2


def test_whoever_may_not_purge_it_cannot_join_it(place: Town, ana: Person, leo: Person) -> None:
    ana.types("/purge www.example.com hero")
    leo.types("/purge www.example.com hero")
    assert len(cards(place)) == 1


def test_without_a_window_everything_is_sent(place: Town, ana: Person) -> None:
    place.stop_bot()
    place.start_bot(PURGEBOT_JOIN_WINDOW_SECONDS="0")
    ana.types("/purge www.example.com hero")
    ana.types("/purge www.example.com hero")
    assert len(place.purges_sent()) == 2


def test_when_the_other_is_cancelled_it_is_sent_itself(
    place: Town, ana: Person, sam: Person
) -> None:
    place.breaks(kind="error", code="TooMany.Refresh", times=1)
    ana.types("/purge www.example.com hero")
    sam.types("/purge www.example.com hero")
    assert len(place.purges_sent()) == 1
    ana.presses("purge:cancel", cards(place)[0])
    place.waits(seconds=2)
    assert len(place.purges_sent()) == 2
    assert "sent: the CDN has taken it" in words(cards(place)[-1])


def test_when_the_other_fails_it_has_failed_too(place: Town, ana: Person, sam: Person) -> None:
    place.post("cdn/settings", {"task_end": "Failed"})
    ana.types("/purge www.example.com hero")
    sam.types("/purge www.example.com hero")
    place.waits(minutes=2)
    place.waits(seconds=3)
    assert ["failed" in words(card) for card in cards(place)] == [True, True]


def test_when_nobody_knows_of_the_other_nobody_knows_of_it_either(
    place: Town, ana: Person, sam: Person
) -> None:
    place.post("cdn/settings", {"knows_tag_tasks": False})
    place.breaks(kind="error", code="TooMany.Refresh", times=1)
    place.breaks(kind="lose_answer", times=1)
    ana.types("/purge www.example.com hero")
    sam.types("/purge www.example.com hero")
    assert "joined" in words(cards(place)[-1])
    for _ in range(12):
        place.waits(minutes=1)
    sent = len(place.purges_sent())
    assert ["outcome unknown" in words(card) for card in cards(place)] == [True, True]
    place.waits(minutes=30)
    assert len(place.purges_sent()) == sent
    assert len(notes(place)) == 2, "each is told once"


def test_when_the_cdn_tells_nothing_of_the_other_both_are_told_so_once(
    place: Town, ana: Person, sam: Person
) -> None:
    place.post("cdn/settings", {"knows_tag_tasks": False})
    ana.types("/purge www.example.com hero")
    sam.types("/purge www.example.com hero")
    for _ in range(20):
        place.waits(minutes=1)
    assert len(place.purges_sent()) == 1
    told = " ".join(notes(place))
    assert len(notes(place)) == 2
    assert told.count("does not report its progress") == 2


def test_a_restart_in_between_ends_both(place: Town, ana: Person, sam: Person) -> None:
    ana.types("/purge www.example.com hero")
    sam.types("/purge www.example.com hero")
    place.stop_bot()
    place.waits(minutes=5, settle=False)
    place.start_bot()
    place.settle()
    place.waits(seconds=3)
    assert ["Purge complete" in words(card) for card in cards(place)] == [True, True]


def test_after_it_is_complete_the_same_is_sent_again(place: Town, ana: Person) -> None:
    ana.types("/purge www.example.com hero")
    place.waits(seconds=30)
    assert "Purge complete" in words(only_card(place))
    ana.types("/purge www.example.com hero")
    assert len(place.purges_sent()) == 2

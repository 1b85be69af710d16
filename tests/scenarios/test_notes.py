"""An edited card calls nobody; a note below it does."""

from __future__ import annotations

import pytest

from bot.demo.town import Town
from tests.support.conversation import Person
from tests.support.messages import APPROVE, cards, notes, whispers, words

CANCEL = "purge:cancel"


def test_the_requester_is_told_once_when_all_is_done(place: Town, sam: Person, ana: Person) -> None:
    sam.approves(ana.purges("www.example.com hero --force"))
    assert notes(place) == []
    place.waits(minutes=10)
    (note,) = notes(place)
    assert note.startswith("<@U0ANA>")
    assert "approved by <@U0SAM>, and is complete. Took" in note


def test_the_requester_is_told_once_also_when_slacks_answer_is_lost(
    place: Town, sam: Person, ana: Person
) -> None:
    sam.approves(ana.purges("www.example.com hero --force"))
    place.post("slack/faults", {"lose_reply_of": "chat.postMessage"})
    place.waits(minutes=10)
    place.waits(minutes=1)
    (note,) = notes(place)
    assert "is complete" in note


def test_without_the_right_to_look_the_requester_is_told_again(
    place: Town, sam: Person, ana: Person
) -> None:
    sam.approves(ana.purges("www.example.com hero --force"))
    blind = {"method": "conversations.replies", "error": "missing_scope", "times": None}
    place.post("slack/faults", {"lose_reply_of": "chat.postMessage", "web_api": [blind]})
    place.waits(minutes=10)
    place.waits(minutes=1)
    assert len(notes(place)) == 2


def test_a_reminder_whose_answer_was_lost_is_not_repeated(place: Town, ana: Person) -> None:
    ana.purges("www.example.com hero --force")
    place.post("slack/faults", {"lose_reply_of": "chat.postMessage"})
    place.waits(minutes=16)
    place.waits(minutes=1)
    (note,) = notes(place)
    assert "still waits" in note


def test_the_requester_is_told_of_the_expiry(place: Town, ana: Person) -> None:
    ana.purges("www.example.com hero --force")
    place.waits(minutes=31)
    assert "expired" in notes(place)[-1]
    assert notes(place)[-1].startswith("<@U0ANA>")


def test_who_cancels_is_not_told_that_they_did(place: Town, ana: Person) -> None:
    ana.presses(CANCEL, ana.purges("www.example.com hero --force"))
    assert notes(place) == []


def test_a_plain_purge_is_told_of_when_it_is_complete_and_not_before(
    place: Town, ana: Person
) -> None:
    ana.types("/purge www.example.com hero")
    assert notes(place) == []
    place.waits(minutes=10)
    (note,) = notes(place)
    assert "<@U0ANA>, your purge of `www.example.com` is complete." in note


def test_those_who_may_decide_are_reminded_once_at_half_of_the_time(
    place: Town, ana: Person
) -> None:
    ana.purges("www.example.com hero --force")
    place.waits(minutes=14)
    assert notes(place) == []
    place.waits(minutes=2)
    place.waits(minutes=5)
    (note,) = notes(place)
    assert note.startswith("<!subteam^S0SRE>")
    assert "still waits" in note


def test_nobody_is_reminded_of_what_is_decided(place: Town, sam: Person, ana: Person) -> None:
    sam.approves(ana.purges("www.example.com hero --force"))
    place.waits(minutes=20)
    assert len(notes(place)) == 1


def test_a_reminder_missed_while_the_bot_was_down_comes_at_start(place: Town, ana: Person) -> None:
    ana.purges("www.example.com hero --force")
    place.stop_bot()
    place.waits(minutes=20)
    place.start_bot()
    place.settle()
    assert "still waits" in notes(place)[-1]


@pytest.mark.parametrize("decided", [False, True])
@pytest.mark.parametrize("error", ["http_503", "token_revoked", "ratelimited"])
def test_a_reminder_that_slack_took_late_is_still_true(
    place: Town, ana: Person, error: str, decided: bool
) -> None:
    card = ana.purges("www.example.com hero --force")
    away = [
        {"method": method, "error": error, "times": None}
        for method in ("chat.postMessage", "response_url")
    ]
    place.post("slack/faults", {"web_api": away})
    place.waits(minutes=16)
    if decided:
        place.presses("U0SAM", APPROVE, card)
    place.waits(minutes=1)
    place.post("slack/faults", {"web_api": []})
    for _ in range(6):
        place.waits(minutes=1)
    told = notes(place) + [words(each) for each in cards(place)]
    assert any("still waits" in each for each in told) == (not decided)


def test_a_reminder_calls_in_the_channel_that_the_bot_was_removed_from(
    place: Town, ana: Person
) -> None:
    ana.purges("www.example.com hero --force")
    place.post("slack/leave", {"channel": "C0WEB", "user": "U0BOT"})
    place.waits(minutes=16)
    place.waits(minutes=1)
    _, reminder = [words(each) for each in cards(place)]
    assert reminder.startswith("<!subteam^S0SRE>")
    assert "still waits" in reminder
    assert cards(place, "U0ANA", "D0ANABOT") == []


@pytest.mark.parametrize("channel", ["C0LAUNCH"])
def test_where_a_mention_cannot_reach_the_requester_is_told_directly(
    place: Town, sam: Person, ana: Person, channel: str
) -> None:
    sam.at(channel).approves(ana.at(channel).purges("www.example.com hero --force"))
    place.waits(minutes=10)
    (told,) = cards(place, "U0ANA", "D0ANABOT")
    assert "approved by <@U0SAM>" in str(told)
    assert whispers(place, "U0ANA", channel) == []

"""Slack says no, in whatever shape: nothing is lost by it, and it is not believed for a year."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bot.demo.town import Town
from tests.support.conversation import Person
from tests.support.messages import APPROVE, buttons, cards, notes, only_card, whispers, words
from tests.support.prometheus_scrape import bot_of

ELSEWHERE = "C0RANDOM"
DIRECT = "D0ANABOT"
"""Where the bot tells Ana what it can say nowhere else."""


def fails(place: Town, method: str, error: str, **more: Any) -> None:
    place.post("slack/faults", {"web_api": [{"method": method, "error": error, **more}]})


@pytest.mark.parametrize("error", ["expired_url", "used_url", "no_text", "unheard_of"])
def test_a_response_url_that_refuses_with_the_status_200_has_refused(
    place: Town, ana: Person, error: str
) -> None:
    fails(place, "response_url", error, times=None)
    ana.at(ELSEWHERE).types("/purge www.example.com hero")
    assert cards(place, "U0ANA", ELSEWHERE) == []
    assert "sent: the CDN has taken it" in words(only_card(place, "U0ANA", DIRECT))


def test_one_that_cannot_just_now_is_tried_again(place: Town, ana: Person) -> None:
    fails(place, "response_url", "internal_error", times=1)
    ana.at(ELSEWHERE).types("/purge www.example.com hero")
    place.waits(seconds=5)
    assert "sent: the CDN has taken it" in words(only_card(place, "U0ANA", ELSEWHERE))
    assert cards(place, "U0ANA", DIRECT) == []


def test_a_whisper_that_was_refused_so_is_said_another_way(place: Town, ana: Person) -> None:
    fails(place, "response_url", "invalid_payload", times=None)
    ana.types("/purge help")
    assert "www.example.com" in whispers(place, "U0ANA")[-1]


@pytest.mark.parametrize("method", ["chat.postMessage", "users.info", "response_url"])
@pytest.mark.parametrize("asked", ["-5", "1.5", "Fri, 31 Dec 2027 23:59:59 GMT", "²"])
def test_what_slack_asks_to_wait_is_read_whatever_it_looks_like(
    place: Town, ana: Person, method: str, asked: str
) -> None:
    fails(place, method, "ratelimited", retry_after=asked, times=1)
    channel = ELSEWHERE if method == "response_url" else "C0WEB"
    ana.at(channel).types("/purge www.example.com hero")
    place.waits(seconds=10)
    assert "Purge" in words(only_card(place, "U0ANA", channel))


@pytest.mark.parametrize("method", ["chat.postMessage", "response_url"])
def test_slack_silences_the_bot_for_an_hour_at_most(place: Town, ana: Person, method: str) -> None:
    fails(place, method, "ratelimited", retry_after=31_536_000, times=1)
    channel = ELSEWHERE if method == "response_url" else "C0WEB"
    ana.at(channel).types("/purge www.example.com hero")
    place.waits(minutes=59)
    assert cards(place, "U0ANA", channel) == []
    place.waits(minutes=2)
    shown = cards(place, "U0ANA", channel) + cards(place, "U0ANA", DIRECT)
    assert "Purge complete" in words(shown[0])
    ana.types("/purge www.example.com banner")
    assert "banner" in words(cards(place)[-1])


# Slack says yes, and the rest of its answer is not what it documents.


ODD = pytest.mark.parametrize(
    "answer",
    [
        {"ok": True},
        {"ok": True, "channel": None, "ts": None},
        {"ok": True, "channel": {"id": "C0WEB"}, "ts": 1.5},
        {"ok": True, "channel": "C" * 5_000, "ts": "1.1"},
        {"ok": True, "channel": "C0WEB", "ts": "\x00"},
    ],
    ids=["nothing", "null", "other kinds", "too long", "no time"],
)


def says_oddly(place: Town, method: str, answer: Any, times: int | None = None) -> None:
    lost = [{"method": method, "answer": answer, "times": times}]
    place.post("slack/faults", {"lose_reply_of": lost})


def goes_on(place: Town, seconds: int) -> None:
    for _ in range(seconds // 5):
        place.waits(seconds=5)


def slack_trouble(place: Town) -> str:
    page = bot_of(place).status.page("/readyz")
    assert page is not None
    return str(json.loads(page.body)["checks"]["slack"]["reason"])


@ODD
def test_a_card_is_found_and_kept_true_though_slack_does_not_say_where_it_is(
    place: Town, ana: Person, sam: Person, answer: Any
) -> None:
    says_oddly(place, "chat.postMessage", answer)
    ana.types("/purge www.example.com hero --force")
    assert "answer-unreadable since" in slack_trouble(place)
    sam.approves(only_card(place))
    goes_on(place, 500)
    assert "Forced purge complete" in words(only_card(place))
    assert "is complete" in notes(place)[-1]
    assert len(notes(place)) == 1


@ODD
def test_what_cannot_be_looked_for_is_posted_anew_for_news_alone(
    place: Town, ana: Person, sam: Person, answer: Any
) -> None:
    scopes = [each for each in place.slack.workspace.scopes if "history" not in each]
    place.slack.workspace.scopes = scopes
    says_oddly(place, "chat.postMessage", answer)
    ana.types("/purge www.example.com hero --force")
    goes_on(place, 300)
    assert len(cards(place)) == 1
    sam.approves(only_card(place))
    goes_on(place, 500)
    assert len(cards(place)) <= 4
    assert "Forced purge complete" in words(cards(place)[-1])
    assert "is complete" in words(only_card(place, "U0ANA", DIRECT))


@ODD
def test_nor_is_a_direct_message_repeated(place: Town, ana: Person, answer: Any) -> None:
    fails(place, "response_url", "expired_url", times=None)
    says_oddly(place, "chat.postMessage", answer)
    ana.at(ELSEWHERE).types("/purge www.example.com hero")
    goes_on(place, 30)
    assert len(cards(place, "U0ANA", DIRECT)) == 1
    goes_on(place, 500)
    told = [words(card) for card in cards(place, "U0ANA", DIRECT)]
    assert len(told) <= 4
    assert "complete" in told[-1]


@pytest.mark.parametrize(
    "answer",
    [{"ok": True}, {"ok": True, "messages": {}}, {"ok": True, "messages": [{"ts": []}]}],
)
def test_a_card_that_may_be_there_is_not_posted_anew_while_slack_does_not_say(
    place: Town, ana: Person, answer: Any
) -> None:
    lost = {"method": "chat.postMessage"}
    odd = {"method": "conversations.history", "answer": answer, "times": 3}
    place.post("slack/faults", {"lose_reply_of": [lost, odd]})
    ana.types("/purge www.example.com hero")
    place.waits(seconds=2)
    assert "answer-unreadable since" in slack_trouble(place)
    goes_on(place, 500)
    assert "Purge complete" in words(only_card(place))


def test_messages_of_others_may_say_what_they_like_in_their_metadata(
    place: Town, ana: Person
) -> None:
    others = [
        {"ts": "1.1"},
        {"ts": "1.2", "metadata": "x"},
        {"ts": "1.3", "metadata": {"event_payload": []}},
        {"ts": "1.4", "metadata": {"event_payload": {"purge_id": []}}},
    ]
    odd = {"method": "conversations.history", "answer": {"ok": True, "messages": others}}
    place.post("slack/faults", {"lose_reply_of": [{"method": "chat.postMessage"}, odd]})
    ana.types("/purge www.example.com hero")
    goes_on(place, 10)
    assert len(cards(place)) == 2, "Slack said that the first was not there"


@pytest.mark.parametrize("answer", [{"ok": True}, {"ok": True, "permalink": ["x"]}])
def test_a_refusal_names_the_other_card_though_slack_has_no_link_to_it(
    place: Town, ana: Person, answer: Any
) -> None:
    ana.types("/purge www.example.com hero --force")
    says_oddly(place, "chat.getPermalink", answer)
    ana.types("/purge www.example.com hero --force")
    assert "See its card" in whispers(place)[-1]
    assert "Approve" in buttons(only_card(place))
    Person(place, "U0SAM").presses(APPROVE, only_card(place))
    assert len(place.purges_sent()) == 1

"""Slack says no, in whatever shape: nothing is lost by it, and it is not believed for a year."""

from __future__ import annotations

from typing import Any

import pytest

from bot.demo.town import Town
from tests.support.conversation import Person
from tests.support.messages import cards, only_card, whispers, words

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

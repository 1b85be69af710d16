"""Many purges at work at the CDN: it is asked about ten in one question, and not too often; and
Slack is not pressed where it wants no more.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.core.decisions.transition import Transition
from bot.core.purge.purge import Event, Purge, State
from bot.demo.town import Town
from bot.worker.loop import THREADS
from tests.support.messages import cards, whispers, words
from tests.support.processes import store_of
from tests.support.waiting import poll


def test_purges_of_different_ages_are_asked_about_together(place: Town) -> None:
    place.post("cdn/settings", {"task_seconds": 600})
    place.says("U0ANA", "/purge www.example.com hero")
    place.settle()
    place.waits(seconds=2)
    place.says("U0ANA", "/purge www.example.com banner")
    place.settle()
    place.waits(seconds=3)
    assert [tasks_in(question) for question in questions(place)] == [2]


def test_what_is_not_due_for_a_while_is_not_asked_about_with_others(place: Town) -> None:
    place.post("cdn/settings", {"task_seconds": 600})
    place.says("U0ANA", "/purge www.example.com hero")
    place.settle()
    place.waits(minutes=2)  # from now on it is due every 24 seconds
    place.says("U0ANA", "/purge www.example.com banner")
    place.settle()
    place.waits(seconds=5)
    assert [tasks_in(question) for question in questions(place)] == [1, 1]


def test_four_hundred_that_are_due_at_once_are_all_asked_about_at_the_rate_that_the_cdn_takes(
    place: Town,
) -> None:
    at_work(place, 400)
    place.settle()
    for _ in range(8):
        place.waits(seconds=0.5)
    asked = questions(place)
    assert {question["outcome"] for question in asked} == {"ok"}
    assert [tasks_in(question) for question in asked[:40]] == [10] * 40
    assert len({task for question in asked for task in ids_in(question)}) == 400


def test_a_cdn_that_wants_no_questions_is_asked_when_it_said_and_then_about_all(
    place: Town,
) -> None:
    place.breaks(
        kind="error",
        code="Throttling.User",
        action="DescribeRefreshTaskById",
        retry_after_ms=30_000,
    )
    at_work(place, 120)
    for _ in range(2):
        place.waits(seconds=10)
    assert [tasks_in(question) for question in questions(place)] == [10]
    place.heals()
    for _ in range(3):  # ten questions a second
        place.waits(seconds=10)
    assert [tasks_in(question) for question in questions(place)[1:]] == [10] * 12


def test_a_slow_cdn_is_asked_one_question_at_a_time(live_place: Town) -> None:
    """Else looks would take every thread, and a press would wait for them."""
    assert live_place.bot is not None
    live_place.breaks(kind="slow_answer", action="DescribeRefreshTaskById", seconds=2)
    at_work(live_place, 400)
    live_place.bot.worker.start()
    poll(lambda: len(questions(live_place)) > 1)
    first, second = questions(live_place)[:2]
    assert second["at"] - first["at"] >= 2


def test_what_ended_while_it_was_asked_about_is_not_asked_about_again(place: Town) -> None:
    at_work(place, 1)
    store = store_of(place)
    (asked,) = store.task_polling.take(place.now(), 1, 10)
    purge = store.purge(asked.id)
    assert purge is not None
    ended = replace(purge, version=purge.version + 1, state=State.COMPLETE)
    assert store.apply(Transition(ended, Event.FINISH, None, ()))  # by another replica
    store.task_polling.retry_later([asked], place.now())
    assert store.jobs.soonest(place.now()) == {}


def test_slack_that_wants_no_more_edits_is_not_asked_again_for_each_card(place: Town) -> None:
    for number in range(20):
        place.says("U0ANA", f"/purge www.example.com tag-{number}")
    place.settle()
    no_more = {"method": "chat.update", "error": "ratelimited", "retry_after": 30, "times": None}
    place.post("slack/faults", {"web_api": [no_more]})
    place.waits(seconds=25)
    calls = place.get("slack/calls")["calls"]
    assert 1 <= len([call for call in calls if call["status"] == 429]) <= THREADS
    place.post("slack/faults", {"web_api": []})
    for _ in range(3):
        place.waits(seconds=30)
    assert ["complete" in words(card) for card in cards(place)] == [True] * 20


@pytest.mark.parametrize(
    ("limited", "new_cards"),
    [("chat.update", 1), ("chat.postMessage", 0)],
    ids=["edits", "posts"],
)
def test_what_slack_limits_keeps_nothing_else_back(
    place: Town, limited: str, new_cards: int
) -> None:
    place.says("U0ANA", "/purge www.example.com first")
    place.settle()
    no_more = {"method": limited, "error": "ratelimited", "retry_after": 1800, "times": None}
    place.post("slack/faults", {"web_api": [no_more]})
    place.says("U0ANA", "/purge www.example.com meanwhile")
    place.waits(seconds=25)
    assert 429 in [call["status"] for call in place.get("slack/calls")["calls"]]
    before = len(cards(place))
    place.says("U0ANA", "/purge www.example.com second")
    place.says("U0SAM", "/purge quota")
    place.settle()
    assert len(cards(place)) - before == new_cards
    assert len(whispers(place, "U0SAM")) == 1
    assert len(place.purges_sent()) == 3
    place.post("slack/faults", {"web_api": []})
    place.waits(minutes=31)
    place.waits(minutes=31)
    assert ["complete" in words(card) for card in cards(place)] == [True] * 3


def at_work(place: Town, count: int) -> None:
    """Let so many purges be at work for ten minutes, of which the CDN knows nothing, all due now."""
    assert place.bot is not None
    now = place.now()
    first = Purge(
        id="first",
        trigger_id="first",
        team_id="T0",
        channel_id="C0WEB",
        user_id="U0ANA",
        domain="www.example.com",
        tags=("hero",),
        force=False,
        requested_at=now - timedelta(minutes=10),
        sent_at=now - timedelta(minutes=10),
        notified_at=now,
        state=State.RUNNING,
    )
    for number in range(count):
        name = f"purge-{number}"
        purge = replace(first, id=name, trigger_id=name, task_id=str(number))
        assert place.bot.store.apply(Transition(purge, Event.REQUEST, now, (), is_new=True))


def questions(place: Town) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = place.get("cdn/requests", {"action": "DescribeRefreshTaskById"})[
        "requests"
    ]
    return found


def ids_in(question: dict[str, Any]) -> list[str]:
    return str(question["params"]["TaskId"]).split(",")


def tasks_in(question: dict[str, Any]) -> int:
    return len(ids_in(question))

"""Socket Mode: links come and go, and no command gets lost over it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any

import pytest

from bot.app import build
from bot.demo.town import Town
from tests.conftest import MACHINE_S, OpenTown
from tests.support.database_outage import away
from tests.support.messages import cards
from tests.support.processes import all_purges
from tests.support.waiting import poll

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
CALLS = {"method": "apps.connections.open"}


def connections(place: Town) -> int:
    return int(place.get("slack/state", {"as": "U0DEL"})["connections"])


def opened(place: Town) -> int:
    return len(place.get("slack/calls", CALLS)["calls"])


def say(place: Town, number: int) -> str:
    return str(place.says("U0ANA", f"/purge www.example.com tag-{number}")["outcome"])


@SQLITE
@pytest.mark.parametrize("reason", ["warning", "refresh_requested"])
def test_no_command_is_lost_while_slack_wants_other_connections(
    open_town: OpenTown, reason: str
) -> None:
    """Acknowledgements are under way, and commands come, over the old one and the new one."""
    place = open_town(with_bot=False)
    place.start_bot(PURGEBOT_REQUESTS_PER_MINUTE="0")
    numbers = count()
    with ThreadPoolExecutor(4) as people:
        said = []
        for times in range(1, 4):
            said += [people.submit(say, place, next(numbers)) for _ in range(20)]
            place.post("slack/sockets", {"action": "disconnect", "reason": reason})
            said += [people.submit(say, place, next(numbers)) for _ in range(20)]
            poll(lambda times=times: opened(place) > times)  # type: ignore[misc]
        assert {each.result() for each in said} == {"acked"}
    assert len(all_purges(place)) == 120


@SQLITE
@pytest.mark.parametrize(
    "trouble",
    [
        {"action": "cut"},
        {"action": "freeze"},
        {"action": "disconnect", "reason": "link_disabled"},
        {"action": "disconnect", "reason": "warning", "drop": True},
    ],
    ids=["reset", "half-open", "disabled for a moment", "closed at once"],
)
def test_a_bot_whose_connection_is_gone_opens_another(place: Town, trouble: dict[str, Any]) -> None:
    assert place.bot is not None
    place.post("slack/faults", {"ack_timeout_s": MACHINE_S})  # what is frozen never answers
    place.post("slack/sockets", trouble)
    outcomes: list[str] = []

    def is_back() -> bool:
        outcomes.append(say(place, len(outcomes)))
        return outcomes[-1] == "acked"

    poll(is_back)
    place.settle()
    assert len(place.purges_sent()) == len(cards(place)) == 1
    poll(
        lambda: (
            place.bot is not None
            and place.bot.status.health_checks.is_connected
            and connections(place) == 1
        )
    )


@SQLITE
def test_a_half_open_connection_does_not_count_as_one(place: Town) -> None:
    hold = {"method": "apps.connections.open", "error": "fatal_error", "times": None}
    place.post("slack/faults", {"web_api": [hold]})
    assert place.bot is not None
    assert place.bot.status.health_checks.is_connected
    place.post("slack/sockets", {"action": "freeze"})
    poll(lambda: place.bot is not None and not place.bot.status.health_checks.is_connected)


@SQLITE
def test_a_bot_that_slack_limits_at_its_start_is_connected_later(open_town: OpenTown) -> None:
    place = open_town(with_bot=False)
    limited = {"method": "apps.connections.open", "error": "ratelimited", "retry_after": 1}
    place.post("slack/faults", {"web_api": [limited]})
    bot = place.start_bot()
    assert not bot.status.health_checks.is_connected
    poll(lambda: bot.status.health_checks.is_connected)
    assert say(place, 1) == "acked"


def test_who_is_being_answered_when_the_bot_is_told_to_stop_gets_the_answer(place: Town) -> None:
    """The database keeps the listener waiting; its acknowledgement goes out all the same."""
    with ThreadPoolExecutor(2) as pool:
        with away(place.database_url):
            said = pool.submit(say, place, 1)
            assert place.bot is not None
            socket: Any = place.bot.socket
            poll(lambda: socket._under_way == 1 or said.done())
            stopped = pool.submit(place.stop_bot)
        assert said.result() == "acked"
        stopped.result()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("action", ["cut", "disconnect"])
def test_while_one_replica_reconnects_the_other_gets_the_commands(place: Town, action: str) -> None:
    other = build(place.bot_settings(), place.now)
    other.connect()
    break_one: dict[str, Callable[[], Any]] = {
        "cut": lambda: place.post("slack/sockets", {"action": "cut", "most": 1}),
        "disconnect": lambda: place.post(
            "slack/sockets", {"action": "disconnect", "reason": "refresh_requested"}
        ),
    }
    poll(lambda: connections(place) == 2)
    outcomes = []
    for number in range(20):
        if number % 10 == 5:
            break_one[action]()
        outcomes.append(say(place, number))
    assert set(outcomes) == {"acked"}
    other.stop()

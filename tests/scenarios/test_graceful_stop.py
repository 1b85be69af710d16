"""SIGTERM: no new work, what was accepted is kept, and the process is gone within ten seconds.

Whatever hangs then, `kill -9` would cost no more: the next process, or another one, goes on.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bot.config.settings import Mode
from bot.demo.town import Town
from tests.conftest import OpenTown
from tests.support.database_outage import away
from tests.support.faults import PURGE
from tests.support.messages import only_card, words
from tests.support.purgebot import STOPS_WITHIN_S, Running, running
from tests.support.tcp_relay import relay_to
from tests.support.waiting import poll, until

MODES = pytest.mark.parametrize("mode", Mode)
SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@contextmanager
def bot_in(place: Town, folder: Path) -> Iterator[Running]:
    """Give a bot that is at work in a town as a process of its own."""
    variables = place.variables() | {"PURGEBOT_HTTP_BIND": "127.0.0.1:0"}
    with running(folder, variables) as bot:
        bot.until("started")
        if place.mode is Mode.HTTP:
            address = bot.until("listening")["address"]
            place.slack.request_url = f"http://{address}/slack/events"
        yield bot


def ask(place: Town, text: str = "/purge www.example.com hero") -> None:
    assert place.says("U0ANA", text)["outcome"] == "acked"


def next_one_sees(place: Town) -> str:
    """Start the next bot over what the last one left, and give what the card says then."""
    place.heals()
    place.post("slack/faults", {"web_api": []})
    place.start_bot()
    place.waits(minutes=1)
    return words(only_card(place))


def hang(place: Town, method: str, error: str = "slow", **more: Any) -> None:
    """Let Slack answer a method late, or as told, from now on."""
    fault = {"method": method, "error": error, "delay_s": 60, "times": None, **more}
    place.post("slack/faults", {"web_api": [fault]})


@SQLITE
@MODES
def test_a_bot_that_is_told_to_stop_twice_stops_once(
    open_town: OpenTown, tmp_path: Path, mode: Mode
) -> None:
    with bot_in(open_town(mode=mode, with_bot=False), tmp_path) as bot:
        assert bot.end(times=2) == 0
        assert "stopped" in bot.said[-1]


@pytest.mark.parametrize(("mode", "answers_after_s"), [(Mode.SOCKET, 3), (Mode.HTTP, 60)])
def test_a_purge_on_its_way_to_the_cdn_ends_before_the_bot_or_is_unknown(
    open_town: OpenTown, tmp_path: Path, mode: Mode, answers_after_s: int
) -> None:
    place = open_town(mode=mode, with_bot=False)
    place.breaks(kind="slow_answer", seconds=answers_after_s, action=PURGE)
    with bot_in(place, tmp_path) as bot:
        ask(place)
        until(place, lambda: len(place.purges_sent()) == 1)
        assert bot.end() == 0
    (sent,) = place.purges_sent()
    says = sent["task_id"] if answers_after_s < STOPS_WITHIN_S else "outcome unknown"
    assert says in next_one_sees(place)
    assert len(place.purges_sent()) == 1


@SQLITE
def test_a_slack_that_hangs_keeps_no_bot_from_stopping(open_town: OpenTown, tmp_path: Path) -> None:
    place = open_town(with_bot=False)
    with bot_in(place, tmp_path) as bot:
        hang(place, "*")
        ask(place)
        bot.until("purge")
        assert bot.end() == 0
    assert "www.example.com" in next_one_sees(place)
    assert len(place.purges_sent()) == 1


@SQLITE
@pytest.mark.parametrize("error", ["slow", "ratelimited"])
def test_a_reconnect_under_way_keeps_no_bot_from_stopping(
    open_town: OpenTown, tmp_path: Path, error: str
) -> None:
    place = open_town(with_bot=False)
    with bot_in(place, tmp_path) as bot:
        hang(place, "apps.connections.open", error, retry_after=60, times=1)
        place.post("slack/sockets", {"action": "disconnect", "reason": "refresh_requested"})
        poll(lambda: place.slack.workspace.faults.web_api == [])
        assert bot.end() == 0


@SQLITE
def test_a_bot_that_is_still_starting_stops_too(open_town: OpenTown, tmp_path: Path) -> None:
    place = open_town(with_bot=False)
    hang(place, "apps.connections.open", times=1)
    with running(tmp_path, place.variables()) as bot:
        poll(lambda: place.slack.workspace.faults.web_api == [])
        assert bot.end() == 0


@MODES
def test_a_database_that_is_away_keeps_no_bot_from_stopping(
    open_town: OpenTown, tmp_path: Path, mode: Mode
) -> None:
    place = open_town(mode=mode, with_bot=False)
    with bot_in(place, tmp_path) as bot, away(place.database_url):
        ask(place)
        assert bot.end() == 0


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@MODES
def test_a_database_that_hangs_keeps_no_bot_from_stopping(
    open_town: OpenTown, tmp_path: Path, mode: Mode
) -> None:
    place = open_town(mode=mode, with_bot=False)
    with relay_to(place.database_url) as relay:
        place.database_url, direct = relay.url, place.database_url
        with bot_in(place, tmp_path) as bot:
            relay.cut()
            place.says("U0ANA", "/purge www.example.com hero")
            assert bot.end() == 0
        place.database_url = direct

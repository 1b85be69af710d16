"""What is refused at the HTTP door is counted by its reason, and a wrong secret is told to operators."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest
import requests

from bot.app import MAX_BODY_BYTES
from bot.config.settings import Mode
from bot.demo.town import Town, town
from bot.simulators.slack.events.http_mode import http_body
from bot.simulators.slack.events.signing import signed_headers
from bot.web.server import SLACK_PATH
from tests.conftest import OpenTown
from tests.support.http_door import Door, http_door
from tests.support.messages import cards
from tests.support.prometheus_scrape import bot_of, scrape

REFUSED = "purgebot_http_refused_total"
SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
BODY = "command=%2Fpurge&text=www.example.com+hero"


@pytest.fixture(scope="module")
def door() -> Iterator[Door]:
    with town(mode=Mode.HTTP) as place, http_door(place) as door:
        yield door


def signed_at(door: Door, age_s: float, secret: str | None = None) -> dict[str, str]:
    secret = secret or door.place.slack.signing_secret
    return signed_headers(secret, BODY, time.time() - age_s)


@pytest.mark.parametrize("reason", ["unsigned", "signature", "clock", "malformed", "too-large"])
def test_a_refused_post_is_counted_by_its_reason(door: Door, reason: str) -> None:
    before = scrape(bot_of(door.place))
    match reason:
        case "unsigned":
            door.send(BODY)
        case "signature":
            door.send(BODY, signed_at(door, 0, "another app's"))
        case "clock":
            door.send(BODY, signed_at(door, 400))
        case "malformed":
            door.send_signed("payload=%7B")
        case "too-large":
            door.send("a" * (MAX_BODY_BYTES + 1))
    after = scrape(bot_of(door.place))
    assert after.grown(before, REFUSED, reason=reason) == 1
    assert after.grown(before, REFUSED) == 1


@pytest.mark.parametrize(
    ("verb", "path", "reason"),
    [("GET", SLACK_PATH, "method"), ("POST", "/", "not-found"), ("GET", "/metrics", "not-found")],
)
def test_a_stray_request_is_counted(door: Door, verb: str, path: str, reason: str) -> None:
    before = scrape(bot_of(door.place))
    answer = requests.request(verb, door.url + path, timeout=60)
    after = scrape(bot_of(door.place))
    assert answer.status_code == (405 if reason == "method" else 404)
    assert after.grown(before, REFUSED, reason=reason) == after.grown(before, REFUSED) == 1


def test_what_is_let_in_and_what_watchers_ask_is_not_counted(door: Door) -> None:
    before = scrape(bot_of(door.place))
    door.place.says("U0ANA", "/purge help")
    requests.get(f"{door.url}/healthz", timeout=60)
    requests.get(f"{door.url}/readyz", timeout=60)
    assert scrape(bot_of(door.place)).grown(before, REFUSED) == 0


# The secret


def says_of_signatures(place: Town) -> tuple[bool, str]:
    page = bot_of(place).status.page("/readyz")
    assert page is not None
    said = json.loads(page.body)["checks"]["signatures"]
    return said["good"], said["reason"]


@SQLITE
def test_the_secret_of_another_app_is_told_and_makes_nobody_unready(open_town: OpenTown) -> None:
    """Out of the load balancer it could never get the request that puts it right."""
    place = open_town(mode=Mode.HTTP)
    place.stop_bot()
    place.start_bot(SLACK_SIGNING_SECRET="another app's".replace(" ", "-"))
    bot_of(place).worker.start()
    with http_door(place):
        assert place.says("U0ANA", "/purge www.example.com hero")["outcome"] != "acked"
        good, reason = says_of_signatures(place)
        assert not good
        assert "SLACK_SIGNING_SECRET" in reason
        page = bot_of(place).status.page("/readyz")
        assert page is not None
        assert page.status == 200
        assert scrape(bot_of(place)).value("purgebot_check_good", check="signatures") == 0
    assert cards(place) == []


@SQLITE
@pytest.mark.parametrize("around", ["{}\n", '"{}"', "'{}'", " {}\r\n", "\ufeff{}"], ids=ascii)
def test_a_secret_as_files_and_copies_leave_it_lets_slack_in(
    open_town: OpenTown, around: str
) -> None:
    place = open_town(mode=Mode.HTTP)
    place.stop_bot()
    place.start_bot(SLACK_SIGNING_SECRET=around.format(place.slack.signing_secret))
    with http_door(place) as door:
        assert place.says("U0ANA", "/purge help")["outcome"] == "acked"
        assert says_of_signatures(place) == (
            True,
            "requests are signed with SLACK_SIGNING_SECRET",
        )
        body, _ = http_body("slash_commands", door.last("slash_commands"))
        assert door.send(body, dict(signed_headers("forged", body, time.time()))).status_code == 401
        assert says_of_signatures(place)[0]


@SQLITE
def test_a_clock_that_is_off_is_told_by_how_much(open_town: OpenTown) -> None:
    place = open_town(mode=Mode.HTTP)
    with http_door(place) as door:
        assert door.send(BODY, signed_at(door, 1000)).status_code == 401
        good, reason = says_of_signatures(place)
    assert not good
    assert reason.startswith("this machine's clock is ")
    assert "ahead of Slack's" in reason

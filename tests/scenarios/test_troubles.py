"""What an operator on call finds of a trouble: one line, /readyz and the metrics; and its end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from bot.demo.town import Town
from tests.support.conversation import Person
from tests.support.messages import cards, only_card, words
from tests.support.processes import card_of
from tests.support.prometheus_scrape import bot_of, scrape

PURGE = "RefreshObjectCacheByCacheTag"
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
Line = dict[str, Any]


@pytest.fixture
def lines() -> Iterator[list[Line]]:
    """Give what is logged, also by loggers that are in use already."""
    found: list[Line] = []

    def keep(_logger: object, level: str, line: structlog.typing.EventDict) -> Any:
        found.append({"level": level, **line})
        raise structlog.DropEvent

    before = structlog.get_config()["processors"]
    kept = list(before)
    before[:] = [keep]
    yield found
    before[:] = kept


def told(lines: list[Line], event: str) -> list[Line]:
    return [line for line in lines if line["event"] == event]


def part(place: Town, name: str) -> tuple[bool, str]:
    """Give what /readyz says of a part; the bot goes on being asked for purges."""
    page = bot_of(place).status.page("/readyz")
    assert page is not None
    check = json.loads(page.body)["checks"][name]
    return check["good"], check["reason"]


def test_a_cdn_that_takes_nothing_is_one_line_with_cause_since_how_often_and_what(
    place: Town, ana: Person, lines: list[Line]
) -> None:
    place.breaks(kind="error", code="TooMany.Refresh", action=PURGE, times=None)
    held = [ana.purges(f"www.example.com {tag}") for tag in ("hero", "banner", "logo")]
    (line,) = told(lines, "cdn-sends")
    assert (line["level"], line["cause"], line["times"]) == ("warning", "cdn-queue-full", 1)
    assert (line["of"], line["since"][:4]) == (card_of(held[0]), f"{place.now():%Y}")
    assert line["affects"] == "purges are held, offered, failed or of unknown outcome"
    good, reason = part(place, "cdn")
    assert not good
    assert "cdn-queue-full since " in reason
    assert "3 times" in reason
    place.waits(minutes=2)
    assert told(lines, "cdn-sends")[-1]["times"] > 3
    since = "purgebot_trouble_since_timestamp_seconds"
    told_of = {"trouble": "cdn-sends", "cause": "cdn-queue-full"}
    assert scrape(bot_of(place)).value(since, **told_of)
    place.heals()
    place.waits(minutes=5)
    (over,) = told(lines, "trouble-over")
    assert (over["trouble"], over["cause"]) == ("cdn-sends", "cdn-queue-full")
    assert part(place, "cdn") == (True, "no trouble")


def test_what_was_held_or_is_unknown_is_a_warning_that_says_why(
    place: Town, ana: Person, lines: list[Line]
) -> None:
    place.breaks(kind="error", code="TooMany.Refresh", action=PURGE, times=1)
    ana.types("/purge www.example.com hero")
    place.breaks(kind="lose_answer", action=PURGE, times=1)
    ana.types("/purge www.example.com logo")
    steps = {line["state"]: line for line in told(lines, "purge")}
    held, unknown = steps["held"], steps["unknown"]
    assert (held["level"], held["error"]) == ("warning", "cdn-queue-full")
    assert (held["why"], held["attempt"]) == ("The CDN's queue of purges is full.", 1)
    assert held["held_until"]
    assert (unknown["level"], unknown["error"]) == ("warning", "cdn-no-answer")
    assert "did not arrive" in unknown["why"]
    assert steps["sending"]["level"] == "info"


def test_a_mistake_of_the_request_is_no_trouble_of_the_cdn(
    place: Town, ana: Person, lines: list[Line]
) -> None:
    place.breaks(kind="error", code="InvalidDomain.NotFound", action=PURGE, times=1)
    ana.types("/purge www.example.com hero")
    assert "Purge failed" in words(only_card(place))
    assert told(lines, "cdn-sends") == []
    assert part(place, "cdn") == (True, "no trouble")


@pytest.mark.parametrize(
    ("fault", "cause"),
    [({"error": "internal_error"}, "internal_error"), ({"error": "drop"}, "no-answer")],
)
def test_a_slack_that_is_away_is_one_line(
    place: Town, ana: Person, lines: list[Line], fault: Line, cause: str
) -> None:
    place.post("slack/faults", {"web_api": [{"method": "*", "times": 3, **fault}]})
    ana.types("/purge www.example.com hero")
    (line,) = told(lines, "slack-away")
    assert (line["level"], line["cause"], line["times"]) == ("warning", cause, 1)
    good, reason = part(place, "slack")
    assert not good
    assert f"{cause} since " in reason
    place.post("slack/faults", {"web_api": []})
    place.waits(minutes=5)
    ana.types("/purge www.example.com logo")
    assert part(place, "slack") == (True, "no trouble")
    assert told(lines, "trouble-over")[-1]["trouble"] == "slack-away"


def test_what_slack_limits_is_named_with_its_method_and_wait(
    place: Town, ana: Person, lines: list[Line]
) -> None:
    fault = {"method": "chat.postMessage", "error": "ratelimited", "retry_after": 7, "times": 1}
    place.post("slack/faults", {"web_api": [fault]})
    ana.types("/purge www.example.com hero")
    (line,) = told(lines, "slack-limits")
    assert (line["level"], line["of"], line["retry_after_s"]) == ("warning", "chat.postMessage", 7)
    assert line["affects"] == "cards, answers and lookups are late"
    good, reason = part(place, "slack")
    assert not good
    assert "ratelimited since " in reason
    assert "(chat.postMessage)" in reason
    place.waits(minutes=2)
    assert len(cards(place)) == 1
    assert part(place, "slack") == (True, "no trouble")


def test_tasks_of_which_the_cdn_says_nothing_are_told_of(
    place: Town, ana: Person, lines: list[Line]
) -> None:
    ana.types("/purge www.example.com hero")
    place.breaks(kind="error", code="Throttling.User", action="DescribeRefreshTaskById", times=None)
    place.waits(seconds=30)
    (line,) = told(lines, "cdn-polls")
    assert (line["level"], line["cause"]) == ("warning", "cdn-throttled")
    assert "cards show no progress" in part(place, "cdn")[1]


def test_what_purgebot_itself_held_back_is_not_blamed_on_the_way_to_the_cdn(
    place: Town, ana: Person, lines: list[Line], monkeypatch: pytest.MonkeyPatch
) -> None:
    bot = bot_of(place)
    monkeypatch.setattr(bot.worker._owner, "still_alive", lambda: lambda: False)
    ana.types("/purge www.example.com hero")
    assert place.purges_sent() == []
    (line,) = told(lines, "held-back")
    assert (line["level"], line["cause"]) == ("warning", "cdn-held-back")
    assert "lease was not renewed" in line["why"]
    assert told(lines, "cdn-sends") == []

"""A key that was revoked, or a right that is missing, is known before anybody needs a purge."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import structlog

from bot.app import Bot, build
from bot.config.settings import settings_from
from bot.core.cdn.quota import LowQuota
from bot.demo.town import Town
from bot.store.database.writers import StoreUnavailable
from tests.support.messages import cards, words
from tests.support.waiting import until

QUESTION = "DescribeRefreshQuota"
POSTGRES = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


def alerts(place: Town) -> list[str]:
    """Give what the operators' channel was told."""
    return [words(message) for message in cards(place, "U0SAM", "C0OPS")]


def looks(place: Town, times: int = 1) -> None:
    """Let the bot look at the CDN so many times, as often as it may."""
    for _ in range(times):
        place.waits(minutes=10)
        place.looks()


def revokes(place: Town, *, active: bool = False) -> None:
    place.post("cdn/settings", {"key_active": active})


def denies(place: Town, *actions: str) -> None:
    place.post("cdn/settings", {"denied_actions": list(actions)})


def questions(place: Town) -> list[dict[str, Any]]:
    asked: list[dict[str, Any]] = place.get("cdn/requests", {"action": QUESTION})["requests"]
    return asked


def running(place: Town) -> Bot:
    assert place.bot is not None
    return place.bot


# What is told


def test_a_revoked_key_is_told_once_in_the_operators_channel_and_nowhere_else(
    place: Town,
) -> None:
    looks(place)
    assert alerts(place) == []
    revokes(place)
    looks(place, 3)
    (told,) = alerts(place)
    assert "The CDN does not accept my access key." in told
    assert "\nSee that the key exists and is enabled." in told
    assert "`cdn-key-refused`" in told
    assert questions(place)[1]["request_id"] in told
    state = place.get("slack/state", {"as": "U0SAM"})["messages"]
    assert [channel for channel, messages in state.items() if messages] == ["C0OPS"]


def test_that_the_key_works_again_is_told_once_with_how_long_it_did_not(place: Town) -> None:
    revokes(place)
    looks(place)
    revokes(place, active=True)
    looks(place, 2)
    bad, good = alerts(place)
    assert "cdn-key-refused" in bad
    assert "as it should again" in good
    assert "for 10 minutes" in good


def test_a_missing_right_is_told_and_another_trouble_after_it_too(place: Town) -> None:
    denies(place, QUESTION)
    looks(place, 2)
    revokes(place)
    looks(place, 2)
    right, key = alerts(place)
    assert "cdn-no-permission" in right
    assert f"`{QUESTION}`" in right
    assert "cdn-key-refused" in key


def test_a_right_that_a_look_does_not_need_is_not_missed(place: Town) -> None:
    denies(place, "DescribeUserDomains")
    looks(place, 3)
    assert alerts(place) == []


@pytest.mark.parametrize(
    ("fault", "last"),
    [
        ({"kind": "drop_before"}, "cdn-not-answering"),
        ({"kind": "http", "status": 503}, "cdn-not-answering"),
        ({"kind": "error", "code": "Throttling.User"}, "cdn-throttled"),
    ],
    ids=["broken connection", "fault of the CDN", "throttled"],
)
def test_what_passes_by_itself_is_told_only_when_it_stays_for_three_looks(
    place: Town, fault: dict[str, Any], last: str
) -> None:
    place.breaks(action=QUESTION, times=2, **fault)
    looks(place, 3)
    assert alerts(place) == []
    place.breaks(action=QUESTION, times=4, **fault)
    looks(place, 4)
    (told,) = alerts(place)
    assert "3 times in a row" in told
    assert last in told
    looks(place)
    assert "for 40 minutes" in alerts(place)[-1]


def test_no_word_of_the_vendor_and_no_secret_is_told_or_kept(place: Town) -> None:
    place.breaks(kind="error", code="SignatureDoesNotMatch", action=QUESTION, times=1)
    looks(place)
    (told,) = cards(place, "U0SAM", "C0OPS")
    assert "cdn-signature-refused" in words(told)
    kept = json.dumps(running(place).store.shared_state.get("canary").value)
    for secret in (place.cdn.access_key_id, place.cdn.access_key_secret, place.slack.bot_token):
        assert secret not in json.dumps(told) + kept
    assert "canonical" not in (json.dumps(told) + kept).lower()


# How often it looks


def test_it_looks_as_often_as_it_is_told_to_and_not_more(place: Town) -> None:
    place.looks()
    place.looks()
    place.waits(minutes=9)
    place.looks()
    assert len(questions(place)) == 1
    place.waits(minutes=2)
    place.looks()
    assert len(questions(place)) == 2


def test_a_look_changes_nothing_at_the_cdn(place: Town) -> None:
    looks(place, 2)
    assert {asked["action"] for asked in place.get("cdn/requests")["requests"]} == {QUESTION}


def test_zero_minutes_turn_it_off(place: Town) -> None:
    place.stop_bot()
    place.start_bot(PURGEBOT_CANARY_MINUTES="0")
    looks(place, 2)
    assert questions(place) == []


def test_a_running_bot_looks_by_itself(live_place: Town) -> None:
    revokes(live_place)
    running(live_place).worker.start()
    until(live_place, lambda: len(alerts(live_place)) == 1)


def test_a_restart_neither_looks_again_nor_tells_again(place: Town) -> None:
    revokes(place)
    looks(place)
    place.stop_bot()
    place.start_bot()
    place.looks()
    assert len(questions(place)) == 1
    looks(place)
    assert len(alerts(place)) == 1


# Several replicas


@pytest.fixture
def replica(place: Town) -> Iterator[Bot]:
    """Give a second bot over the same database."""
    bot = build(place.bot_settings(), place.now)
    yield bot
    bot.stop()


@POSTGRES
def test_replicas_share_one_canary(place: Town, replica: Bot) -> None:
    revokes(place)
    running(place).canary.check()
    replica.canary.check()
    assert len(questions(place)) == 1


@POSTGRES
@pytest.mark.parametrize("looks_before", [0, 1])
def test_of_two_replicas_that_look_at_the_same_moment_one_tells(
    place: Town, replica: Bot, looks_before: int
) -> None:
    looks(place, looks_before)
    place.waits(minutes=10)
    revokes(place)
    place.breaks(kind="delay", seconds=1, action=QUESTION, times=2)
    with ThreadPoolExecutor(2) as both:
        list(both.map(lambda bot: bot.canary.check(), (running(place), replica)))
    assert len(questions(place)) == looks_before + 2
    place.settle()
    place.waits(minutes=1)
    assert len(alerts(place)) == 1


# Nothing is lost, nothing is told twice


def test_an_alert_survives_a_crash_right_after_the_look(place: Town) -> None:
    revokes(place)
    running(place).canary.check()
    place.stop_bot()
    assert alerts(place) == []
    place.start_bot()
    place.settle()
    assert len(alerts(place)) == 1


def test_a_trouble_is_not_known_before_its_alert_is_written_down(place: Town) -> None:
    engine = running(place).store.engine.execution_options(writing=True)
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE posts RENAME TO posts_away")
    revokes(place)
    with pytest.raises(StoreUnavailable):
        running(place).canary.check()
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE posts_away RENAME TO posts")
    place.looks()
    assert len(alerts(place)) == 1


def test_while_slack_is_away_an_alert_waits_and_is_told_once(place: Town) -> None:
    slack_fails(place, "http_503", times=3)
    revokes(place)
    looks(place)
    assert alerts(place) == []
    for _ in range(4):
        place.waits(minutes=1)
    assert len(alerts(place)) == 1


def test_when_slacks_answer_is_lost_an_alert_is_not_posted_again(place: Town) -> None:
    place.post("slack/faults", {"lose_reply_of": "chat.postMessage"})
    revokes(place)
    looks(place)
    place.waits(minutes=1)
    place.waits(minutes=1)
    assert len(alerts(place)) == 1


def test_what_is_good_again_is_not_told_before_what_was_wrong(place: Town) -> None:
    bad_and_good_while_slack_is_away(place)
    assert alerts(place) == []
    place.waits(minutes=20)
    place.waits(minutes=1)
    bad, good = alerts(place)
    assert "cdn-key-refused" in bad
    assert "as it should again" in good


def test_an_alert_that_was_tried_is_not_taken_for_the_one_before_it(place: Town) -> None:
    bad_and_good_while_slack_is_away(place)
    place.waits(minutes=20)
    assert len(alerts(place)) == 1
    slack_fails(place, "http_503", times=1)
    place.waits(seconds=20)
    place.waits(seconds=20)
    bad, good = alerts(place)
    assert "cdn-key-refused" in bad
    assert "as it should again" in good


def bad_and_good_while_slack_is_away(place: Town) -> None:
    """Let Slack ask for half an hour before it takes the first alert; the second is written by then."""
    slack_fails(place, "ratelimited", times=1, retry_after=1800)
    revokes(place)
    looks(place)
    revokes(place, active=True)
    looks(place)


def slack_fails(place: Town, error: str, **more: int) -> None:
    fault = {"method": "chat.postMessage", "error": error, **more}
    place.post("slack/faults", {"web_api": [fault]})


def test_a_bot_that_is_invited_late_tells_then(place: Town) -> None:
    place.stop_bot()
    place.start_bot(PURGEBOT_OPERATORS_CHANNEL="C0LAUNCH")
    revokes(place)
    with structlog.testing.capture_logs() as logged:
        looks(place)
    (refused,) = [line for line in logged if line["event"] == "not-alerted"]
    assert (refused["channel"], refused["why"]) == ("C0LAUNCH", "channel_not_found")
    assert cards(place, "U0SAM", "C0LAUNCH") == []
    place.post("slack/join", {"channel": "C0LAUNCH", "user": "U0BOT"})
    place.waits(minutes=5)
    (told,) = cards(place, "U0SAM", "C0LAUNCH")
    assert "cdn-key-refused" in words(told)


def test_without_a_channel_it_is_only_logged_and_told_once_there_is_one(place: Town) -> None:
    place.stop_bot()
    variables = place.variables()
    del variables["PURGEBOT_OPERATORS_CHANNEL"]
    place.bot = build(settings_from(variables), place.now)
    revokes(place)
    with structlog.testing.capture_logs() as logged:
        looks(place, 2)
    (trouble,) = [line for line in logged if line["event"] == "cdn-trouble"]
    assert (trouble["log_level"], trouble["code"]) == ("error", "cdn-key-refused")
    assert alerts(place) == []
    place.stop_bot()
    place.start_bot()
    looks(place, 2)
    assert len(alerts(place)) == 1


# The quota that was reported


def test_a_quota_of_which_little_is_left_is_known_until_the_look_is_old(place: Town) -> None:
    canary = running(place).canary
    assert canary.low_quota(place.now()) is None
    place.post("cdn/settings", {"directory_per_day": 0, "url_per_day": 100})
    spend(place, 95)
    looks(place)
    assert canary.low_quota(place.now()) == LowQuota("url", 5, 100)
    place.waits(minutes=11)
    assert canary.low_quota(place.now()) is None


def test_a_quota_of_which_enough_is_left_is_not_low(place: Town) -> None:
    place.post("cdn/settings", {"url_per_day": 100})
    spend(place, 90)
    looks(place)
    assert running(place).canary.low_quota(place.now()) is None


def test_what_is_low_is_the_operators_choice(place: Town) -> None:
    place.stop_bot()
    place.start_bot(PURGEBOT_LOW_QUOTA_SHARE="0.5")
    place.post("cdn/settings", {"url_per_day": 100})
    spend(place, 51)
    looks(place)
    assert running(place).canary.low_quota(place.now()) == LowQuota("url", 49, 100)


def test_a_look_that_was_refused_leaves_the_quota_unknown(place: Town) -> None:
    place.post("cdn/settings", {"url_per_day": 100})
    spend(place, 95)
    looks(place)
    revokes(place)
    looks(place)
    place.waits(minutes=1)
    assert running(place).canary.low_quota(place.now()) is None


def test_what_was_left_of_yesterdays_quota_says_nothing_of_todays(place: Town) -> None:
    """The CDN's new day begins at 16:00 UTC."""
    seconds = (16 * 3600 - 120 - place.now().timestamp()) % 86_400
    place.waits(seconds=seconds)
    place.post("cdn/settings", {"url_per_day": 100})
    spend(place, 95)
    place.looks()
    assert running(place).canary.low_quota(place.now()) == LowQuota("url", 5, 100)
    place.waits(minutes=3)
    assert running(place).canary.low_quota(place.now()) is None


def spend(place: Town, tags: int) -> None:
    """Let somebody purge so many tags, at a CDN that counts them as URLs."""
    place.post("cdn/settings", {"tag_quota": "url"})
    place.says("U0SAM", f"/purge www.example.com {','.join(f't{n}' for n in range(tags))}")
    place.settle()
    assert len(place.purges_sent()) == 1

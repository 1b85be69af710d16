"""What Prometheus reads from a bot is what happened in town, and nobody's words are in it."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest

from bot.demo.town import Town
from bot.health.collector import registry_of
from bot.health.endpoint import HealthEndpoint
from bot.store.queue.due import JobKind
from tests.conftest import OpenTown
from tests.support.conversation import Person
from tests.support.database_outage import away
from tests.support.messages import APPROVE, only_card
from tests.support.prometheus_scrape import Scrape, bot_of, read, scrape
from tests.support.purgebot import running
from tests.support.waiting import until

POSTGRES = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
PURGE = "RefreshObjectCacheByCacheTag"


def asks(place: Town, words: str = "hero", person: str = "U0ANA") -> None:
    Person(place, person).types(f"/purge www.example.com {words}")


def asks_for_force(place: Town) -> dict[str, Any]:
    asks(place, "hero --force")
    return only_card(place)


def anew(place: Town) -> Scrape:
    """Scrape without what was kept of the last look at the database."""
    bot = bot_of(place)
    health_checks = bot.status.health_checks
    page = HealthEndpoint(
        health_checks, registry_of(bot.store, health_checks, place.now), None
    ).page("/metrics")
    assert page is not None
    return read(page.body.decode())


# From the command to the CDN


@SQLITE
def test_a_plain_purge_is_counted_at_every_station(place: Town) -> None:
    before = scrape(bot_of(place))
    asks(place)
    after = scrape(bot_of(place))

    def grown(name: str, **labels: str) -> float:
        return after.grown(before, f"purgebot_{name}", **labels)

    assert grown("received_total", kind="command", result="taken") == 1
    assert grown("acknowledgement_seconds_count", kind="command") == 1
    for event in ("request", "allow", "send", "accept"):
        assert grown("decisions_total", event=event) == 1
    assert grown("submissions_total") == grown("submissions_total", outcome="ok") == 1
    assert grown("cdn_request_seconds_count", action=PURGE, outcome="ok") == 1
    assert grown("command_to_submission_seconds_count") == 1
    assert grown("click_to_submission_seconds_count") == 0
    assert grown("command_to_answer_seconds_count") == 1
    assert grown("command_to_answer_seconds_count", answer="card") == 1
    assert grown("step_seconds_count", kind="sends", outcome="ok") == 1
    assert grown("slack_request_seconds_count", method="chat.postMessage", outcome="ok") == 1
    assert grown("reasons_total") == 0


def test_a_click_is_timed_from_the_press_to_the_cdn(place: Town) -> None:
    card = asks_for_force(place)
    place.waits(minutes=10)
    before = scrape(bot_of(place))
    place.presses("U0SAM", APPROVE, card)
    place.waits(seconds=90)  # meanwhile nobody works
    after = scrape(bot_of(place))
    assert after.grown(before, "purgebot_click_to_submission_seconds_count") == 1
    assert 90 <= after.grown(before, "purgebot_click_to_submission_seconds_sum") < 600
    assert after.grown(before, "purgebot_command_to_submission_seconds_count") == 0
    assert after.grown(before, "purgebot_decisions_total", event="approve") == 1


@SQLITE
def test_the_time_to_undo_a_purge_is_no_waiting(place: Town, kim: Person, sam: Person) -> None:
    sam.types("/purge shop.example.com prices --force")
    before = scrape(bot_of(place))
    kim.approves(only_card(place))
    place.waits(seconds=11)
    after = scrape(bot_of(place))
    assert after.grown(before, "purgebot_click_to_submission_seconds_count") == 1
    assert after.grown(before, "purgebot_click_to_submission_seconds_sum") < 10


@SQLITE
def test_the_click_may_be_taken_by_another_process_than_the_one_that_sends(place: Town) -> None:
    card = asks_for_force(place)
    place.presses("U0SAM", APPROVE, card)
    place.stop_bot()
    place.start_bot()
    before = scrape(bot_of(place))
    place.waits(seconds=45)
    grown = scrape(bot_of(place)).grown(before, "purgebot_click_to_submission_seconds_sum")
    assert grown >= 45


@SQLITE
def test_a_purge_that_is_held_is_timed_once_and_each_try_is_counted(place: Town) -> None:
    place.breaks(kind="error", action=PURGE, code="QuotaPerMinuteExceeded.Refresh")
    before = scrape(bot_of(place))
    asks(place)
    place.waits(minutes=2)
    after = scrape(bot_of(place))
    assert after.grown(before, "purgebot_submissions_total", outcome="cdn-minute-quota") == 1
    assert after.grown(before, "purgebot_submissions_total", outcome="ok") == 1
    assert (
        after.grown(before, "purgebot_reasons_total", event="hold", reason="cdn-minute-quota") == 1
    )
    assert after.grown(before, "purgebot_command_to_submission_seconds_count") == 1


@SQLITE
@pytest.mark.parametrize(
    ("fault", "outcome", "event", "how"),
    [
        ({"kind": "error", "code": "NoPermission"}, "cdn-no-permission", "reject", "refused"),
        ({"kind": "lose_answer"}, "cdn-no-answer", "lose", "in-doubt"),
    ],
    ids=["refused", "in doubt"],
)
def test_what_the_cdn_says_is_counted_by_its_code(
    place: Town, fault: dict[str, Any], outcome: str, event: str, how: str
) -> None:
    place.breaks(action=PURGE, **fault)
    before = scrape(bot_of(place))
    asks(place)
    after = scrape(bot_of(place))
    assert after.grown(before, "purgebot_submissions_total", outcome=outcome) == 1
    assert after.grown(before, "purgebot_submissions_total", outcome="ok") == 0
    assert after.grown(before, "purgebot_decisions_total", event=event) == 1
    assert after.grown(before, "purgebot_reasons_total", event=event, reason=outcome) == 1
    grown = after.grown(before, "purgebot_cdn_request_seconds_count", action=PURGE, outcome=how)
    assert grown == 1


def test_a_purge_that_was_cut_off_in_sending_is_counted_by_whoever_finds_it(
    site: Town, tmp_path: Path
) -> None:
    site.breaks(kind="delay", action=PURGE, seconds=5)
    with running(tmp_path, site.variables()) as bot:
        bot.until("started")
        site.says("U0ANA", "/purge www.example.com hero")
        until(site, lambda: bool(site.purges_sent()))
        bot.end(signal.SIGKILL)
    before = scrape(site.start_bot())
    site.waits(minutes=1)
    after = scrape(bot_of(site))
    assert after.grown(before, "purgebot_submissions_total") == 1
    assert after.grown(before, "purgebot_submissions_total", outcome="send-interrupted") == 1


# What people are told


@SQLITE
def test_a_refusal_is_counted_with_its_reason_and_its_answer(place: Town) -> None:
    before = scrape(bot_of(place))
    asks(place, person="U0GUS")
    after = scrape(bot_of(place))
    assert after.grown(before, "purgebot_decisions_total", event="refuse") == 1
    assert after.grown(before, "purgebot_reasons_total", event="refuse") == 1
    assert after.grown(before, "purgebot_command_to_answer_seconds_count", answer="whisper") == 0
    assert after.grown(before, "purgebot_command_to_answer_seconds_count") == 1
    assert after.grown(before, "purgebot_submissions_total") == 0


@SQLITE
def test_a_mistake_is_counted_by_its_code_and_answered_in_the_acknowledgement(
    place: Town,
) -> None:
    before = scrape(bot_of(place))
    asks(place, "hero --froce")
    after = scrape(bot_of(place))
    code = {"kind": "command", "result": "command-option-misspelt"}
    assert after.grown(before, "purgebot_received_total", **code) == 1
    assert after.grown(before, "purgebot_received_total", result="taken") == 0
    answer = "acknowledgement"
    assert after.grown(before, "purgebot_command_to_answer_seconds_count", answer=answer) == 1


@SQLITE
def test_a_press_that_does_not_count_is_counted_as_what_it_came_to(
    place: Town, ana: Person
) -> None:
    card = asks_for_force(place)
    before = scrape(bot_of(place))
    ana.approves(card)
    after = scrape(bot_of(place))
    assert after.grown(before, "purgebot_decisions_total", event="press-own-request") == 1
    assert after.grown(before, "purgebot_decisions_total", event="approve") == 0
    assert after.grown(before, "purgebot_command_to_answer_seconds_count", answer="whisper") == 1


@SQLITE
def test_the_same_press_delivered_twice_is_decided_once(place: Town, sam: Person) -> None:
    card = asks_for_force(place)
    place.post("slack/faults", {"deliver_twice": True})
    before = scrape(bot_of(place))
    sam.approves(card)
    after = scrape(bot_of(place))
    assert after.grown(before, "purgebot_received_total", kind="action") == 2
    assert after.grown(before, "purgebot_decisions_total", event="approve") == 1


# Slack


@SQLITE
@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        ("channel_not_found", "refused"),
        ("ratelimited", "limited"),
        ("http_503", "failed"),
        ("drop", "no-answer"),
    ],
)
def test_a_call_of_slack_is_counted_by_how_it_went(place: Town, error: str, outcome: str) -> None:
    method = "chat.postMessage"
    place.post("slack/faults", {"web_api": [{"method": method, "error": error}]})
    before = scrape(bot_of(place))
    asks(place)
    after = scrape(bot_of(place))
    name = "purgebot_slack_request_seconds_count"
    assert after.grown(before, name, method=method, outcome=outcome) == 1
    retry_later = after.grown(before, "purgebot_step_seconds_count", outcome="put-back")
    assert retry_later == (outcome != "refused")  # then there are other ways to the reader


@SQLITE
def test_a_response_url_is_a_call_of_slack_too(place: Town, ana: Person) -> None:
    before = scrape(bot_of(place))
    ana.at("C0LAUNCH").types("/purge www.example.com hero")
    after = scrape(bot_of(place))
    labels = {"method": "response_url", "outcome": "ok"}
    assert after.grown(before, "purgebot_slack_request_seconds_count", **labels) == 1


@SQLITE
def test_every_session_of_the_socket_is_counted(place: Town) -> None:
    name = "purgebot_socket_sessions_total"
    asks(place, "help")  # after the first one's greeting
    before = scrape(bot_of(place))
    place.post("slack/sockets", {"action": "disconnect", "reason": "refresh_requested"})
    for _ in range(200):
        asks(place, "help")  # through the socket, whichever it is now
        if scrape(bot_of(place)).grown(before, name) == 1:
            return
    pytest.fail(f"{scrape(bot_of(place)).grown(before, name)} new sessions were counted")


# What the database knows


def test_the_queue_is_what_waits_for_the_worker(place: Town) -> None:
    empty = scrape(bot_of(place))
    assert empty.value("purgebot_queue_waiting", kind="purges") == 0
    assert empty.value("purgebot_queue_oldest_seconds", kind="purges") == 0
    place.says("U0ANA", "/purge www.example.com hero")
    place.says("U0ANA", "/purge help")
    place.waits(seconds=40, settle=False)
    after = anew(place)
    assert after.value("purgebot_queue_waiting", kind="purges") == 1
    assert after.value("purgebot_queue_waiting", kind="asks") == 1
    assert after.value("purgebot_queue_waiting", kind="watches") == 0
    oldest = after.value("purgebot_queue_oldest_seconds", kind="purges")
    assert oldest is not None
    assert 40 <= oldest < 300
    place.settle()
    assert anew(place).value("purgebot_queue_waiting", kind="purges") == 0


def test_a_waiting_approval_is_an_open_purge_and_no_work(place: Town) -> None:
    asks_for_force(place)
    place.waits(minutes=1)
    now = scrape(bot_of(place))
    assert now.value("purgebot_purges_open", state="waiting") == 1
    assert now.value("purgebot_purges_open", state="sending") == 0
    waiting = now.samples["purgebot_queue_waiting"]
    assert set(waiting.values()) == {0.0}


def test_what_is_worked_on_is_not_waiting(place: Town) -> None:
    place.says("U0ANA", "/purge www.example.com hero")
    bot = bot_of(place)
    (claimed,) = bot.store.jobs.claim(JobKind.PURGE, place.now(), "somebody", 1)
    assert claimed.attempts == 0
    assert scrape(bot).value("purgebot_queue_waiting", kind="purges") == 0
    place.waits(minutes=1, settle=False)  # the lease runs out
    assert anew(place).value("purgebot_queue_waiting", kind="purges") == 1


def test_the_purges_of_the_cdns_day_are_counted(place: Town) -> None:
    asks(place)
    place.breaks(kind="error", action=PURGE, code="NoPermission")
    asks(place, "banner")  # refused: it used nothing up
    now = scrape(bot_of(place))
    assert now.value("purgebot_purges_sent_today", force="false") == 1
    assert now.value("purgebot_purges_sent_today", force="true") == 0
    place.waits(days=1)
    assert anew(place).value("purgebot_purges_sent_today", force="false") == 0


def test_the_quota_is_what_the_cdn_reported_today(place: Town) -> None:
    assert "purgebot_quota_remaining" not in scrape(bot_of(place)).samples
    place.looks()
    now = anew(place)
    limit = now.value("purgebot_quota_limit", sort="url")
    assert now.value("purgebot_quota_remaining", sort="url") == limit
    place.waits(days=1)
    assert "purgebot_quota_remaining" not in anew(place).samples


def test_the_canarys_word_is_told_with_its_code(place: Town) -> None:
    place.looks()
    assert scrape(bot_of(place)).value("purgebot_canary_good") == 1
    place.post("cdn/settings", {"key_active": False})
    place.waits(minutes=10)
    place.looks()
    now = anew(place)
    assert now.value("purgebot_canary_good") == 0
    assert now.samples["purgebot_canary_state"] == {frozenset({("code", "cdn-key-refused")}): 1.0}


@POSTGRES
def test_without_the_database_the_rest_is_still_told(place: Town) -> None:
    with away(place.database_url):
        now = anew_without_what_is_kept(place)
        assert now.value("purgebot_database_up") == 0
        assert "purgebot_queue_waiting" not in now.samples
        assert "purgebot_purges_open" not in now.samples
        assert now.value("purgebot_submissions_total", outcome="ok") is not None
    now = anew_without_what_is_kept(place)
    assert now.value("purgebot_database_up") == 1
    assert now.value("purgebot_queue_waiting", kind="sends") == 0


def anew_without_what_is_kept(place: Town) -> Scrape:
    bot_of(place).status.health_checks._database_says._answer = None
    return anew(place)


# What is in no label


def test_nobodys_words_are_in_the_metrics(open_town: OpenTown) -> None:
    place = open_town()
    asks(place, 'hero --force --reason "a launch"')
    place.presses("U0SAM", APPROVE, only_card(place))
    asks(place, "hero --froce", "U0LEO")
    asks(place, "banner", "U0GUS")
    place.looks()
    text = scrape(bot_of(place)).text
    purge_id = only_card(place)["metadata"]["event_payload"]["purge_id"]
    for word in ("U0ANA", "U0SAM", "U0LEO", "C0WEB", "example.com", "hero", "launch", purge_id):
        assert word not in text
    for value in place.variables().values():
        assert len(value) < 8 or value not in text

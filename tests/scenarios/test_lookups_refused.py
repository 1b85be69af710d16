"""Slack refuses for good to say who people are: they hear at once that it will not pass by itself."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.core.retry import DirectoryUnavailable
from bot.demo.town import Town
from tests.support.messages import APPROVE, cards, only_card, whispers, words
from tests.support.prometheus_scrape import bot_of
from tests.support.purgebot import purgebot
from tests.support.waiting import poll

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
LASTING = [
    *("missing_scope", "missing_argument", "permission_denied", "paid_teams_only"),
    *("plan_upgrade_required", "team_access_not_granted", "org_login_required"),
    *("invalid_auth", "account_inactive", "token_revoked", "not_allowed_token_type"),
    *("not_authed", "token_expired", "ekm_access_denied", "unheard_of"),
]
PASSING = ["internal_error", "fatal_error", "service_unavailable", "request_timeout"]
PASSING += ["ratelimited", "team_added_to_org", "http_503", "drop"]
GROUPS, PEOPLE = "usergroups.users.list", "users.info"


def refuses(place: Town, method: str, error: str, times: int | None = None) -> None:
    place.post("slack/faults", {"web_api": [{"method": method, "error": error, "times": times}]})


def mends(place: Town) -> None:
    place.post("slack/faults", {"web_api": []})


def asks(place: Town, command: str = "/purge www.example.com hero", person: str = "U0SAM") -> str:
    """Let somebody ask, and give what they alone are told, at once."""
    place.says(person, command)
    place.settle()
    return (whispers(place, person) or [""])[-1]


def looks_up(place: Town, person: str) -> None:
    """Have the bot find out who somebody is, as for a command of theirs."""
    with suppress(DirectoryUnavailable):
        where = (place.slack.workspace.team["id"], person, "C0WEB")
        bot_of(place).context.directory.fetch(*where, where[0], since=None)


def readyz(place: Town) -> tuple[int, dict[str, Any]]:
    page = bot_of(place).status.page("/readyz")
    assert page is not None
    return page.status, json.loads(page.body)["checks"]["credentials"]


@SQLITE
@pytest.mark.parametrize("method", [GROUPS, PEOPLE])
@pytest.mark.parametrize("error", LASTING)
def test_who_asks_for_a_purge_hears_at_once_whom_to_tell(
    place: Town, method: str, error: str
) -> None:
    refuses(place, method, error)
    told = asks(place)
    assert "rights-lookup-refused" in told
    assert "operators of Purgebot" in told
    assert "minute" not in told
    assert place.purges_sent() == []


@pytest.mark.parametrize("method", [GROUPS, PEOPLE])
@pytest.mark.parametrize("error", PASSING)
def test_what_passes_is_waited_for_and_then_said_to_pass(
    place: Town, method: str, error: str
) -> None:
    refuses(place, method, error, times=2)
    assert asks(place) == ""
    for _ in range(6):
        place.waits(seconds=5)
    assert len(place.purges_sent()) == 1


@SQLITE
@pytest.mark.parametrize("error", PASSING)
def test_what_lasts_longer_than_a_minute_is_told_as_passing(place: Town, error: str) -> None:
    refuses(place, GROUPS, error)
    asks(place)
    for _ in range(30):
        place.waits(seconds=5)
    told = whispers(place, "U0SAM")[-1]
    assert "rights-unknown" in told
    assert "Try again in a minute" in told


def test_a_press_is_answered_at_once_and_counts_for_nothing(place: Town) -> None:
    place.says("U0ANA", "/purge www.example.com hero --force")
    place.settle()
    refuses(place, GROUPS, "missing_scope")
    place.presses("U0SAM", APPROVE, only_card(place))
    place.settle()
    assert "press-lookup-refused" in whispers(place, "U0SAM")[-1]
    assert place.purges_sent() == []
    mends(place)
    place.presses("U0SAM", APPROVE, only_card(place))
    place.settle()
    assert len(place.purges_sent()) == 1


@pytest.mark.parametrize("question", ["history", "quota", "help", "status P1M82J8FAHK949"])
def test_a_question_is_answered_at_once(place: Town, question: str) -> None:
    refuses(place, PEOPLE, "missing_scope")
    assert "lookup-refused" in asks(place, f"/purge {question}")


def test_what_was_approved_is_not_sent_where_nobody_can_be_looked_up(place: Town) -> None:
    place.says("U0ANA", "/purge www.example.com hero --force")
    place.settle()
    place.breaks(kind="error", code="Throttling.User", times=1)
    place.presses("U0SAM", APPROVE, only_card(place))
    place.settle()
    refuses(place, GROUPS, "missing_scope")
    place.waits(minutes=1)
    assert "rights-lookup-refused" in words(only_card(place))
    place.waits(minutes=5)
    assert len([row for row in place.purges_sent() if row.get("task_id")]) == 0


def test_what_was_known_of_groups_does_not_outlive_a_refusal(place: Town) -> None:
    asks(place)
    place.waits(minutes=5)
    refuses(place, GROUPS, "missing_scope")
    assert "rights-lookup-refused" in asks(place, "/purge www.example.com banner")
    assert len(place.purges_sent()) == 1


# The operators


@SQLITE
def test_it_is_logged_once_with_the_method_and_the_scope(place: Town) -> None:
    scopes = [each for each in place.slack.workspace.scopes if each != "usergroups:read"]
    place.post("slack/settings", {"scopes": scopes})
    with capture_logs() as logged:
        for tag in ("hero", "banner", "news"):
            asks(place, f"/purge www.example.com {tag}")
            place.waits(minutes=2)
    (told,) = [row for row in logged if row["event"] == "slack-refuses"]
    assert told["log_level"] == "error"
    assert (told["method"], told["error"]) == (GROUPS, "missing_scope")
    assert told["needed"] == "usergroups:read"
    assert "chat:write" in told["provided"]


@SQLITE
def test_readyz_names_it_until_slack_takes_it_again(place: Town) -> None:
    bot_of(place).worker.start()
    everything = list(place.slack.workspace.scopes)
    granted = [each for each in everything if each != "usergroups:read"]
    place.post("slack/settings", {"scopes": granted})
    looks_up(place, "U0SAM")
    status, said = readyz(place)
    assert (status, said["good"]) == (503, False)
    assert said["reason"] == (
        "Slack refuses usergroups.users.list (missing_scope: it needs usergroups:read)"
    )
    bot_of(place).slack.retry_refused()
    assert readyz(place)[0] == 503
    place.post("slack/settings", {"scopes": everything})
    bot_of(place).slack.retry_refused()  # nobody has to ask for anything
    assert readyz(place) == (200, {"good": True, "reason": readyz(place)[1]["reason"]})


@SQLITE
def test_a_revoked_token_that_is_taken_again_needs_no_request_either(place: Town) -> None:
    bot_of(place).worker.start()
    refuses(place, "*", "token_revoked")
    looks_up(place, "U0SAM")
    assert "SLACK_BOT_TOKEN (token_revoked)" in readyz(place)[1]["reason"]
    mends(place)
    bot_of(place).slack.retry_refused()
    assert readyz(place)[0] == 200


@SQLITE
@pytest.mark.parametrize(
    ("method", "error", "says"),
    [
        ("chat.postMessage", "missing_scope", "Slack refuses chat.postMessage"),
        ("*", "token_revoked", "Slack refuses SLACK_BOT_TOKEN (token_revoked)"),
    ],
)
def test_what_slack_refuses_does_not_hide_what_the_cdn_does(
    place: Town, method: str, error: str, says: str
) -> None:
    place.breaks(kind="error", code="InvalidAccessKeyId.NotFound", times=None)
    place.looks()
    refuses(place, method, error)
    place.says("U0ANA", "/purge www.example.com hero")
    place.settle()
    reason = readyz(place)[1]["reason"]
    assert says in reason
    assert "the CDN does not take the bot's questions (cdn-key-refused)" in reason


@SQLITE
def test_a_refused_message_is_named_too_and_people_are_answered_all_the_same(place: Town) -> None:
    bot_of(place).worker.start()
    everything = list(place.slack.workspace.scopes)
    place.post("slack/settings", {"scopes": [each for each in everything if each != "chat:write"]})
    place.says("U0ANA", "/purge www.example.com hero")
    poll(lambda: bool(cards(place)))
    status, said = readyz(place)
    assert (status, said["good"]) == (200, False)
    assert "chat.postMessage (missing_scope: it needs chat:write)" in said["reason"]
    place.post("slack/settings", {"scopes": everything})
    bot_of(place).slack.retry_refused()
    assert readyz(place)[1]["good"]


@SQLITE
@pytest.mark.parametrize("error", ["not_in_channel", "channel_not_found", "is_archived"])
def test_what_is_about_one_channel_says_nothing_of_the_bot(place: Town, error: str) -> None:
    refuses(place, "chat.postMessage", error, times=1)
    with capture_logs() as logged:
        asks(place)
    assert readyz(place)[1]["good"]
    assert [row for row in logged if row["event"] == "slack-refuses"] == []


@SQLITE
def test_nor_does_a_person_or_a_group_that_there_is_not(place: Town) -> None:
    for error in ("user_not_found", "user_not_visible"):
        refuses(place, PEOPLE, error, times=1)
        asks(place)
    refuses(place, GROUPS, "no_such_subteam", times=1)
    asks(place)
    assert readyz(place)[1]["good"]


@SQLITE
def test_scopes_that_an_admin_may_leave_out_are_no_trouble(place: Town) -> None:
    scopes = [each for each in place.slack.workspace.scopes if not each.endswith(":history")]
    place.post("slack/settings", {"scopes": scopes})
    place.post("slack/faults", {"lose_reply_of": "chat.postMessage"})
    asks(place)
    place.waits(minutes=1)
    assert readyz(place)[1]["good"]


@pytest.mark.parametrize("error", ["permission_denied", "paid_teams_only", "missing_scope"])
def test_check_reads_the_groups_that_the_policy_names(
    site: Town, tmp_path: Path, error: str
) -> None:
    ended = purgebot("check", folder=tmp_path, **site.variables())
    assert ended.code == 0
    assert "3 of 3 user groups can be read" in ended.out
    refuses(site, GROUPS, error)
    ended = purgebot("check", folder=tmp_path, **site.variables())
    assert ended.code == 1
    assert f"Slack refuses usergroups.users.list ({error})" in ended.out


@SQLITE
def test_a_socket_that_slack_will_not_open_again_says_why(place: Town) -> None:
    bot_of(place).worker.start()
    refuses(place, "apps.connections.open", "token_revoked")
    place.post("slack/sockets", {"action": "disconnect", "reason": "link_disabled"})

    def why() -> str:
        page = bot_of(place).status.page("/readyz")
        assert page is not None
        return str(json.loads(page.body)["checks"]["socket"]["reason"])

    poll(lambda: "apps.connections.open (token_revoked)" in why())
    assert readyz(place)[1]["good"], "the bot's own token is taken"
    mends(place)
    poll(lambda: why() == "connected")

"""The control API: who sees what, who may drive it, and the troubles it can order."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.simulators.slack import default_world
from tests.simulators.slack_sim import Slack, refusal, running_slack

# Who sees what


@pytest.mark.parametrize(
    ("who", "channels"),
    [
        ("U0ANA", {"C0WEB", "C0OPS", "C0RANDOM", "C0LAUNCH", "D0ANASAM", "D0ANABOT"}),
        ("U0LEO", {"C0WEB", "C0OPS", "C0RANDOM", "D0LEOBOT"}),
        ("U0GUS", {"C0WEB", "C0RANDOM", "D0GUSBOT"}),
        ("U0EVE", {"C0WEB", "C0RANDOM"}),
    ],
)
def test_people_see_their_conversations_and_members_all_public_ones(
    slack: Slack, who: str, channels: set[str]
) -> None:
    state = slack.state(who)
    assert {channel["id"] for channel in state["channels"]} == channels
    assert state["messages"].keys() == channels
    assert state["me"] == who


def test_the_default_world_is_as_the_tests_of_the_bot_know_it(slack: Slack) -> None:
    state = slack.state()
    people = {person["id"]: person for person in state["people"]}
    assert people["U0ANA"]["groups"] == ["S0EDITORS"]
    assert people["U0ADA"]["kind"] == "admin"
    assert {person["kind"] for person in people.values()} == {
        *("member", "admin", "guest", "bot", "deleted", "outsider"),
    }
    bot_in = {channel["id"] for channel in state["channels"] if channel["bot_in"]}
    assert bot_in == {"C0WEB", "C0OPS", "D0ANABOT"}
    assert state["commands"][0]["command"] == "/purge"


def test_another_world_can_be_brought(slack: Slack) -> None:
    world = default_world()
    world["people"].append({"id": "U0NEW", "name": "new", "real_name": "Nel New"})
    with running_slack(world=world) as other:
        assert other.state("U0NEW")["me"] == "U0NEW"
    assert slack.control("GET", "state?as=U0NEW").status_code == 400


def test_what_was_not_read_is_counted_and_reading_ends_that(slack: Slack) -> None:
    def unread(who: str) -> int:
        shown = {channel["id"]: channel for channel in slack.state(who)["channels"]}
        return int(shown["C0WEB"]["unread"])

    slack.say("U0ANA", "hello")
    assert (unread("U0ANA"), unread("U0SAM")) == (0, 1)
    slack.post("read", **{"as": "U0SAM", "channel": "C0WEB"})
    assert unread("U0SAM") == 0
    slack.say("U0ANA", "hello again")
    assert unread("U0SAM") == 1


def test_changes_are_told_as_they_happen(slack: Slack) -> None:
    url = f"{slack.control_url}/events?as=U0ANA"
    with requests.get(url, stream=True, timeout=60) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        lines = (line for line in stream.iter_lines() if line.startswith(b"data:"))
        next(lines)
        slack.say("U0ANA", "hello")
        assert b'{"n":' in next(lines)


# What makes no sense


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("say", {"as": "U0ANA", "channel": "C0WEB"}),
        ("say", {"as": "U0ANA", "channel": "C0NOWHERE", "text": "x"}),
        ("say", {"as": "U0GUS", "channel": "C0OPS", "text": "x"}),
        ("say", {"as": "U0DEL", "channel": "C0WEB", "text": "x"}),
        ("say", {"as": "USLACKBOT", "channel": "C0WEB", "text": "x"}),
        ("say", {"as": "U0ANA", "channel": "C0WEB", "text": " "}),
        ("submit", {"as": "U0ANA", "view_id": "V0"}),
        ("wait", {"seconds": -1}),
        ("wait", {"seconds": "1"}),
        ("faults", {"colour": "red"}),
        ("faults", {"web_api": [{"colour": "red"}]}),
        ("faults", {"web_api": [{"error": "http_never"}]}),
        ("settings", {"colour": "red"}),
        ("sockets", {"action": "disconnect", "reason": "boredom"}),
        ("join", {"channel": "C0WEB", "user": "U0NOBODY"}),
        ("leave", {"channel": "C0NOWHERE", "user": "U0ANA"}),
        ("person", {"id": "U0NOBODY"}),
        ("person", {"id": "U0ANA", "colour": "red"}),
        ("person", {"id": "U0ANA", "kind": "wizard"}),
        ("reset", []),
    ],
)
def test_what_makes_no_sense_is_answered_with_a_sentence(
    slack: Slack, path: str, body: Any
) -> None:
    answer = slack.control("POST", path, body)
    assert answer.status_code == 400
    assert answer.json()["error"]


@pytest.mark.parametrize(("kind", "status"), [("text/plain", 400), ("application/json", 200)])
def test_only_json_is_taken_for_a_wish(slack: Slack, kind: str, status: int) -> None:
    """A page elsewhere can post text without asking; JSON it cannot."""
    url, headers = f"{slack.control_url}/wait", {"Content-Type": kind}
    answer = requests.post(url, data='{"seconds": 1}', headers=headers, timeout=60)
    assert answer.status_code == status


# Time and people


def test_waiting_moves_the_clock_and_the_ts_of_messages(slack: Slack) -> None:
    before = float(slack.bot.chat_postMessage(channel="C0WEB", text="x")["ts"])
    slack.wait(3600)
    after = float(slack.bot.chat_postMessage(channel="C0WEB", text="x")["ts"])
    assert after - before >= 3600


def test_the_clock_can_be_given() -> None:
    with running_slack(now=lambda: 1_700_000_000.0) as slack:
        assert slack.state()["now"] == 1_700_000_000
        slack.wait(5)
        assert slack.state()["now"] == 1_700_000_005


def test_people_change_their_groups_and_leave(slack: Slack) -> None:
    slack.post("person", id="U0LEO", groups=["S0SRE", "S0EDITORS"])
    assert "U0LEO" in slack.bot.usergroups_users_list(usergroup="S0SRE")["users"]
    assert slack.bot.usergroups_users_list(usergroup="S0MARKETING")["users"] == []
    slack.post("person", id="U0LEO", kind="guest")
    assert slack.bot.users_info(user="U0LEO")["user"]["is_restricted"] is True


def test_a_reset_brings_the_first_day_back(slack: Slack) -> None:
    slack.say("U0ANA", "hello")
    slack.post("person", id="U0ANA", kind="guest")
    slack.post("faults", deliver_twice=True)
    slack.post("reset")
    state = slack.state()
    assert state["messages"]["C0WEB"] == []
    assert state["faults"]["deliver_twice"] is False
    assert slack.bot.users_info(user="U0ANA")["user"]["is_restricted"] is False


# Ordered troubles


def test_every_call_is_kept_for_tests(slack: Slack) -> None:
    slack.bot.auth_test()
    slack.bot.chat_postMessage(channel="C0WEB", text="hi")
    first, second = slack.get("calls")["calls"]
    assert (first["method"], second["method"]) == ("auth.test", "chat.postMessage")
    assert second["arguments"]["text"] == "hi"
    assert second["answer"]["ok"] is True
    assert slack.get(f"calls?since={first['n']}")["calls"] == [second]
    assert slack.get("calls?method=auth.test")["calls"] == [first]
    assert slack.control("GET", "calls?since=x").status_code == 400


@pytest.mark.parametrize(
    ("fault", "status", "error"),
    [
        ({"error": "internal_error"}, 200, "internal_error"),
        ({"error": "ratelimited", "retry_after": 7}, 429, "ratelimited"),
    ],
)
def test_a_method_can_be_made_to_fail_once(
    slack: Slack, fault: dict[str, Any], status: int, error: str
) -> None:
    slack.post("faults", web_api=[{"method": "chat.postMessage", **fault}])
    assert slack.bot.auth_test()["ok"]
    answer = refusal(slack, "chat.postMessage", channel="C0WEB", text="x")
    assert (answer.status_code, answer["error"]) == (status, error)
    if status == 429:
        assert answer.headers["Retry-After"] == "7"
    assert slack.bot.chat_postMessage(channel="C0WEB", text="x")["ok"]
    assert slack.texts() == ["x"]


def test_a_trouble_can_last_until_it_is_cleared(slack: Slack) -> None:
    slack.post("faults", web_api=[{"error": "http_503", "times": None}])
    for _ in range(3):
        with pytest.raises(SlackApiError) as caught:
            slack.bot.auth_test()
        assert caught.value.response.status_code == 503
    slack.control("DELETE", "faults")
    assert slack.bot.auth_test()["ok"]


@pytest.mark.parametrize(
    ("fault", "texts"),
    [
        ({"web_api": [{"error": "drop"}]}, []),
        ({"lose_reply_of": "chat.postMessage"}, ["x"]),
    ],
    ids=["dropped before", "reply lost"],
)
def test_a_connection_can_break_before_or_after_the_deed(
    slack: Slack, fault: dict[str, Any], texts: list[str]
) -> None:
    slack.post("faults", **fault)
    with pytest.raises(OSError):
        slack.bot.chat_postMessage(channel="C0WEB", text="x")
    assert slack.texts() == texts
    (call,) = slack.get("calls?method=chat.postMessage")["calls"]
    assert call["lost"] == bool(texts)


def test_a_client_that_tries_again_after_a_lost_reply_posts_twice(slack: Slack) -> None:
    slack.post("faults", lose_reply_of="chat.postMessage")
    retrying = WebClient(token=slack.sim.bot_token, base_url=f"{slack.api_url}/api/")
    retrying.chat_postMessage(channel="C0WEB", text="x")
    assert slack.texts() == ["x", "x"]


def test_a_deed_can_have_another_answer_than_its_own(slack: Slack) -> None:
    slack.post("faults", lose_reply_of=[{"method": "chat.postMessage", "answer": {"ok": True}}])
    assert slack.bot.chat_postMessage(channel="C0WEB", text="x").data == {"ok": True}
    assert slack.bot.chat_postMessage(channel="C0WEB", text="y")["channel"] == "C0WEB"
    assert slack.texts() == ["x", "y"]


def test_an_answer_can_be_slow(slack: Slack) -> None:
    url, form = f"{slack.api_url}/api/auth.test", {"token": slack.sim.bot_token}
    slack.post("faults", web_api=[{"error": "slow", "delay_s": 30}])
    with pytest.raises(requests.ReadTimeout):
        requests.post(url, data=form, timeout=0.2)
    slack.post("faults", web_api=[{"error": "slow", "delay_s": 0}])
    assert requests.post(url, data=form, timeout=60).json()["ok"]

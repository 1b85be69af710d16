"""What the app is told of commands and presses, and how long a trigger opens a modal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.simulators.slack_sim import BUTTON, BUTTONS, Json, Slack, modal, refusal, running_slack

# The fields of Slack's samples (java-slack-sdk, json-logs/samples/app-backend).
COMMAND_FIELDS = {
    *("token", "api_app_id", "team_id", "team_domain", "channel_id", "channel_name"),
    *("user_id", "user_name", "command", "text", "response_url", "trigger_id"),
}
ACTION_FIELDS = {
    *("type", "enterprise", "team", "user", "api_app_id", "token", "container", "trigger_id"),
    *("channel", "message", "response_url", "actions", "state", "is_enterprise_install"),
}


@pytest.fixture(scope="module")
def running() -> Iterator[Slack]:
    with running_slack() as slack, slack.app():
        yield slack


@pytest.fixture
def slack(running: Slack) -> Slack:
    return running.as_new()


def last(slack: Slack) -> Json:
    payload: Json = slack.get("deliveries")["deliveries"][-1]["payload"]
    return payload


def ask(slack: Slack, **more: Any) -> Json:
    slack.bot.chat_postMessage(**{"channel": "C0WEB", "text": "?", "blocks": BUTTONS} | more)
    return slack.messages()[-1]


# Commands


def test_a_command_tells_who_where_and_what(slack: Slack) -> None:
    said = slack.say("U0ANA", "/purge  www.example.com   home,news --force ")
    payload = last(slack)
    assert payload.keys() == COMMAND_FIELDS | {"is_enterprise_install"}
    assert payload["trigger_id"] == said["trigger_id"]
    facts = {
        "team_id": "T0TOWN",
        "team_domain": "acme",
        "channel_id": "C0WEB",
        "channel_name": "web-publishing",
        "user_id": "U0ANA",
        "user_name": "ana",
        "command": "/purge",
        "text": "www.example.com   home,news --force",
        "api_app_id": "A0PURGE",
        "is_enterprise_install": "false",
    }
    assert {key: payload[key] for key in facts} == facts
    assert payload["response_url"].startswith(f"{slack.api_url}/response/")


def test_the_text_comes_as_typed(slack: Slack) -> None:
    slack.say("U0ANA", "/purge a —force & <b> “c” @sam #cdn-ops")
    assert last(slack)["text"] == "a —force & <b> “c” @sam #cdn-ops"


@pytest.mark.parametrize(
    ("channel", "name"),
    [("C0WEB", "web-publishing"), ("C0LAUNCH", "privategroup"), ("D0ANASAM", "directmessage")],
)
def test_the_names_of_private_conversations_are_not_told(
    slack: Slack, channel: str, name: str
) -> None:
    slack.say("U0ANA", "/purge a b", channel)
    assert (last(slack)["channel_id"], last(slack)["channel_name"]) == (channel, name)


def test_guests_may_run_commands_and_slack_connect_members_may_not(slack: Slack) -> None:
    assert slack.say("U0GUS", "/purge a b")["outcome"] == "acked"
    refused = slack.say("U0EVE", "/purge a b")
    assert refused["outcome"] == "unknown_command"
    assert refused["shown"].startswith("/purge is not a valid command.")
    assert slack.texts("U0EVE") == [refused["shown"]]
    assert len(slack.get("deliveries")["deliveries"]) == 1


def test_an_unknown_command_is_no_message_and_a_space_makes_it_one(slack: Slack) -> None:
    assert slack.say("U0ANA", "/prune a b")["outcome"] == "unknown_command"
    assert slack.messages("U0SAM") == []
    assert slack.say("U0ANA", " /prune a b")["outcome"] == "sent"
    assert slack.texts("U0SAM") == [" /prune a b"]


def test_a_command_answered_in_the_channel_is_shown_to_all(slack: Slack) -> None:
    with running_slack() as other:
        answer = {"text": "on it", "response_type": "in_channel"}
        with other.app(lambda _: answer):
            other.say("U0ANA", "/purge a b")
        (message,) = other.messages("U0SAM")
    assert (message["text"], message["command"]) == ("on it", "/purge a b")


# Presses


def test_a_press_tells_who_where_and_what(slack: Slack) -> None:
    message = ask(slack)
    pressed = slack.press("U0SAM", message)
    payload = last(slack)
    assert payload.keys() == ACTION_FIELDS
    assert payload["trigger_id"] == pressed["trigger_id"]
    assert payload["user"] == {
        "id": "U0SAM",
        "username": "sam",
        "name": "sam",
        "team_id": "T0TOWN",
    }
    assert payload["team"] == {"id": "T0TOWN", "domain": "acme"}
    assert payload["channel"] == {"id": "C0WEB", "name": "web-publishing"}
    assert payload["container"] == {
        "type": "message",
        "message_ts": message["ts"],
        "channel_id": "C0WEB",
        "is_ephemeral": False,
    }
    assert payload["message"]["ts"] == message["ts"]
    assert payload["message"]["bot_id"] == "B0BOT"
    (action,) = payload["actions"]
    assert float(action.pop("action_ts")) > float(message["ts"])
    assert action == {**BUTTON, "block_id": "doors"}


def test_an_outsider_presses_under_the_team_of_their_own(slack: Slack) -> None:
    assert slack.press("U0EVE", ask(slack))["outcome"] == "acked"
    payload = last(slack)
    assert (payload["user"]["team_id"], payload["team"]["id"]) == ("T0OTHER", "T0TOWN")


def test_a_press_in_a_whisper_says_so_and_brings_no_message(slack: Slack) -> None:
    slack.bot.chat_postEphemeral(channel="C0WEB", user="U0ANA", text="?", blocks=BUTTONS)
    slack.press("U0ANA", slack.messages()[0])
    payload = last(slack)
    assert payload["container"]["is_ephemeral"] is True
    assert "message" not in payload
    place = {"channel": "C0WEB", "ts": slack.messages()[0]["ts"], "action_id": "ok"}
    assert slack.control("POST", "press", {"as": "U0SAM", **place}).status_code == 400


def test_a_press_in_an_attachment_names_the_attachment(slack: Slack) -> None:
    message = ask(slack, blocks=None, attachments=[{"color": "#f00", "blocks": BUTTONS}])
    slack.press("U0SAM", message)
    container = last(slack)["container"]
    assert (container["type"], container["attachment_id"]) == ("message_attachment", 1)


def test_a_choice_tells_the_whole_option(slack: Slack) -> None:
    options = [
        {"text": {"type": "plain_text", "text": word}, "value": word} for word in ("one", "two")
    ]
    menu = {"type": "static_select", "action_id": "ok", "options": options}
    message = ask(slack, blocks=[{"type": "section", "text": BUTTON["text"], "accessory": menu}])
    slack.press("U0SAM", message, selected={"selected_option": "two"})
    assert last(slack)["actions"][0]["selected_option"] == options[1]


def test_buttons_are_found_inside_containers_and_among_their_like(slack: Slack) -> None:
    inner = [{**BUTTONS[0], "block_id": name} for name in ("left", "right")]
    title = {"type": "plain_text", "text": "Box"}
    message = ask(slack, blocks=[{"type": "container", "title": title, "child_blocks": inner}])
    slack.press("U0SAM", message, block_id="right")
    assert last(slack)["actions"][0]["block_id"] == "right"


@pytest.mark.parametrize(
    "change",
    [
        {"who": "U0DEL"},
        {"who": "U0NOBODY"},
        {"who": "U0LEO", "channel": "C0LAUNCH"},
        {"action_id": "other"},
        {"block_id": "other"},
        {"ts": "1.0"},
    ],
    ids="-".join,
)
def test_what_nobody_could_press_is_not_delivered(slack: Slack, change: Json) -> None:
    place = {"ts": ask(slack)["ts"], "channel": "C0WEB", "action_id": "ok", "who": "U0LEO"} | change
    body = {"as": place.pop("who"), **place}
    assert slack.control("POST", "press", body).status_code == 400
    assert slack.get("deliveries")["deliveries"] == []


# Triggers


def test_a_trigger_opens_one_modal_within_three_seconds(slack: Slack) -> None:
    trigger = slack.say("U0ANA", "/purge a b")["trigger_id"]
    slack.wait(2)
    view = slack.bot.views_open(trigger_id=trigger, view=modal())["view"]
    assert [shown["id"] for shown in slack.state("U0ANA")["views"]] == [view["id"]]
    assert slack.state("U0SAM")["views"] == []
    answer = refusal(slack, "views.open", trigger_id=trigger, view=modal())
    assert answer["error"] == "exchanged_trigger_id"


def test_an_old_trigger_and_a_made_up_one_open_nothing(slack: Slack) -> None:
    trigger = slack.press("U0SAM", ask(slack))["trigger_id"]
    slack.wait(4)
    answer = refusal(slack, "views.open", trigger_id=trigger, view=modal())
    assert answer["error"] == "expired_trigger_id"
    answer = refusal(slack, "views.open", trigger_id="1.2.3", view=modal())
    assert answer["error"] == "invalid_trigger_id"
    assert slack.state("U0SAM")["views"] == []

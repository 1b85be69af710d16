"""The pretend Slack's Web API: tokens, scopes, bodies, people, limits."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests
from slack_sdk.errors import SlackApiError

from tests.simulators.slack_sim import BUTTONS, Slack, refusal

# Tokens and scopes


def test_auth_test_tells_who_the_token_belongs_to(slack: Slack) -> None:
    found = slack.bot.auth_test()
    assert (found["team_id"], found["user_id"], found["bot_id"]) == ("T0TOWN", "U0BOT", "B0BOT")


@pytest.mark.parametrize(
    ("token", "method", "error"),
    [
        ("", "auth.test", "not_authed"),
        ("xoxb-wrong", "auth.test", "invalid_auth"),
        ("app", "auth.test", "not_allowed_token_type"),
        ("bot", "apps.connections.open", "not_allowed_token_type"),
        ("bot", "chat.shout", "unknown_method"),
    ],
)
def test_a_token_opens_only_its_own_methods(
    slack: Slack, token: str, method: str, error: str
) -> None:
    known = {"bot": slack.sim.bot_token, "app": slack.sim.app_token}
    headers = {"Authorization": f"Bearer {known.get(token, token)}"} if token else {}
    answer = requests.post(f"{slack.api_url}/api/{method}", headers=headers, timeout=60).json()
    assert (answer["ok"], answer["error"]) == (False, error)


def test_a_token_may_travel_as_a_form_field_and_is_not_logged(slack: Slack) -> None:
    form = {"token": slack.sim.bot_token}
    assert requests.post(f"{slack.api_url}/api/auth.test", data=form, timeout=60).json()["ok"]
    assert slack.sim.bot_token not in json.dumps(slack.get("calls"))


def test_a_missing_scope_is_named_and_granting_it_helps(slack: Slack) -> None:
    answer = refusal(slack, "reactions.add", channel="C0WEB", timestamp="1.0", name="eyes")
    assert (answer["error"], answer["needed"]) == ("missing_scope", "reactions:write")
    assert "chat:write" in answer["provided"].split(",")
    assert "chat:write" in answer.headers["x-oauth-scopes"]
    assert answer.headers["x-accepted-oauth-scopes"] == "reactions:write"
    slack.post("settings", scopes=["reactions:write"])
    answer = refusal(slack, "reactions.add", channel="C0WEB", timestamp="1.0", name="eyes")
    assert answer["error"] == "message_not_found"


@pytest.mark.parametrize(
    ("channel", "scope"),
    [("C0WEB", "channels:read"), ("D0ANABOT", "im:read")],
)
def test_what_conversations_info_needs_depends_on_the_channel(
    slack: Slack, channel: str, scope: str
) -> None:
    assert refusal(slack, "conversations.info", channel=channel)["needed"] == scope
    slack.post("settings", scopes=[scope])
    assert slack.bot.conversations_info(channel=channel)["channel"]["id"] == channel


# Where an app is


@pytest.mark.parametrize("token", ["", "bot", "app"])
def test_api_test_says_back_what_was_said_to_whoever_asks(slack: Slack, token: str) -> None:
    known = {"bot": slack.sim.bot_token, "app": slack.sim.app_token, "": None}
    client = slack.client(known[token])
    assert client.api_test(foo="bar").data == {"ok": True, "args": {"foo": "bar"}}
    assert requests.post(f"{slack.api_url}/api/api.test", timeout=60).json() == {"ok": True}
    with pytest.raises(SlackApiError) as caught:
        client.api_test(error="my_error")
    assert caught.value.response.data == {
        "ok": False,
        "error": "my_error",
        "args": {"error": "my_error"},
    }


def test_api_test_takes_no_token_that_slack_never_gave(slack: Slack) -> None:
    with pytest.raises(SlackApiError, match="invalid_auth"):
        slack.client("xoxb-wrong").api_test()


def test_team_info_tells_of_the_workspace(slack: Slack) -> None:
    assert refusal(slack, "team.info")["needed"] == "team:read"
    slack.post("settings", scopes=["team:read"])
    for named in (None, "T0TOWN"):
        team = slack.bot.team_info(team=named)["team"]
        assert (team["id"], team["name"], team["domain"]) == ("T0TOWN", "Acme Web", "acme")
        assert "enterprise_id" not in team
    assert refusal(slack, "team.info", team="T0OTHER")["error"] == "team_not_found"
    slack.post("settings", enterprise={"id": "E0ORG", "name": "Acme"})
    team = slack.bot.team_info()["team"]
    assert (team["enterprise_id"], team["enterprise_name"]) == ("E0ORG", "Acme")


# Bodies


@pytest.mark.parametrize(
    "form", ["form", "form with JSON text", "form in parts", "JSON", "JSON with JSON text"]
)
def test_forms_and_json_say_the_same(slack: Slack, form: str) -> None:
    url, headers = (
        f"{slack.api_url}/api/chat.postMessage",
        {"Authorization": f"Bearer {slack.sim.bot_token}"},
    )
    blocks: Any = BUTTONS if form == "JSON" else json.dumps(BUTTONS)
    arguments = {"channel": "C0WEB", "text": "hé & <b>", "blocks": blocks}
    body: dict[str, Any] = {"data" if form.startswith("form") else "json": arguments}
    if form == "form in parts":
        body = {"files": {name: (None, value) for name, value in arguments.items()}}
    answer = requests.post(url, headers=headers, timeout=60, **body).json()
    assert answer["message"]["blocks"][0]["block_id"] == "doors"
    assert answer["message"]["text"] == "hé & <b>"


def test_a_form_in_parts_may_bring_the_token_and_a_file_that_is_not_read(slack: Slack) -> None:
    parts: dict[str, Any] = {
        "token": (None, slack.sim.bot_token),
        "channel": (None, "C0WEB"),
        "text": (None, "a\nb"),
        "blocks": ("blocks.json", b"\xff[", "application/json"),
    }
    url = f"{slack.api_url}/api/chat.postMessage"
    answer = requests.post(url, files=parts, timeout=60).json()
    assert answer["message"]["text"].splitlines() == ["a", "b"]
    assert slack.sim.bot_token not in json.dumps(slack.get("calls"))


@pytest.mark.parametrize(
    ("body", "kind", "error"),
    [
        ("{", "application/json", "invalid_json"),
        ("[]", "application/json", "json_not_object"),
        ("x", "text/plain", "invalid_post_type"),
        ("x", "multipart/form-data", "invalid_form_data"),
    ],
)
def test_a_body_that_cannot_be_read_is_refused(
    slack: Slack, body: str, kind: str, error: str
) -> None:
    headers = {"Authorization": f"Bearer {slack.sim.bot_token}", "Content-Type": kind}
    url = f"{slack.api_url}/api/auth.test"
    assert requests.post(url, data=body, headers=headers, timeout=60).json()["error"] == error


# People


@pytest.mark.parametrize(
    ("user", "facts"),
    [
        ("U0ANA", {"is_admin": False, "deleted": False, "is_restricted": False}),
        ("U0ADA", {"is_admin": True, "is_owner": True}),
        ("U0GUS", {"is_restricted": True}),
        ("U0EVE", {"is_stranger": True, "team_id": "T0OTHER"}),
        ("U0DEL", {"deleted": True}),
        ("U0BOT", {"is_bot": True}),
        ("USLACKBOT", {"is_bot": False}),
    ],
)
def test_users_info_tells_what_somebody_is(slack: Slack, user: str, facts: dict[str, Any]) -> None:
    found = slack.bot.users_info(user=user)["user"]
    assert {key: found[key] for key in facts} == facts


def test_slack_says_little_of_deleted_people_and_nothing_of_unknown_ones(slack: Slack) -> None:
    assert "is_admin" not in slack.bot.users_info(user="U0DEL")["user"]
    assert "is_stranger" not in slack.bot.users_info(user="U0ANA")["user"]
    assert refusal(slack, "users.info", user="U0NOBODY")["error"] == "user_not_found"


def test_groups_list_their_members_without_those_who_left(slack: Slack) -> None:
    members = slack.bot.usergroups_users_list(usergroup="S0SRE")["users"]
    assert members == ["U0SAM", "U0KIM"]
    slack.post("person", id="U0KIM", kind="deleted")
    assert slack.bot.usergroups_users_list(usergroup="S0SRE")["users"] == ["U0SAM"]
    answer = refusal(slack, "usergroups.users.list", usergroup="S0NONE")
    assert answer["error"] == "no_such_subteam"


def test_long_lists_come_in_pages(slack: Slack) -> None:
    pages = [page["members"] for page in slack.bot.users_list(limit=4)]
    assert [len(page) for page in pages] == [4, 4, 2]
    assert len({member["id"] for page in pages for member in page}) == 10
    answer = refusal(slack, "users.list", cursor="?")
    assert answer["error"] == "invalid_cursor"


# Rate limits


def test_too_many_calls_must_wait_and_then_may_go_on(slack: Slack) -> None:
    slack.post("settings", limits={"burst": 1})
    assert slack.bot.usergroups_users_list(usergroup="S0SRE")["ok"]
    with pytest.raises(SlackApiError) as caught:
        slack.bot.usergroups_users_list(usergroup="S0SRE")
    answer = caught.value.response
    assert (answer.status_code, answer["error"]) == (429, "ratelimited")
    wait_s = int(answer.headers["Retry-After"])
    assert 1 <= wait_s <= 3
    slack.wait(wait_s)
    assert slack.bot.usergroups_users_list(usergroup="S0SRE")["ok"]


def test_a_channel_takes_one_post_a_second_and_others_are_not_held_up(slack: Slack) -> None:
    slack.post("settings", limits={"burst": 1, "per_minute": {"chat.postMessage": 60_000_000}})
    assert slack.bot.chat_postMessage(channel="C0WEB", text="1")["ok"]
    answer = refusal(slack, "chat.postMessage", channel="C0WEB", text="2")
    assert answer.headers["Retry-After"] == "1"
    assert slack.bot.chat_postMessage(channel="C0OPS", text="2")["ok"]
    slack.wait(1)
    assert slack.bot.chat_postMessage(channel="C0WEB", text="2")["ok"]


def test_limits_can_be_switched_off(slack: Slack) -> None:
    slack.post("settings", limits={"burst": 1, "on": False})
    assert all(slack.bot.usergroups_users_list(usergroup="S0SRE")["ok"] for _ in range(5))


def test_a_manifest_is_checked_for_its_shape(slack: Slack) -> None:
    config = slack.sim.workspace.config_token
    command = {"command": "/purge", "description": "Clear"}
    good = {
        "display_information": {"name": "Purgebot"},
        "features": {"slash_commands": [command]},
    }
    assert slack.client(config).apps_manifest_validate(manifest=good)["ok"]
    bad = {**good, "features": {"slash_commands": [{"command": "purge"}]}}
    answer = refusal(slack, "apps.manifest.validate", config, manifest=bad)
    assert {row["pointer"].rpartition("/")[2] for row in answer["errors"]} == {
        "command",
        "description",
    }

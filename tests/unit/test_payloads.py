"""The door for what Slack sends: what has its shape is read, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from bot.slack.client import leads_to_slack
from handlers import payloads
from handlers.payloads import Command, Form, NotOurs, Press, Unreadable, parse

SLACK = "https://slack.com/api/"
HOOK = "https://hooks.slack.com/actions/T0TOWN/1/x"
COMMAND: dict[str, Any] = {
    "command": "/purge",
    "text": "www.example.com hero",
    "trigger_id": "1.2.x",
    "team_id": "T0TOWN",
    "user_id": "U0ANA",
    "channel_id": "C0WEB",
    "response_url": HOOK,
    "user_name": "ana",
}
PRESS: dict[str, Any] = {
    "type": "block_actions",
    "trigger_id": "1.2.x",
    "user": {"id": "U0ANA", "team_id": "T0TOWN"},
    "team": {"id": "T0TOWN"},
    "channel": {"id": "C0WEB"},
    "container": {"type": "message", "channel_id": "C0WEB"},
    "response_url": HOOK,
    "actions": [{"action_id": "purge:approve", "value": "P0123456789ABC"}],
}
VIEW: dict[str, Any] = {
    "id": "V0VIEW",
    "type": "modal",
    "callback_id": "purge:denial",
    "private_metadata": '{"press": "9.9.y"}',
    "blocks": [{"block_id": "head"}, {"block_id": "reason", "element": {"type": "x"}}],
    "state": {"values": {"reason": {"reason": {"type": "x", "value": "the match is on"}}}},
}
FORM: dict[str, Any] = {
    "type": "view_submission",
    "trigger_id": "1.2.x",
    "user": {"id": "W0ANA", "team_id": None},
    "team": None,
    "view": VIEW,
}


def read(payload: Any) -> Any:
    return payloads.read(payload, SLACK)


def test_a_command_is_read() -> None:
    command = read(COMMAND)
    assert isinstance(command, Command)
    assert (command.sender, command.text) == ("U0ANA", "www.example.com hero")
    assert command.response_url == HOOK


def test_a_press_is_read() -> None:
    press = read(PRESS)
    assert isinstance(press, Press)
    assert (press.sender, press.purge_id, press.channel_id) == ("U0ANA", "P0123456789ABC", "C0WEB")


def test_a_press_in_a_message_that_names_no_channel_names_that_of_its_message() -> None:
    assert read({**PRESS, "channel": None}).channel_id == "C0WEB"


def test_a_form_is_read() -> None:
    form = read(FORM)
    assert isinstance(form, Form)
    assert (form.view.press_id, form.field) == ("9.9.y", "reason")
    assert form.written("reason") == "the match is on"
    assert form.written("what is not there") == ""


@pytest.mark.parametrize("text", ["", "null", "[]", "{", "{}", '{"press": 5}', '{"press": ""}'])
def test_a_form_that_does_not_say_who_opened_it_is_read_as_such(text: str) -> None:
    assert read({**FORM, "view": {**VIEW, "private_metadata": text}}).view.press_id is None


@pytest.mark.parametrize("value", ["", None, "hero", "P1", "P0123456789ABC\n", "p0123456789abc"])
def test_a_value_that_is_no_id_is_none_of_a_purge(value: str | None) -> None:
    action = {"action_id": "purge:approve", "value": value}
    assert read({**PRESS, "actions": [action]}).purge_id is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"trigger_id": ""},
        {"trigger_id": None},
        {"trigger_id": "x" * 256},
        {"trigger_id": "1.2\x00"},
        {"trigger_id": "1 2"},
        {"user_id": "u0ana"},
        {"user_id": "U0ANA\n"},
        {"user_id": "U" * 33},
        {"user_id": ["U0ANA"]},
        {"channel_id": ""},
        {"team_id": {"id": "T0TOWN"}},
        {"text": "\ud800"},
        {"text": 5},
        {"text": "x" * 40_001},
        {"command": None},
    ],
    ids=lambda wrong: str(wrong)[:40],
)
def test_a_command_of_another_shape_is_not_read(wrong: dict[str, Any]) -> None:
    with pytest.raises(Unreadable) as told:
        read(COMMAND | wrong)
    assert (told.value.kind, told.value.where) == ("command", next(iter(wrong)))


@pytest.mark.parametrize(
    "wrong",
    [
        {"actions": []},
        {"actions": None},
        {"actions": "x"},
        {"actions": [1]},
        {"actions": {"0": {}}},
        {"actions": [{"action_id": "a", "value": "x" * 2001}]},
        {"actions": [{"action_id": "a", "value": 5}]},
        {"user": "U0ANA"},
        {"user": {"id": "U0ANA", "team_id": 5}},
        {"team": "T0TOWN"},
        {"enterprise": "E0ORG"},
        {"view": "x"},
        {"channel": {"id": "x" * 40}},
        {"channel": None, "container": None},
    ],
    ids=lambda wrong: str(wrong)[:40],
)
def test_a_press_of_another_shape_is_not_read(wrong: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        read(PRESS | wrong)


@pytest.mark.parametrize("payload", [None, [], "x", 5, {}, {"type": 5}, {"team": 5}])
def test_what_says_nothing_of_itself_is_not_read(payload: Any) -> None:
    with pytest.raises(Unreadable):
        read(payload)


@pytest.mark.parametrize("kind", ["view_closed", "block_suggestion", "event_callback", "shortcut"])
def test_what_was_not_asked_for_is_not_ours(kind: str) -> None:
    with pytest.raises(NotOurs):
        read(PRESS | {"type": kind})


def test_a_fault_is_named_without_what_was_sent() -> None:
    with pytest.raises(Unreadable) as told:
        read(COMMAND | {"text": "sesame" * 10_000, "user_id": "sesame"})
    assert "sesame" not in str(told.value)


def test_a_form_with_the_word_payload_in_it_is_a_form() -> None:
    assert parse("command=%2Fpurge&text=payload") == {"command": "/purge", "text": "payload"}


@pytest.mark.parametrize(
    "body", ["payload=", "payload=x", "{", "a=1&" * 101, "payload=" + "9" * 5000]
)
def test_what_is_neither_json_nor_a_form_is_refused(body: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse(body)


@pytest.mark.parametrize(
    ("url", "api"),
    [
        (HOOK, SLACK),
        ("https://hooks.slack.com/commands/T0/1/x?y=1", "https://www.slack.com/api/"),
        ("https://hooks.slack-gov.com/commands/1", "https://slack-gov.com/api/"),
        ("http://127.0.0.1:4001/response/x", "http://127.0.0.1:4002/api/"),
    ],
)
def test_slacks_response_urls_lead_to_slack(url: str, api: str) -> None:
    assert leads_to_slack(url, api)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://hooks.slack.com/1",
        "ftp://hooks.slack.com/1",
        "//hooks.slack.com/1",
        "HTTPS://evil.example/1",
        "https://evil.example/hooks.slack.com",
        "https://hooks.slack.com.evil.example/1",
        "https://evilslack.com/1",
        "https://hooks.slack.com@evil.example/1",
        "https://evil.example\\@hooks.slack.com/1",
        "https://hooks.slack.com:8443/1",
        "https://hooks.slack.com\n.evil.example/1",
        "https://hooks.slack.com/1\r\nHost: evil.example",
        "https://[::1]/1",
        "http://127.0.0.1/1",
        HOOK + "x" * 1000,
    ],
)
def test_other_urls_do_not(url: str) -> None:
    assert not leads_to_slack(url, SLACK)

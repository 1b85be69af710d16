"""The pretend Slack before clients that nobody here wrote: Slack's Bolt for JavaScript, and Hubot.

tests/npm/app.mjs is Bolt's app; it runs in Socket Mode and behind HTTP.  tests/npm/hubot gives Hubot two
things to say.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from bot.simulators.slack.events.signing import signed_headers
from tests.simulators.slack_sim import Json, Slack, running_slack


@dataclass
class App:
    slack: Slack
    request_url: str | None

    def as_new(self) -> Slack:
        slack = self.slack.as_new()
        slack.sim.request_url = self.request_url
        return slack


@contextmanager
def bolt_app(npm: Path, mode: str) -> Iterator[App]:
    """Run the app until the block ends; it must have had nothing to complain of."""
    with running_slack() as slack:
        variables = {
            "PATH": os.environ["PATH"],
            "SLACK_API_URL": f"{slack.api_url}/api/",
            "SLACK_APP_TOKEN": slack.sim.app_token,
            "SLACK_BOT_TOKEN": slack.sim.bot_token,
            "SLACK_SIGNING_SECRET": slack.sim.signing_secret,
        }
        pipe = subprocess.PIPE
        with subprocess.Popen(
            ["node", "app.mjs", mode],
            cwd=npm,
            env=variables,
            stdin=pipe,
            stdout=pipe,
            stderr=subprocess.STDOUT,
            text=True,
        ) as running:
            assert running.stdin is not None
            assert running.stdout is not None
            with running.stdin:
                place = running.stdout.readline().strip()
                assert place == "connected" or place.startswith("http://"), (
                    place + running.stdout.read()
                )
                yield App(slack, place if mode == "http" else None)
            assert running.stdout.read() == ""


@pytest.fixture(scope="module")
def socket_app(npm: Path) -> Iterator[App]:
    with bolt_app(npm, "socket") as app:
        yield app


@pytest.fixture(scope="module")
def http_app(npm: Path) -> Iterator[App]:
    with bolt_app(npm, "http") as app:
        yield app


@pytest.fixture(params=["socket_app", "http_app"])
def slack(request: pytest.FixtureRequest) -> Slack:
    """Give a Slack in which the app is installed, in each mode in turn."""
    app: App = request.getfixturevalue(request.param)
    return app.as_new()


def posted(slack: Slack) -> Json:
    """Let ana ask for a button; the message that has it."""
    assert slack.say("U0ANA", "/purge C0WEB")["outcome"] == "acked"
    slack.until(lambda: "posted for ana" in slack.texts())
    (message,) = [message for message in slack.messages() if message["blocks"]]
    return message


def opened(slack: Slack) -> Json:
    """Let sam press it; the modal that opens for sam."""
    pressed = slack.press("U0SAM", posted(slack), action_id="ask")
    assert pressed["outcome"] == "acked"
    slack.until(lambda: bool(slack.state("U0SAM")["views"]))
    view: Json = slack.state("U0SAM")["views"][0]
    return view


def test_a_command_is_acknowledged_and_answered_in_the_channel(slack: Slack) -> None:
    posted(slack)
    assert sorted(slack.texts("U0ANA")) == ["a button", "a moment, please", "posted for ana"]
    assert slack.texts("U0LEO") == ["a button", "posted for ana"]
    assert slack.messages("U0LEO")[1]["command"] == "/purge C0WEB"


def test_a_press_changes_its_message_and_opens_a_modal_for_who_pressed(slack: Slack) -> None:
    assert opened(slack)["title"]["text"] == "Why?"
    assert slack.state("U0ANA")["views"] == []
    assert slack.texts("U0LEO") == ["asked sam", "posted for ana"]


def test_a_modal_comes_back_with_an_error_until_it_is_right(slack: Slack) -> None:
    view_id = opened(slack)["id"]
    for reason, errors in (("no", [{"why": "a reason, please"}]), ("new logo", [])):
        values = {"why": {"reason": reason}}
        sent = slack.post("submit", **{"as": "U0SAM", "view_id": view_id, "values": values})
        assert (sent["outcome"], sent["shown"]) == ("acked", None)
        assert [view["errors"] for view in slack.state("U0SAM")["views"]] == errors
    slack.until(lambda: "sam: new logo" in slack.texts("U0LEO"))


@pytest.mark.parametrize(
    ("channel", "scopes", "error"),
    [
        ("C0RANDOM", ["chat:write"], "not_in_channel"),
        ("C0LAUNCH", ["chat:write"], "channel_not_found"),
        ("C0WEB", ["commands"], "missing_scope chat:write"),
    ],
)
def test_a_refusal_arrives_as_slacks_error(
    slack: Slack, channel: str, scopes: list[str], error: str
) -> None:
    slack.post("settings", scopes=scopes)
    slack.say("U0ANA", f"/purge {channel}")
    slack.until(lambda: f"refused: {error}" in [text.strip() for text in slack.texts()])


def test_a_rate_limit_is_waited_for(http_app: App) -> None:
    slack = http_app.as_new()
    limit = {"method": "chat.postMessage", "error": "ratelimited", "retry_after": 1, "times": 1}
    slack.post("faults", web_api=[limit])
    posted(slack)
    calls = slack.get("calls?method=chat.postMessage")["calls"]
    assert [call["status"] for call in calls] == [429, 200]


def test_told_to_leave_the_app_comes_back_and_gets_the_next_command(socket_app: App) -> None:
    slack = socket_app.as_new()
    slack.post("sockets", action="disconnect", reason="refresh_requested")
    slack.until(
        lambda: (
            len(slack.get("calls?method=apps.connections.open")["calls"]) == 1
            and slack.state()["connections"] == 1
        )
    )
    posted(slack)


@pytest.mark.parametrize(
    ("secret", "age_s", "extra", "status"),
    [
        (None, 0, "", 200),
        (None, 0, " ", 401),
        ("0" * 32, 0, "", 401),
        (None, 360, "", 401),
    ],
    ids=["as Slack signs", "body changed", "another secret", "six minutes old"],
)
def test_bolt_takes_our_signature_and_no_other(
    http_app: App, secret: str | None, age_s: int, extra: str, status: int
) -> None:
    body = json.dumps({"type": "url_verification", "challenge": "3eZbrw1aB"})
    secret = secret or http_app.slack.sim.signing_secret
    headers = signed_headers(secret, body, time.time() - age_s)
    answer = requests.post(
        str(http_app.request_url),
        body + extra,
        headers={"content-type": "application/json", **headers},
        timeout=60,
    )
    assert (answer.status_code, "3eZbrw1aB" in answer.text) == (status, status == 200)


def test_hubot_hears_what_is_said_and_answers_where_it_was_said(npm: Path) -> None:
    with running_slack() as slack:
        slack.post("settings", events=["message.channels", "message.im"])
        variables = {
            "PATH": os.environ["PATH"],
            "HUBOT_LOG_LEVEL": "fatal",
            "SLACK_API_URL": f"{slack.api_url}/api/",
            "SLACK_APP_TOKEN": slack.sim.app_token,
            "SLACK_BOT_TOKEN": slack.sim.bot_token,
        }
        program = ["node", "node_modules/hubot/bin/Hubot.mjs", "--name", "purgebot"]
        wishes = ["--disable-httpd", "--adapter", str(npm / "hubot" / "adapter.mjs")]
        wishes += ["--require", str(npm / "hubot" / "scripts")]
        with subprocess.Popen(
            [*program, *wishes], cwd=npm, env=variables, stdout=subprocess.PIPE, text=True
        ) as running:
            assert running.stdout is not None
            try:
                assert running.stdout.readline() == "connected\n"
                slack.until(lambda: slack.state()["connections"] == 1)
                slack.say("U0ANA", "ping")
                slack.until(lambda: "pong" in slack.texts())
                slack.say("U0ANA", "<@U0BOT> hello")
                slack.until(lambda: "hello, ana" in slack.texts())
                slack.say("U0ANA", "hello", "D0ANABOT")
                slack.until(lambda: "hello, ana" in slack.texts(channel="D0ANABOT"))
            finally:
                running.terminate()
        assert slack.texts("U0LEO").count("pong") == 1

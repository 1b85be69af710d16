"""HTTP mode: signed deliveries to the request URL, when no socket is open."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import parse_qs

import pytest
from slack_sdk.signature import SignatureVerifier
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from bot.simulators.serving import serving
from bot.simulators.slack.events.signing import signature
from tests.simulators.slack_sim import BUTTONS, Slack


@dataclass
class App:
    """The app's side: keeps what comes and answers as it is told."""

    answer: Callable[[], Response] = PlainTextResponse
    delay_s: float = 0
    bodies: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    async def endpoint(self, request: Request) -> Response:
        self.bodies.append((await request.body()).decode())
        self.headers.append(dict(request.headers))
        await asyncio.sleep(self.delay_s)
        return self.answer()

    def form(self, number: int = -1) -> dict[str, str]:
        fields = parse_qs(self.bodies[number], keep_blank_values=True)
        return {key: value for key, (value,) in fields.items()}


@pytest.fixture
def app(slack: Slack) -> Iterator[App]:
    app = App()
    routes = [Route("/slack/events", app.endpoint, methods=["POST"])]
    with serving({"app": Starlette(routes=routes)}) as urls:
        slack.sim.request_url = f"{urls['app']}/slack/events"
        yield app


def test_the_signature_is_the_one_slack_publishes() -> None:
    body = (
        "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow"
        "&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner"
        "&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands"
        "%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
        "&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    assert signature("8f742231b10e8888abcd99yyyzzz85a5", 1531420618, body) == (
        "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
    )


def test_a_command_comes_as_a_signed_form(slack: Slack, app: App) -> None:
    assert slack.say("U0ANA", "/purge a b")["outcome"] == "acked"
    form = app.form()
    assert (form["command"], form["text"], form["user_id"]) == ("/purge", "a b", "U0ANA")
    assert form["is_enterprise_install"] == "false"
    assert SignatureVerifier(slack.sim.signing_secret).is_valid_request(
        app.bodies[0], app.headers[0]
    )
    assert not SignatureVerifier("another").is_valid_request(app.bodies[0], app.headers[0])


def test_the_signature_is_of_now_however_far_the_clock_was_moved(slack: Slack, app: App) -> None:
    slack.wait(86_400)
    slack.say("U0ANA", "/purge a b")
    verifier = SignatureVerifier(slack.sim.signing_secret)
    assert verifier.is_valid_request(app.bodies[0], app.headers[0])


def test_a_press_comes_as_json_in_a_signed_form(slack: Slack, app: App) -> None:
    slack.bot.chat_postMessage(channel="C0WEB", text="?", blocks=BUTTONS)
    assert slack.press("U0SAM", slack.messages()[0])["outcome"] == "acked"
    payload = json.loads(app.form()["payload"])
    assert (payload["type"], payload["actions"][0]["value"]) == ("block_actions", "v1")
    secret, sent = slack.sim.signing_secret, app.headers[0]
    base = f"v0:{sent['x-slack-request-timestamp']}:{app.bodies[0]}".encode()
    expected = hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()
    assert sent["x-slack-signature"] == f"v0={expected}"


def test_a_socket_wins_over_the_request_url(slack: Slack, app: App) -> None:
    with slack.app() as seen:
        slack.say("U0ANA", "/purge a b")
    assert len(seen) == 1
    assert app.bodies == []


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        (lambda: JSONResponse({"text": "in JSON"}), "in JSON"),
        (lambda: PlainTextResponse("as text"), "as text"),
        (PlainTextResponse, None),
    ],
    ids=["json", "text", "empty"],
)
def test_the_body_of_the_ack_is_shown(
    slack: Slack, app: App, answer: Callable[[], Response], shown: str | None
) -> None:
    app.answer = answer
    slack.say("U0ANA", "/purge a b")
    assert slack.texts() == ([shown] if shown else [])


@pytest.mark.parametrize(
    "answer",
    [
        lambda: PlainTextResponse("no", status_code=404),
        lambda: PlainTextResponse("broken", status_code=500),
        lambda: RedirectResponse("/slack/events", status_code=307),
    ],
    ids=["404", "500", "redirect"],
)
def test_any_answer_but_200_is_a_failure(
    slack: Slack, app: App, answer: Callable[[], Response]
) -> None:
    app.answer = answer
    assert slack.say("U0ANA", "/purge a b")["outcome"] == "dispatch_failed"
    assert len(app.bodies) == 1
    assert slack.texts() == ['/purge failed with the error "dispatch_failed"']


def test_nobody_at_the_request_url_is_a_failure(slack: Slack) -> None:
    with serving({"gone": Starlette()}) as urls:
        url = urls["gone"]
    slack.sim.request_url = url
    assert slack.say("U0ANA", "/purge a b")["outcome"] == "dispatch_failed"


def test_a_slow_answer_is_too_late_and_not_shown(slack: Slack, app: App) -> None:
    slack.post("faults", ack_timeout_s=0.05)
    app.delay_s, app.answer = 30, lambda: PlainTextResponse("late")
    assert slack.say("U0ANA", "/purge a b")["outcome"] == "operation_timeout"
    assert slack.texts() == ['/purge failed with the error "operation_timeout"']


def test_a_delivery_may_come_twice(slack: Slack, app: App) -> None:
    slack.post("faults", deliver_twice=True)
    slack.say("U0ANA", "/purge a b")
    assert len(app.bodies) == 2
    assert app.bodies[0] == app.bodies[1]


@pytest.mark.parametrize("wants_none", [False, True])
def test_a_refused_event_comes_again_with_retry_headers_unless_the_app_wants_none(
    slack: Slack, app: App, *, wants_none: bool
) -> None:
    headers = {"x-slack-no-retry": "1"} if wants_none else {}
    app.answer = lambda: PlainTextResponse("no", status_code=500, headers=headers)
    slack.post("open_home", **{"as": "U0ANA"})
    attempts = 1 if wants_none else 2  # the first retry comes at once, the others much later

    def ended() -> int:
        rows = slack.get("deliveries")["deliveries"]
        return sum(row["outcome"] == "dispatch_failed" for row in rows)

    slack.until(lambda: ended() >= attempts)
    slack.wait(1)
    assert len(app.bodies) == attempts
    assert json.loads(app.bodies[0])["event"]["type"] == "app_home_opened"
    retries = [sent.get("x-slack-retry-num") for sent in app.headers]
    assert retries == [None, "1"][:attempts]
    reasons = [sent.get("x-slack-retry-reason") for sent in app.headers]
    assert reasons == [None, "http_error"][:attempts]

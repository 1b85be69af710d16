"""The pretend Slack before Bolt's asynchronous half, which stands on aiohttp, by both ways in."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from typing import Any

import pytest
from aiohttp import web
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests.simulators.slack_sim import BUTTONS, Json, Slack, modal, running_slack

Running = Callable[[Slack, AsyncApp], AbstractAsyncContextManager[None]]


def app_of(slack: Slack) -> AsyncApp:
    """Give an app with a command, a button and a modal."""
    client = AsyncWebClient(slack.sim.bot_token, base_url=f"{slack.api_url}/api/")
    app = AsyncApp(client=client, signing_secret=slack.sim.signing_secret)

    @app.command("/purge")
    async def purge(ack: Any, command: Json, respond: Any, client: AsyncWebClient) -> None:
        await ack("a moment, please")
        try:
            await client.chat_postMessage(channel=command["text"], text="a button", blocks=BUTTONS)
        except SlackApiError as refused:
            await respond(f"refused: {refused.response['error']}")
        else:
            await respond(response_type="in_channel", text="posted")

    @app.action("ok")
    async def ask(ack: Any, body: Json, client: AsyncWebClient) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=modal(callback_id="why"))

    @app.view("why")
    async def answer(ack: Any, body: Json, view: Json, client: AsyncWebClient) -> None:
        await ack()
        text = f"{body['user']['name']}: {view['state']['values']['why']['reason']['value']}"
        await client.chat_postMessage(channel="C0WEB", text=text)

    return app


@asynccontextmanager
async def through_a_socket(slack: Slack, app: AsyncApp) -> AsyncIterator[None]:
    handler = AsyncSocketModeHandler(app, slack.sim.app_token)
    await handler.connect_async()  # type: ignore[no-untyped-call]  # the SDK has no annotations there
    try:
        yield
    finally:
        await handler.close_async()  # type: ignore[no-untyped-call]


@asynccontextmanager
async def over_http(slack: Slack, app: AsyncApp) -> AsyncIterator[None]:
    runner = web.AppRunner(app.web_app())
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port, *_ = runner.addresses[0]
        slack.sim.request_url = f"http://{host}:{port}/slack/events"
        yield
    finally:
        await runner.cleanup()


@contextmanager
def running(slack: Slack, way: Running) -> Iterator[None]:
    """Run the app in a loop of its own until the block ends."""
    ready, failed = threading.Event(), list[BaseException]()
    loop = asyncio.new_event_loop()
    done = asyncio.Event()

    async def run() -> None:
        async with way(slack, app_of(slack)):
            ready.set()
            await done.wait()

    def turn() -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: loop) as runner:
                runner.run(run())
        except BaseException as failure:  # noqa: BLE001  # told in the test's own thread
            failed.append(failure)
        finally:
            ready.set()

    thread = threading.Thread(target=turn)
    thread.start()
    ready.wait()
    try:
        if not failed:
            yield
    finally:
        if not loop.is_closed():
            loop.call_soon_threadsafe(done.set)
        thread.join()
        assert failed == []


@pytest.fixture(params=[through_a_socket, over_http], ids=["socket", "http"])
def slack(request: pytest.FixtureRequest) -> Iterator[Slack]:
    with running_slack() as slack, running(slack, request.param):
        yield slack


def test_a_command_a_press_and_a_form_go_all_the_way(slack: Slack) -> None:
    assert slack.say("U0ANA", "/purge C0WEB")["outcome"] == "acked"
    slack.until(lambda: "posted" in slack.texts("U0LEO"))
    (message,) = [message for message in slack.messages() if message["blocks"]]
    assert slack.press("U0SAM", message)["outcome"] == "acked"
    slack.until(lambda: bool(slack.state("U0SAM")["views"]))
    (view,) = slack.state("U0SAM")["views"]
    values = {"why": {"reason": "new logo"}}
    sent = slack.post("submit", **{"as": "U0SAM", "view_id": view["id"], "values": values})
    assert sent["outcome"] == "acked"
    slack.until(lambda: "sam: new logo" in slack.texts())


def test_a_refusal_arrives_as_slacks_error(slack: Slack) -> None:
    slack.say("U0ANA", "/purge C0RANDOM")
    slack.until(lambda: "refused: not_in_channel" in slack.texts())

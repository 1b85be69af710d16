"""A running Slack simulator, people who act in it, and apps that are connected to it.

with running_slack() as slack:
    slack.say("U0ANA", "/purge …")       over the control API
    slack.bot.chat_postMessage(…)        over the Web API, with Slack's own client
    with slack.socket() as socket: …     a bare websocket; `slack.app()`: one that acks
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from websockets.sync.client import ClientConnection, connect

from bot.simulators.serving import serving
from bot.simulators.slack import SlackSim

Json = dict[str, Any]
Answering = Callable[[Json], Json | None]

BUTTON: Json = {
    "type": "button",
    "action_id": "ok",
    "text": {"type": "plain_text", "text": "OK"},
    "value": "v1",
}
BUTTONS: list[Json] = [{"type": "actions", "block_id": "doors", "elements": [BUTTON]}]
INPUT: Json = {
    "type": "input",
    "block_id": "why",
    "label": {"type": "plain_text", "text": "Why"},
    "element": {"type": "plain_text_input", "action_id": "reason"},
}


def modal(*blocks: Json, **more: Any) -> Json:
    def title(text: str) -> Json:
        return {"type": "plain_text", "text": text}

    shown = list(blocks) or [INPUT]
    return {
        "type": "modal",
        "title": title("Ask"),
        "submit": title("Send"),
        "blocks": shown,
        **more,
    }


@dataclass
class Slack:
    sim: SlackSim
    api_url: str
    control_url: str
    session: requests.Session
    pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(4))

    def as_new(self) -> Slack:
        """The same, as it was at first; only the clock goes on."""
        self.sim.request_url = None
        self.post("reset")
        return self

    @property
    def bot(self) -> WebClient:
        return self.client(self.sim.bot_token)

    def client(self, token: str | None) -> WebClient:
        return WebClient(token=token, base_url=f"{self.api_url}/api/", retry_handlers=[])

    # The control API

    def control(self, method: str, path: str, body: Any = None) -> requests.Response:
        return self.session.request(method, f"{self.control_url}/{path}", json=body, timeout=60)

    def get(self, path: str) -> Json:
        found: Json = self._checked(self.control("GET", path))
        return found

    def post(self, path: str, **body: Any) -> Json:
        found: Json = self._checked(self.control("POST", path, body))
        return found

    def _checked(self, response: requests.Response) -> Any:
        assert response.status_code == 200, response.text
        return response.json()

    def say(self, who: str, text: str, channel: str = "C0WEB") -> Json:
        return self.post("say", **{"as": who, "channel": channel, "text": text})

    def press(self, who: str, message: Json, channel: str = "C0WEB", **more: Any) -> Json:
        place = {"as": who, "channel": channel, "ts": message["ts"], "action_id": "ok"}
        return self.post("press", **{**place, **more})

    def state(self, who: str = "U0ANA") -> Json:
        return self.get(f"state?as={who}")

    def messages(self, who: str = "U0ANA", channel: str = "C0WEB") -> list[Json]:
        found: list[Json] = self.state(who)["messages"].get(channel, [])
        return found

    def texts(self, who: str = "U0ANA", channel: str = "C0WEB") -> list[str]:
        return [message["text"] for message in self.messages(who, channel)]

    def wait(self, seconds: float) -> None:
        self.post("wait", seconds=seconds)

    def meanwhile(self, act: Callable[..., Json], *args: Any) -> Future[Json]:
        """Act in another thread, so that the test can answer in this one."""
        return self.pool.submit(act, *args)

    def until(self, holds: Callable[[], bool]) -> None:
        """Return once this holds, looking again at every change the simulator tells of."""
        url = f"{self.control_url}/events?as=U0ANA"
        with requests.get(url, stream=True, timeout=60) as stream:
            for line in stream.iter_lines():
                if line.startswith(b"event: change") and holds():
                    return
        raise AssertionError("the simulator went away")

    # Apps

    def socket_url(self) -> str:
        token = self.sim.app_token
        return str(self.client(None).apps_connections_open(app_token=token)["url"])

    @contextmanager
    def socket(self) -> Iterator[ClientConnection]:
        """A bare websocket that has been greeted."""
        with connect(self.socket_url(), compression=None) as socket:
            assert receive(socket)["type"] == "hello"
            yield socket

    @contextmanager
    def app(self, answer: Answering = lambda _: None) -> Iterator[list[Json]]:
        """An app that acks every envelope with what `answer` gives; its envelopes so far."""
        seen: list[Json] = []
        with self.socket() as socket:

            def listen() -> None:
                for text in socket:
                    envelope = json.loads(text)
                    seen.append(envelope)
                    ack(socket, envelope, answer(envelope))

            listening = self.pool.submit(listen)
            try:
                yield seen
            finally:
                socket.close()
                listening.result(timeout=60)

    @contextmanager
    def sdk_app(self, payload: Json | None = None) -> Iterator[list[SocketModeRequest]]:
        """The same with Slack's own Socket Mode client, which takes a second to close."""
        seen: list[SocketModeRequest] = []

        def listen(client: SocketModeClient, request: SocketModeRequest) -> None:
            seen.append(request)
            client.send_socket_mode_response(SocketModeResponse(request.envelope_id, payload))

        client = SocketModeClient(
            app_token=self.sim.app_token, web_client=self.client(None), concurrency=2
        )
        client.socket_mode_request_listeners.append(listen)  # type: ignore[arg-type]  # the SDK names a class nobody subclasses
        client.connect()
        self.until(lambda: self.state()["connections"] == 1)
        try:
            yield seen
        finally:
            client.close()


def receive(socket: ClientConnection) -> Json:
    found: Json = json.loads(socket.recv(timeout=60))
    return found


def ack(socket: ClientConnection, envelope: Json, payload: Json | None = None) -> None:
    answer: Json = {"envelope_id": envelope["envelope_id"]}
    socket.send(json.dumps(answer | ({"payload": payload} if payload else {})))


@contextmanager
def running_slack(**options: Any) -> Iterator[Slack]:
    sim = SlackSim(**options)
    with (
        serving({"slack": sim.api, "control": sim.control}) as urls,
        requests.Session() as session,
    ):
        sim.base_url = urls["slack"]
        slack = Slack(sim, urls["slack"], urls["control"], session)
        with slack.pool:
            yield slack


def refusal(slack: Slack, method: str, token: str | None = None, **arguments: Any) -> Any:
    """The answer to a Web API call that must fail."""
    with pytest.raises(SlackApiError) as caught:
        slack.client(token or slack.sim.bot_token).api_call(method, json=arguments)
    return caught.value.response

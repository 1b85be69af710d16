"""Where bots are measured: a pretend Slack, a CDN that takes its time, and load from both sides.

    with place(cdn_takes_s=0.005) as there:
        with there.purgebot("Purgebot", url, Mode.HTTP) as bot:
            load(bot, clients=10, seconds=2, answers=True)

Over HTTP the load is a process of its own (bench/load.py), which the pretend Slack tells of answers;
through the socket it is people who type there, and one thread carries the envelopes as well.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bench.load import PREPARED_PER_S
from bench.measures import cpu_s, memory_mib, switches
from bench.sides import wait_until
from bot.config.settings import Mode
from bot.demo.town import SAMPLE_POLICY
from bot.simulators.cdn import CdnSim
from bot.simulators.serving import serving
from bot.simulators.slack import SlackSim
from tests.support.processes import UNLIMITED
from tests.support.purgebot import Running, command, environment, listening

CHANNEL = "C0WEB"
PERSON = "U0ANA"
PLENTY = 10**6
FIRST_LOOK_S = 5.0
"""After so long a bot asks the CDN what has become of a purge."""
_ANSWER = re.compile(r"\b(\w+-\d+)\b.*\btask \d")


class Slow:
    """An app whose answers take as long as an answer from far away."""

    def __init__(self, app: ASGIApp, takes_s: float) -> None:
        self._app = app
        self._takes_s = takes_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def late(message: Message) -> None:
            if message["type"] == "http.response.start":
                await asyncio.sleep(self._takes_s)
            await send(message)

        await self._app(scope, receive, late)


class Calls(list[dict[str, Any]]):
    """Slack's log of calls, which tells the load of each answer when it was posted."""

    told: socket.socket | None = None

    def append(self, call: dict[str, Any]) -> None:
        super().append(call)
        if self.told is None or call["status"] != 200:
            return
        if answer := _ANSWER.search(str(call["arguments"].get("text"))):
            with suppress(OSError, AttributeError):  # the load has just ended
                self.told.send(f"{answer[1]}\n".encode())


@dataclass(frozen=True, slots=True)
class Contestant:
    """A process that is measured, and where its load comes from."""

    name: str
    mode: Mode
    bot: Running
    address: str
    place: Place

    def cpu_s(self) -> float:
        return cpu_s(self.bot.process.pid)

    def memory_mib(self) -> float:
        return memory_mib(self.bot.process.pid)

    def switches(self) -> int:
        return switches(self.bot.process.pid)


@dataclass(frozen=True, slots=True)
class Place:
    slack: SlackSim
    cdn: CdnSim
    calls: Calls
    urls: dict[str, str]
    folder: Path

    def variables(self, mode: Mode) -> dict[str, str]:
        token = (
            {"SLACK_APP_TOKEN": self.slack.app_token}
            if mode is Mode.SOCKET
            else {"SLACK_SIGNING_SECRET": self.slack.signing_secret}
        )
        return {
            "PURGEBOT_MODE": mode.value,
            "PURGEBOT_HTTP_BIND": "127.0.0.1:0",
            "PURGEBOT_CANARY_MINUTES": "0",
            "PURGEBOT_POLICY": str(SAMPLE_POLICY),
            "PURGEBOT_CDN_ENDPOINT": self.urls["cdn"],
            "ALIBABA_CLOUD_ACCESS_KEY_ID": self.cdn.access_key_id,
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET": self.cdn.access_key_secret,
            "SLACK_BOT_TOKEN": self.slack.bot_token,
            "SLACK_API_URL": self.urls["slack"] + "/api/",
            **UNLIMITED,
            "BARE_CDN": self.urls["bare_cdn"] + "/",
            **token,
        }

    @contextmanager
    def purgebot(self, name: str, url: str, mode: Mode, **more: str) -> Iterator[Contestant]:
        """Give a Purgebot that is ready for commands over this database."""
        given = self.variables(mode) | {"PURGEBOT_DATABASE_URL": url} | more
        with listening(command("run"), self.folder, environment(self.folder, given)) as bot:
            ready = bot.until("listening" if mode is Mode.HTTP else "started")
            yield Contestant(name, mode, bot, ready.get("address", ""), self)

    @contextmanager
    def peer(self, name: str, module: str, mode: Mode, *, full: bool) -> Iterator[Contestant]:
        """Give one to be measured beside: bench/bare.py or bench/floor.py."""
        wish = json.dumps({"mode": mode.value, "full": full})
        peer, given = [sys.executable, "-m", module, wish], self.variables(mode)
        with listening(peer, self.folder, environment(self.folder, given)) as bot:
            ready = bot.until("listening" if mode is Mode.HTTP else "started")
            yield Contestant(name, mode, bot, ready.get("address", ""), self)

    def response_urls(self, count: int) -> list[str]:
        """Mint what Slack would send along, for commands that do not come from it."""
        mint = self.slack.workspace.mint_response_url
        return [mint(PERSON, CHANNEL) for _ in range(count)]

    def settle(self) -> None:
        """Wait until what was asked for has come to its end, and nobody asks for anything more."""
        seen, since = -1, 0.0

        def quiet() -> bool:
            nonlocal seen, since
            calls = self.slack.workspace.calls
            asked = self.cdn.account.request_count + (calls[-1]["n"] if calls else 0)
            if asked != seen:
                seen, since = asked, time.monotonic()
            return time.monotonic() - since > 1.5

        time.sleep(FIRST_LOOK_S)  # before it nobody asks for anything, which would pass for rest
        wait_until(quiet, 120, every_s=0.1)


def load(contestant: Contestant, *, answers: bool = False, **wish: Any) -> dict[str, Any]:
    """Send commands (`clients`, `seconds`, and `per_s` or `count`); give what bench/load.py prints.

    `answers`: over HTTP, wait for what is posted.
    """
    wish["run"] = secrets.token_hex(4)
    there = contestant.place
    if contestant.mode is Mode.SOCKET:
        found: dict[str, Any] = requests.post(there.urls["load"], json=wish, timeout=120).json()
    else:
        wish |= {"address": contestant.address, "secret": there.slack.signing_secret}
        found = _from_outside(there, wish, answers=answers)
    assert not found["refused"], f"{contestant.name} refused {found['refused']} commands"
    return found


def _from_outside(there: Place, wish: dict[str, Any], *, answers: bool) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench.load"]
    ours, theirs = socket.socketpair()
    with ours, theirs:
        if answers:
            command.append(str(theirs.fileno()))
            most = wish.get("per_s", PREPARED_PER_S) * wish["seconds"]
            wish["response_urls"] = there.response_urls(int(most))
            there.calls.told = ours
        done = subprocess.run(
            command,
            input=json.dumps(wish),
            stdout=subprocess.PIPE,
            pass_fds=[theirs.fileno()],
            check=True,
            text=True,
        )
        there.calls.told = None
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@contextmanager
def place(
    cdn_takes_s: float, *, slack_limits: bool = True, task_s: float = PLENTY
) -> Iterator[Place]:
    """Build the simulators; the CDN's quotas are lifted, and Slack's limits if so wished."""
    slack = SlackSim()
    slack.workspace.events = []
    slack.workspace.calls = calls = Calls()
    cdn = CdnSim(
        now=slack.workspace.now,
        per_minute=PLENTY,
        per_day=PLENTY,
        queue_size=PLENTY,
        rates={},
        task_seconds=task_s,
    )
    tasks = iter(range(10**9, 2 * 10**9))

    async def bare_cdn(request: Request) -> JSONResponse:
        await request.body()
        return JSONResponse({"task": str(next(tasks))})

    async def type_commands(request: Request) -> JSONResponse:
        return JSONResponse(await _type(slack, **await request.json()))

    apps: dict[str, ASGIApp] = {
        "slack": slack.api,
        "control": slack.control,
        "cdn": Slow(cdn.api, cdn_takes_s),
        "bare_cdn": Slow(Starlette(routes=[Route("/", bare_cdn, methods=["POST"])]), cdn_takes_s),
        "load": Starlette(routes=[Route("/", type_commands, methods=["POST"])]),
    }
    hidden = {name: os.environ.pop(name) for name in list(os.environ) if name.endswith("_proxy")}
    try:
        with tempfile.TemporaryDirectory(prefix="purgebot-") as folder, serving(apps) as urls:
            slack.base_url, cdn.base_url = urls["slack"], urls["cdn"]
            wish = {"limits": {"on": slack_limits}}
            requests.post(urls["control"] + "/settings", json=wish, timeout=10).raise_for_status()
            yield Place(slack, cdn, calls, urls, Path(folder))
    finally:
        os.environ.update(hidden)


async def _type(
    slack: SlackSim,
    run: str,
    clients: int,
    seconds: float,
    per_s: float | None = None,
    count: int = PLENTY,
) -> dict[str, Any]:
    """Let people type commands; what bench/load.py does over HTTP."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    numbers = iter(range(count))
    took_ms: list[float] = []
    refused = 0

    async def once(number: int, at: float) -> None:
        nonlocal refused
        answer = await slack.acting.say(PERSON, CHANNEL, f"/purge www.example.com {run}-{number}")
        took_ms.append(1000 * (loop.time() - at))
        refused += answer["outcome"] != "acked" or answer["shown"] is not None

    async def client() -> None:
        for number in numbers:
            await once(number, loop.time())
            if loop.time() > began + seconds and count == PLENTY:
                return

    async with asyncio.TaskGroup() as group:
        if per_s is None:
            for _ in range(clients):
                group.create_task(client())
        for number in range(int(seconds * (per_s or 0))):
            at = began + number / (per_s or 1)
            await asyncio.sleep(max(0.0, at - loop.time()))
            group.create_task(once(number, at))
    return {"took_ms": took_ms, "refused": refused, "lasted_s": loop.time() - began}

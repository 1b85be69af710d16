"""Where bots are measured: a pretend Slack, a CDN that takes its time, and load from both sides.

    with place(cdn_takes_s=0.005) as there:
        with there.purgebot(url, Mode.HTTP) as bot, there.bare(Mode.HTTP, …) as bare:
            load(bot, clients=10, seconds=2)

Over HTTP the load is a process of its own (bench/load.py); through the socket it is people who type in
the pretend Slack, whose one thread also carries the envelopes: `ceiling` says what that alone can do.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bench.measures import cpu_s, memory_mib
from bot.config.settings import Mode
from bot.demo.town import SAMPLE_POLICY
from bot.simulators.cdn import CdnSim
from bot.simulators.serving import serving
from bot.simulators.slack import SlackSim
from tests.support.processes import UNLIMITED
from tests.support.purgebot import Running, environment, listening, running

CHANNEL = "C0WEB"
PERSON = "U0ANA"
PLENTY = 10**6


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


@dataclass(frozen=True, slots=True)
class Place:
    slack: SlackSim
    cdn: CdnSim
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
        with running(self.folder, given) as bot:
            ready = bot.until("listening" if mode is Mode.HTTP else "started")
            yield Contestant(name, mode, bot, ready.get("address", ""), self)

    @contextmanager
    def bare(self, name: str, mode: Mode, **wish: bool) -> Iterator[Contestant]:
        """Give a bare Bolt app (bench/bare.py): `before_response`, `full`."""
        bare = [sys.executable, "-m", "bench.bare", json.dumps({"mode": mode.value, **wish})]
        with listening(bare, self.folder, environment(self.folder, self.variables(mode))) as bot:
            ready = bot.until("listening" if mode is Mode.HTTP else "started")
            yield Contestant(name, mode, bot, ready.get("address", ""), self)

    def response_urls(self, count: int) -> list[str]:
        """Mint what Slack would send along, for commands that do not come from it."""
        mint = self.slack.workspace.mint_response_url
        return [mint(PERSON, CHANNEL) for _ in range(count)]


def load(contestant: Contestant, **wish: Any) -> dict[str, Any]:
    """Send commands (`clients`, `seconds`, and `per_s` or `count` as in bench/load.py)."""
    wish.setdefault("run", secrets.token_hex(4))
    there = contestant.place
    if contestant.mode is Mode.SOCKET:
        answer = requests.post(there.urls["load"], json=wish, timeout=120)
        found: dict[str, Any] = answer.json()
    else:
        wish |= {"address": contestant.address, "secret": there.slack.signing_secret}
        done = subprocess.run(
            [sys.executable, "-m", "bench.load", json.dumps(wish)],
            capture_output=True,
            check=True,
            text=True,
        )
        found = json.loads(done.stdout)
    assert not found["refused"], f"{contestant.name} refused {found['refused']} commands"
    return found


@contextmanager
def place(cdn_takes_s: float, *, slack_limits: bool = True) -> Iterator[Place]:
    """Build the simulators; the CDN's quotas are lifted, and Slack's limits if so wished."""
    slack = SlackSim()
    slack.workspace.events = []
    cdn = CdnSim(
        now=slack.workspace.now,
        per_minute=PLENTY,
        per_day=PLENTY,
        queue_size=PLENTY,
        rates={},
        task_seconds=PLENTY,
    )
    tasks = iter(range(10**9, 2 * 10**9))

    async def bare_cdn(request: Request) -> JSONResponse:
        await request.body()
        return JSONResponse({"task": str(next(tasks))})

    async def type_commands(request: Request) -> JSONResponse:
        return JSONResponse(await _type(slack, **await request.json()))

    apps = {
        "slack": slack.api,
        "control": slack.control,
        "cdn": _served(Slow(cdn.api, cdn_takes_s)),
        "bare_cdn": _served(
            Slow(Starlette(routes=[Route("/", bare_cdn, methods=["POST"])]), cdn_takes_s)
        ),
        "load": Starlette(routes=[Route("/", type_commands, methods=["POST"])]),
    }
    hidden = {name: os.environ.pop(name) for name in list(os.environ) if name.endswith("_proxy")}
    try:
        with tempfile.TemporaryDirectory(prefix="purgebot-") as folder, serving(apps) as urls:
            slack.base_url, cdn.base_url = urls["slack"], urls["cdn"]
            wish = {"limits": {"on": slack_limits}}
            requests.post(urls["control"] + "/settings", json=wish, timeout=10).raise_for_status()
            yield Place(slack, cdn, urls, Path(folder))
    finally:
        os.environ.update(hidden)


def _served(app: ASGIApp) -> Starlette:
    from starlette.routing import Mount

    return Starlette(routes=[Mount("/", app=app)])


async def _type(
    slack: SlackSim, run: str, clients: int, seconds: float, per_s: float | None = None, **_: Any
) -> dict[str, Any]:
    """Let people type commands; what bench/load.py does over HTTP."""
    found: dict[str, Any] = {"run": run, "sent_at": [], "took_ms": [], "refused": 0}
    loop = asyncio.get_running_loop()
    began = loop.time()
    numbers = iter(range(PLENTY))

    async def once(at: float) -> None:
        found["sent_at"].append(time.time())
        text = f"/purge www.example.com {run}-{next(numbers)}"
        answer = await slack.acting.say(PERSON, CHANNEL, text)
        found["took_ms"].append(1000 * (loop.time() - at))
        found["refused"] += answer["outcome"] != "acked" or answer["shown"] is not None

    async def client() -> None:
        while loop.time() < began + seconds:
            await once(loop.time())

    if per_s is None:
        await asyncio.gather(*(client() for _ in range(clients)))
        return found
    async with asyncio.TaskGroup() as group:
        for number in range(int(seconds * per_s)):
            at = began + number / per_s
            await asyncio.sleep(max(0.0, at - loop.time()))
            group.create_task(once(at))
    return found

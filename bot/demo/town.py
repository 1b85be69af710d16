"""The town: a simulated Slack, a simulated CDN with its edge, the page, and the real bot.

    with town() as t:
        t.says("U0ANA", "/purge www.example.com hero")
        t.settle()       the bot does what is due (tests, `demo --play`), or, once
        t.bot.start()    it is started, it does so by itself (demo)

The bot knows the simulators only by URL, and uses the same code as for the real services.
"""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import requests
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.app import Bot, build
from bot.config.settings import Mode, Settings, settings_from
from bot.demo.page import front
from bot.simulators.cdn import CdnSim
from bot.simulators.edge import EdgeSim, Purged
from bot.simulators.same_origin import OwnPageOnly
from bot.simulators.serving import serving
from bot.simulators.slack import SlackSim
from bot.slack.client import SCOPES

_EVENTS: list[str] = []
"""The events that manifest.yml requests: none."""
_SCOPES = sorted(set(SCOPES.values()))
"""The scopes that manifest.yml requests."""
SAMPLE_POLICY = Path(str(files("bot.demo") / "policy.yaml"))


@dataclass(slots=True)
class Town:
    """What a test or a player can do in the town.  Everything goes over HTTP, as from the page."""

    slack: SlackSim
    cdn: CdnSim
    edge: EdgeSim
    urls: dict[str, str]
    database_url: str
    policy: Path
    mode: Mode = Mode.SOCKET
    bot: Bot | None = None
    settings: dict[str, str] = field(default_factory=dict)
    _session: requests.Session = field(default_factory=requests.Session)

    # People

    def says(self, person: str, text: str, channel: str = "C0WEB") -> dict[str, Any]:
        """Let a person type something.  The answer says what happened."""
        return self.post("slack/say", {"as": person, "channel": channel, "text": text})

    def presses(
        self, person: str, action_id: str, message: dict[str, Any], channel: str = "C0WEB"
    ) -> dict[str, Any]:
        wish = {"as": person, "channel": channel, "ts": message["ts"], "action_id": action_id}
        return self.post("slack/press", wish)

    def denies(
        self, person: str, message: dict[str, Any], reason: str, channel: str = "C0WEB"
    ) -> dict[str, Any]:
        """Let a person press Deny, and send the form that opens if the press counts."""
        answer = self.presses(person, "purge:deny", message, channel)
        self.settle()
        return self.sends_form(person, reason) or answer

    def sends_form(self, person: str, reason: str) -> dict[str, Any] | None:
        """Let a person fill in the form of a denial and send it.  None if no form is open."""
        forms = self.forms(person)
        if not forms:
            return None
        values = {"reason": {"reason": reason}}
        return self.post(
            "slack/submit", {"as": person, "view_id": forms[-1]["id"], "values": values}
        )

    def forms(self, person: str) -> list[dict[str, Any]]:
        """Return the open forms of a person, the newest last."""
        found: list[dict[str, Any]] = self.get("slack/state", {"as": person})["views"]
        return found

    def sees(self, person: str, channel: str = "C0WEB") -> list[dict[str, Any]]:
        """Return the messages of a channel as one person sees them, oldest first."""
        state = self.get("slack/state", {"as": person})
        messages: list[dict[str, Any]] = state["messages"].get(channel, [])
        return messages

    # The CDN

    def purges_sent(self) -> list[dict[str, Any]]:
        """Return every purge that reached the CDN, whether or not its answer arrived."""
        asked = self.get("cdn/requests", {"action": "RefreshObjectCacheByCacheTag"})
        requests_seen: list[dict[str, Any]] = asked["requests"]
        return requests_seen

    def breaks(self, **fault: Any) -> None:
        """Inject a fault into the CDN, as the page's buttons do."""
        self.post("cdn/faults", fault)

    def heals(self) -> None:
        """Remove every injected fault of the CDN."""
        self._answer("DELETE", "cdn/faults")

    def publishes(self, url: str) -> None:
        """Publish a new version of a page on the site behind the CDN."""
        self.post("edge/publish", {"url": url})

    # Time and the bot

    def waits(self, *, settle: bool = True, **span: float) -> None:
        """Let time pass (`minutes=30`).  With `settle=False` the bot does nothing meanwhile."""
        unit_s = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86400}
        seconds = sum(unit_s[unit] * amount for unit, amount in span.items())
        self.post("slack/wait", {"seconds": seconds})
        if settle:
            self.settle()

    def now(self) -> datetime:
        """Return the time of the town, which the simulated Slack keeps and the others read."""
        return datetime.fromtimestamp(self.slack.workspace.now(), UTC)

    def settle(self) -> None:
        """Let the bot do everything that is due now."""
        if self.bot is not None:
            self.bot.worker.drain()

    def looks(self) -> None:
        """Let the bot check the CDN, if a check is due, and send its alerts."""
        if self.bot is not None:
            self.bot.canary.check()
            self.settle()

    def start_bot(self, **settings: str) -> Bot:
        """Build the bot over the data of the last one, and open its socket."""
        self.bot = build(self.bot_settings(**settings), self.now)
        self.bot.connect()
        return self.bot

    def close(self) -> None:
        self.stop_bot()
        self._session.close()

    def stop_bot(self) -> None:
        if self.bot is not None:
            self.bot.stop()
            self.bot = None

    def start_over(self) -> None:
        """Forget everything: the simulators' state, and the bot with its database (SQLite).

        A bot that was running runs again at the end.
        """
        bot, running = self.bot, self.bot is not None and bool(self.bot.worker.idle_s)
        self.stop_bot()
        if bot is not None:
            assert self.database_url.startswith("sqlite:///"), "others may use a server's database"
            for ending in ("", "-wal", "-shm"):
                Path(self.database_url.removeprefix("sqlite:///") + ending).unlink(missing_ok=True)
        for simulator in ("slack", "cdn", "edge"):
            self.post(f"{simulator}/reset")
        self.post("slack/settings", {"events": _EVENTS, "scopes": _SCOPES})
        if bot is not None:
            new = self.start_bot()
            if running:
                new.worker.start()

    def bot_settings(self, **more: str) -> Settings:
        return settings_from({**self.variables(), **more})

    def variables(self) -> dict[str, str]:
        """Return the variables with which `purgebot run` would use this town."""
        tokens = (
            {"SLACK_APP_TOKEN": self.slack.app_token}
            if self.mode is Mode.SOCKET
            else {"SLACK_SIGNING_SECRET": self.slack.signing_secret}
        )
        return {
            "PURGEBOT_MODE": self.mode.value,
            "SLACK_BOT_TOKEN": self.slack.bot_token,
            **tokens,
            "SLACK_API_URL": self.urls["slack"] + "/api/",
            "ALIBABA_CLOUD_ACCESS_KEY_ID": self.cdn.access_key_id,
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET": self.cdn.access_key_secret,
            "PURGEBOT_CDN_ENDPOINT": self.urls["cdn"],
            "PURGEBOT_EDGE_ADDRESS": self.urls["edge"].removeprefix("http://"),
            "PURGEBOT_DATABASE_URL": self.database_url,
            "PURGEBOT_POLICY": str(self.policy),
            "PURGEBOT_OPERATORS_CHANNEL": "C0OPS",
            **self.settings,
        }

    def handles(self) -> dict[str, str]:
        """Return what a program needs to use this town: addresses, tokens and keys."""
        return {
            "slack_api_url": self.urls["slack"] + "/api/",
            "bot_token": self.slack.bot_token,
            "app_token": self.slack.app_token,
            "signing_secret": self.slack.signing_secret,
            "cdn_endpoint": self.urls["cdn"],
            "edge_address": self.urls["edge"].removeprefix("http://"),
            "access_key_id": self.cdn.access_key_id,
            "access_key_secret": self.cdn.access_key_secret,
            "page_url": self.urls["page"],
        }

    # HTTP

    def get(self, path: str, params: dict[str, str] | None = None) -> dict[str, Any]:
        return self._answer("GET", path, params=params)

    def post(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        return self._answer("POST", path, json=body or {})

    def _answer(self, verb: str, path: str, **more: Any) -> dict[str, Any]:
        answer = self._session.request(verb, f"{self.urls['page']}/{path}", timeout=120, **more)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found


@contextmanager
def town(
    *,
    database_url: str | None = None,
    policy: Path = SAMPLE_POLICY,
    mode: Mode = Mode.SOCKET,
    page_port: int = 0,
    with_bot: bool = True,
    now: Callable[[], float] = time.time,
) -> Iterator[Town]:
    """Build the town, and take it down at the end.  The bot works only when told to.

    `now` is the clock of the whole town, in seconds since 1970.
    """
    slack = SlackSim(now=now)
    slack.workspace.events = list(_EVENTS)
    slack.workspace.scopes = list(_SCOPES)
    cdn = CdnSim(now=slack.workspace.now)
    edge = _edge_of(cdn)
    places: list[Town] = []
    page = front(slack.control, cdn.control, edge.control, _control_of(places))
    apps = {"slack": slack.api, "cdn": cdn.api, "edge": edge.api, "page": page}
    with (
        _without_proxies(),
        tempfile.TemporaryDirectory(prefix="purgebot-", ignore_cleanup_errors=True) as folder,
        serving(apps, ports={"page": page_port}) as urls,
    ):
        slack.base_url, cdn.base_url = urls["slack"], urls["cdn"]
        url = database_url or f"sqlite:///{folder}/purgebot.sqlite3"
        place = Town(slack, cdn, edge, urls, url, policy, mode)
        places.append(place)
        try:
            if with_bot:
                place.start_bot()
            yield place
        finally:
            place.close()


def _control_of(places: list[Town]) -> Starlette:
    """Return the control routes of the town that `places` will hold."""
    one_at_a_time = threading.Lock()

    def start_over() -> None:
        with one_at_a_time:
            places[0].start_over()

    async def reset(_: Request) -> Response:
        # In another thread: the bot talks to the simulators in this one.
        await run_in_threadpool(start_over)
        return JSONResponse({"ok": True})

    route = Route("/reset", reset, methods=["POST"])
    return Starlette(routes=[route], middleware=[Middleware(OwnPageOnly)])


def _edge_of(cdn: CdnSim) -> EdgeSim:
    """Return an edge that serves the CDN's domains and obeys its completed tasks."""
    account = cdn.account

    def purges() -> list[Purged]:
        now = account.now()
        return [
            Purged(task.domain, task.force, task.created + (0 if task.pinned else task.life_s))
            for task in account.tasks
            if task.progress(now).status == "Complete"
        ]

    return EdgeSim(account.now, purges, lambda: account.settings.domains)


@contextmanager
def _without_proxies() -> Iterator[None]:
    """Hide proxy variables: the socket's library would use a proxy even for loopback.
    https://websockets.readthedocs.io/en/stable/topics/proxies.html
    """
    hidden = {
        name: os.environ.pop(name) for name in list(os.environ) if name.lower().endswith("_proxy")
    }
    try:
        yield
    finally:
        os.environ.update(hidden)

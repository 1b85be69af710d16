"""A pretend Slack on loopback: Web API, Socket Mode, response urls, and a door to act as people.

sim = SlackSim()
with serving({"slack": sim.api, "control": sim.control}) as urls:
    sim.base_url = urls["slack"]        # SLACK_API_URL is this + "/api/"

world.py      who and what there is at the start
state.py      the workspace, the one truth, made of the things in model.py
api.py        Web API: METHODS, tokens, scopes;  methods_*.py, calls.py, pages.py, contents.py
blocks.py     Block Kit's rules, of elements.py, rich_text.py, checks.py
limits.py     rate limits;  faults.py, dropping.py: troubles to order
delivery.py   commands, clicks and events to the app, by sockets.py or http_mode.py, signing.py
grid.py       an organisation of workspaces
acting.py     what people do;  viewing.py, inputs.py: modals;  responses.py: the app's answers
objects.py    the shapes in answers;  payloads.py, events.py: the shapes delivered
control.py    the playground's door;  seeing.py, streaming.py: parts of it
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from starlette.applications import Starlette
from starlette.routing import Route, WebSocketRoute

from bot.simulators.slack.events.delivery import Courier
from bot.simulators.slack.events.events import Events
from bot.simulators.slack.events.responses import ResponseUrls
from bot.simulators.slack.events.sockets import Sockets
from bot.simulators.slack.people.acting import Acting
from bot.simulators.slack.people.control import Control
from bot.simulators.slack.web_api.api import WebApi
from bot.simulators.slack.workspace.state import Workspace
from bot.simulators.slack.workspace.world import default_world


class SlackSim:
    """The pretend Slack; `api` and `control` are to be served by one asyncio loop.

    `acting` is what people do, for programs that run in that loop.
    """

    def __init__(
        self, world: dict[str, Any] | None = None, now: Callable[[], float] = time.time
    ) -> None:
        self.workspace = workspace = Workspace(world or default_world(), now)
        sockets = Sockets(workspace)
        courier = Courier(workspace, sockets)
        events = Events(workspace, courier)
        self.acting = acting = Acting(workspace, courier, events)
        self.api = Starlette(
            routes=[
                Route("/api/{method}", WebApi(workspace), methods=["GET", "POST"]),
                WebSocketRoute("/socket/{ticket}", sockets.endpoint),
                Route("/response/{name}", ResponseUrls(workspace).endpoint, methods=["POST"]),
            ]
        )
        self.control = Control(workspace, sockets, acting, events).app()
        self.bot_token = workspace.bot_token
        self.app_token = workspace.app_token
        self.signing_secret = workspace.signing_secret

    @property
    def base_url(self) -> str:
        """Where `api` is served; by default learnt from the first call."""
        return self.workspace.base_url

    @base_url.setter
    def base_url(self, url: str) -> None:
        self.workspace.base_url = url.rstrip("/")

    @property
    def request_url(self) -> str | None:
        """Where deliveries go when no socket is open; None: they fail."""
        return self.workspace.request_url

    @request_url.setter
    def request_url(self, url: str | None) -> None:
        self.workspace.request_url = url


__all__ = ["SlackSim", "default_world"]

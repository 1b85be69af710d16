"""The bot behind its HTTP door, and Slack's signature to get through it.

with http_door(place) as door:
    place.says(…)                   Slack delivers to the door from now on
    door.deliver("slash_commands", {**door.last("slash_commands"), "team_id": …})
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import requests

from bot.config.settings import Mode
from bot.demo.town import Town
from bot.simulators.serving import serving
from bot.simulators.slack.events.http_mode import FORM, http_body
from bot.simulators.slack.events.signing import signed_headers
from bot.web.server import SLACK_PATH, web_app
from tests.conftest import OpenTown

Headers = dict[str, Any]


@dataclass
class Door:
    place: Town
    url: str
    session: requests.Session = field(default_factory=requests.Session)

    def sign(self, body: str) -> Headers:
        return dict(signed_headers(self.place.slack.signing_secret, body, time.time()))

    def send(self, body: str | bytes, headers: Headers | None = None) -> requests.Response:
        """Post something to the door, signed only if `headers` say so."""
        data = body.encode() if isinstance(body, str) else body
        return self.session.post(
            f"{self.url}{SLACK_PATH}",
            data=data,
            headers={"content-type": FORM, **(headers or {})},
            timeout=60,
        )

    def send_signed(self, body: str) -> requests.Response:
        return self.send(body, self.sign(body))

    def last(self, kind: str) -> dict[str, Any]:
        """Give the payload of the last delivery of its kind."""
        rows = self.place.get("slack/deliveries")["deliveries"]
        payload: dict[str, Any] = [row["payload"] for row in rows if row["kind"] == kind][-1]
        return payload

    def deliver(self, kind: str, payload: dict[str, Any]) -> requests.Response:
        """Send a payload as Slack would, with its signature."""
        return self.send_signed(http_body(kind, payload)[0])


@contextmanager
def http_door(place: Town) -> Iterator[Door]:
    """Serve the town's bot over HTTP and tell the pretend Slack where."""
    assert place.bot is not None, "only a bot has a door"
    bots = place.bot.ingress
    assert bots is not None, "only in HTTP mode"
    with serving({"bot": web_app(place.bot)}) as urls, requests.Session() as session:
        bots.is_open = True
        place.slack.request_url = urls["bot"] + SLACK_PATH
        yield Door(place, urls["bot"], session)
        bots.is_open = False


@contextmanager
def in_mode(open_town: OpenTown, mode: Mode) -> Iterator[Town]:
    """Give a town whose bot is reached through a socket, or through its HTTP door."""
    place = open_town(mode=mode)
    if mode is Mode.SOCKET:
        yield place
    else:
        with http_door(place):
            yield place

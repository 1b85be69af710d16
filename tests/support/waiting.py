"""Waiting for what a bot does by itself: one looks again at each change in town, without sleeping.

Where nothing in town tells of the change, `poll` looks again and again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import requests

from bot.demo.town import Town
from bot.simulators.slack.people.streaming import HEARTBEAT_S

PATIENCE_S = 90.0
"""How long nothing may happen.  Far more than is ever needed: a slow machine is no fault."""
HEARTBEAT = b": still here"
HEARTBEATS = int(PATIENCE_S / HEARTBEAT_S)


def until(place: Town, holds: Callable[[], bool]) -> None:
    """Return as soon as this holds; fail when nothing has changed in town for a while."""
    until_at(place.urls["page"], holds)


def until_at(page_url: str, holds: Callable[[], bool]) -> None:
    """Do the same in a town of another process."""
    silent = 0
    with requests.get(f"{page_url}/slack/events?as=U0SAM", stream=True, timeout=60) as stream:
        for line in stream.iter_lines():
            if not line.startswith((b"event: change", HEARTBEAT)):
                continue
            if holds():
                return
            silent = silent + 1 if line.startswith(HEARTBEAT) else 0
            assert silent < HEARTBEATS, "what was waited for did not happen"
    raise AssertionError("the town went away")


def poll(holds: Callable[[], bool], within_s: float = PATIENCE_S) -> None:
    """Return as soon as this holds; fail when it does not within so many seconds."""
    for _ in range(int(within_s / 0.02)):
        if holds():
            return
        threading.Event().wait(0.02)
    raise AssertionError("what was waited for did not happen")

"""Waiting for what a bot does by itself: one looks again at each change in town, without sleeping.

Where nothing in town tells of the change, `poll` looks again and again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import requests

from bot.playground.town import Town


def until(place: Town, holds: Callable[[], bool]) -> None:
    """Return as soon as this holds; fail when nothing has changed in town for a while."""
    until_at(place.urls["page"], holds)


def until_at(page_url: str, holds: Callable[[], bool]) -> None:
    """Do the same in a town of another process."""
    with requests.get(f"{page_url}/slack/events?as=U0SAM", stream=True, timeout=20) as stream:
        for line in stream.iter_lines():
            if line.startswith(b"event: change") and holds():
                return
            assert not line.startswith(b": still here"), "what was waited for did not happen"
    raise AssertionError("the town went away")


def poll(holds: Callable[[], bool], within_s: float = 30.0) -> None:
    """Return as soon as this holds; fail when it does not within so many seconds."""
    for _ in range(int(within_s / 0.02)):
        if holds():
            return
        threading.Event().wait(0.02)
    raise AssertionError("what was waited for did not happen")

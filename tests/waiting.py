"""Waiting for what a bot does by itself: one looks again at each change in town, without sleeping."""

from __future__ import annotations

from collections.abc import Callable

import requests

from bot.playground.town import Town


def until(place: Town, holds: Callable[[], bool]) -> None:
    """Return as soon as this holds; fail when nothing has changed in town for a while."""
    url = f"{place.urls['page']}/slack/events?as=U0SAM"
    with requests.get(url, stream=True, timeout=20) as stream:
        for line in stream.iter_lines():
            if line.startswith(b"event: change") and holds():
                return
            assert not line.startswith(b": still here"), "what was waited for did not happen"
    raise AssertionError("the town went away")

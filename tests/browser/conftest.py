"""A browser, a still town, and a page on it that may not complain."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bot.playground.page import front
from bot.playground.serving import serving
from tests.browser.still_town import StillTown

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()

try:
    from playwright.sync_api import Browser, Page, sync_playwright
except ImportError:  # pragma: no cover
    pytest.skip("playwright is not installed", allow_module_level=True)


def _do_without(what: str) -> None:
    """Skip at home; in CI a missing browser would be a hole in the net, so it fails there."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what}, and CI must not do without the browser tests")
    pytest.skip(what)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        _do_without(f"no Chromium at {CHROMIUM}")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def town() -> StillTown:
    return StillTown()


@pytest.fixture
def town_url(town: StillTown) -> Iterator[str]:
    with serving({"front": front(town.slack_control, town.cdn_control)}) as urls:
        yield urls["front"]


Open = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser, town_url: str) -> Iterator[Open]:
    """Opens the town, as `me` and in any of Playwright's context settings.

    At the end no page may have written an error to its console, or left its own origin.
    """
    complaints: list[str] = []
    contexts = []

    def opened(me: str = "U0ANA", channel: str = "C0WEB", *, tour: bool = False, **settings: object) -> Page:
        settings = {"viewport": {"width": 1440, "height": 900}, "timezone_id": "Europe/Paris"} | settings
        context = browser.new_context(**settings)  # type: ignore[arg-type]
        contexts.append(context)
        if not tour:
            context.add_init_script(
                """localStorage["playground.tour"] ??= '{"done":[],"dismissed":true}'"""
            )
        page = context.new_page()
        page.set_default_timeout(5000)
        page.on("console", lambda line: complaints.append(line.text) if line.type in {"error", "warning"} else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda sent: None if sent.url.startswith(town_url) else complaints.append(f"left for {sent.url}"))
        page.goto(f"{town_url}/#{me}/{channel}")
        page.get_by_role("log").wait_for()
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []

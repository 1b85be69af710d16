"""A browser, a still town, and pages on it that may not complain."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from bot.demo.page import front
from bot.simulators.serving import serving
from tests.browser.still_town import StillTown

if TYPE_CHECKING:
    from tests.browser.seeing import Browser, BrowserContext, ConsoleMessage, Open, Page


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    from tests.browser.seeing import ARGUMENTS, CHROMIUM, sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def town() -> StillTown:
    return StillTown()


@pytest.fixture
def town_url(town: StillTown) -> Iterator[str]:
    with serving(
        {"front": front(town.slack_control, town.cdn_control, town_control=town.town_control)}
    ) as urls:
        yield urls["front"]


@pytest.fixture
def open_page(browser: Browser, town: StillTown, town_url: str) -> Iterator[Open]:
    """Opens the town as `me` in `channel`, with any of Playwright's context settings.

    The guide is put away unless `guide` is asked for.  At the end, no page may have written an
    error or a warning to its console, or have asked another origin for anything.
    """
    complaints: list[str] = []
    asked: list[str] = []
    contexts: list[BrowserContext] = []

    def note(said: ConsoleMessage) -> None:
        # The browser's own line about a refused request is no complaint where the test refuses.
        expected = said.text.startswith("Failed to load resource") and town.failing
        if said.type in {"error", "warning"} and not expected:
            complaints.append(said.text)

    def listen_to(page: Page) -> None:
        page.on("console", note)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda sent: asked.append(sent.url))

    def opened(
        me: str = "U0ANA", channel: str = "C0WEB", *, guide: bool = False, **settings: Any
    ) -> Page:
        settings = {
            "viewport": {"width": 1440, "height": 900},
            "timezone_id": "Europe/Paris",
        } | settings
        context = browser.new_context(**settings)
        contexts.append(context)
        if not guide:
            put_away = """localStorage["playground.tour"] ??= '{"done":[],"dismissed":true}'"""
            context.add_init_script(put_away)
        page = context.new_page()
        page.set_default_timeout(60_000)
        listen_to(page)
        page.goto(f"{town_url}/#{me}/{channel}")
        page.get_by_role("log").wait_for()
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []
    assert [url for url in asked if not url.startswith(town_url)] == []

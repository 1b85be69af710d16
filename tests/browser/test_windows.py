"""Several windows of one browser: all stay fresh, and start over together."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bot.demo.town import Town, town
from tests.browser.hands import Mouse, message_box
from tests.browser.seeing import Browser, BrowserContext, Page, expect

WINDOWS = 5
"""With two streams each they would take ten connections; a browser has six."""
PEOPLE = ("U0ANA", "U0SAM", "U0KIM", "U0LEO", "U0ADA")


@pytest.fixture
def running() -> Iterator[Town]:
    """Give a town whose bot works by itself, as in `purgebot demo`."""
    with town() as place:
        assert place.bot is not None
        place.bot.worker.start()
        yield place


@pytest.fixture
def window(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    yield context
    context.close()


def opened(window: BrowserContext, place: Town, person: str) -> Page:
    page = window.new_page()
    page.set_default_timeout(60_000)
    page.goto(f"{place.urls['page']}/#{person}/C0WEB")
    page.get_by_role("log").wait_for()
    return page


def test_five_windows_at_once_all_see_what_happens_and_can_act(
    running: Town, window: BrowserContext
) -> None:
    pages = [opened(window, running, person) for person in PEOPLE]
    for number, page in enumerate(pages):
        Mouse(page).types(f"Hello from window {number}")
    for page in pages:
        for number in range(len(pages)):
            expect(page.get_by_role("log")).to_contain_text(f"Hello from window {number}")
    pages[0].close()
    Mouse(pages[1]).types("One has left")
    expect(pages[-1].get_by_role("log")).to_contain_text("One has left")


def test_without_shared_workers_a_window_listens_for_itself(
    running: Town, window: BrowserContext
) -> None:
    window.add_init_script("delete globalThis.SharedWorker")
    page = opened(window, running, "U0ANA")
    running.says("U0SAM", "Good morning")
    expect(page.get_by_role("log")).to_contain_text("Good morning")


def test_starting_over_forgets_everything_in_all_windows(
    running: Town, window: BrowserContext
) -> None:
    ana, sam = (opened(window, running, person) for person in ("U0ANA", "U0SAM"))
    guide = ana.get_by_role("region", name="The first minute")
    Mouse(ana).types("/purge www.example.com homepage")
    expect(sam.get_by_role("log")).to_contain_text("Purge sent")
    expect(sam.locator(".tour li[data-done]").first).to_be_visible()
    ana.get_by_role("button", name="Dismiss the guide").click()
    message_box(sam).fill("half a sentence")
    sam.get_by_role("button", name="Start over").click()
    sam.get_by_role("dialog").get_by_role("button", name="Start over").click()
    for page in (ana, sam):
        expect(page.get_by_role("log")).not_to_contain_text("Purge sent")
        expect(page.locator(".tour")).to_be_visible()
        expect(page.locator(".tour li[data-done]")).to_have_count(0)
        expect(page.get_by_text("Purgebot is connected")).to_be_visible()
    expect(guide).to_be_visible()
    expect(message_box(sam)).to_have_value("")
    Mouse(sam).types("/purge history")
    expect(sam.get_by_role("log")).to_contain_text("No purges")
    # Joins nothing of before, although the same was sent a moment ago.
    Mouse(ana).types("/purge www.example.com homepage")
    expect(ana.get_by_role("log")).to_contain_text("Purge sent")


def test_the_page_says_that_its_slack_is_pretend(running: Town, window: BrowserContext) -> None:
    page = opened(window, running, "U0ANA")
    for width in (1280, 390, 320):
        page.set_viewport_size({"width": width, "height": 800})
        expect(page.get_by_text("A pretend Slack")).to_be_in_viewport()


def test_somebody_unknown_in_the_address_is_a_sentence_and_a_way_on(
    running: Town, window: BrowserContext
) -> None:
    page = window.new_page()
    page.goto(f"{running.urls['page']}/#U0XXX/C0WEB")
    expect(page.get_by_role("alert")).to_have_text("Nobody with the ID U0XXX is in this workspace.")
    page.get_by_role("link", name="Open it as Ana").click()
    expect(page.get_by_role("log")).to_be_visible()

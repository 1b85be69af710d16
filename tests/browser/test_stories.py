"""The stories that a newcomer lives in the page: the real bot, both simulators, one browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bot.playground.town import Town
from bot.playground.town import town as build_town
from tests.browser.seeing import Locator, Open, Page, expect


@pytest.fixture
def place() -> Iterator[Town]:
    with build_town() as built:
        assert built.bot is not None
        built.bot.worker.start()
        yield built


@pytest.fixture
def town_url(place: Town) -> str:
    """The page of the running town, in place of the still one."""
    return place.urls["page"]


def types(page: Page, text: str) -> None:
    page.get_by_role("textbox", name="Message #web-publishing").fill(text)
    page.keyboard.press("Enter")


def card(page: Page, says: str) -> Locator:
    return page.locator("article", has_text=says)


def test_an_editor_purges_and_sees_the_task_id(place: Town, open_page: Open) -> None:
    page = open_page("U0ANA")
    types(page, "/purge www.example.com hero")
    expect(card(page, "Purge submitted")).to_be_visible()
    (sent,) = place.purges_sent()
    expect(card(page, "Purge submitted")).to_contain_text(sent["task_id"])


def test_an_editor_is_refused_on_another_domain_with_the_reason(open_page: Open) -> None:
    page = open_page("U0ANA")
    types(page, "/purge shop.example.com hero")
    refusal = card(page, "Purge refused")
    expect(refusal).to_contain_text("No rule lets this person purge")
    expect(refusal).to_contain_text("@sre")
    expect(refusal).to_contain_text("Only visible to you")


def test_a_used_up_quota_is_an_error_that_one_can_read(place: Town, open_page: Open) -> None:
    page = open_page("U0ANA")
    page.get_by_role("button", name="Daily quota used up").click()
    types(page, "/purge www.example.com hero")
    failed = card(page, "Purge failed: nothing was purged")
    expect(failed).to_contain_text("quota")
    expect(failed).to_contain_text("CDN request")


def test_a_forced_purge_waits_is_approved_by_somebody_else_and_says_who(
    place: Town, open_page: Open
) -> None:
    ana = open_page("U0ANA")
    sam = open_page("U0SAM")
    types(ana, "/purge www.example.com hero —force")
    expect(card(ana, "Forced purge waits for approval")).to_be_visible()
    assert place.purges_sent() == []
    sam.get_by_role("button", name="Approve").click()
    sam.get_by_role("dialog").get_by_role("button", name="Approve").click()
    done = card(ana, "Forced purge submitted")
    expect(done).to_contain_text("Approved by @Sam Reed")
    expect(done.get_by_role("button", name="Approve")).to_have_count(0)
    assert len(place.purges_sent()) == 1

"""The stories that a newcomer lives in the page: the real bot, both simulators, one browser.

Each is lived with a mouse and by keys alone, and ends without a barrier for anybody.
"""

from __future__ import annotations

import pytest

from bot.playground.town import Town
from tests.browser.barriers import barriers
from tests.browser.hands import Hands, Keys, Mouse
from tests.browser.seeing import Locator, Open, Page, expect
from tests.conftest import OpenTown

pytestmark = [
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
    pytest.mark.parametrize("hands", [Mouse, Keys], ids=["mouse", "keys"]),
]


@pytest.fixture
def place(open_town: OpenTown) -> Town:
    built = open_town()
    assert built.bot is not None
    built.bot.worker.start()
    return built


@pytest.fixture
def town_url(place: Town) -> str:
    """The page of the running town, in place of the still one."""
    return place.urls["page"]


def card(page: Page, says: str) -> Locator:
    return page.locator("article", has_text=says)


def test_an_editor_purges_and_sees_the_task_id(place: Town, open_page: Open, hands: Hands) -> None:
    page = open_page("U0ANA", guide=True)
    hands(page).types("/purge www.example.com hero")
    expect(card(page, "Purge submitted")).to_be_visible()
    (sent,) = place.purges_sent()
    expect(card(page, "Purge submitted")).to_contain_text(sent["task_id"])
    assert barriers(page) == []


def test_an_editor_is_refused_on_another_domain_with_the_reason(
    open_page: Open, hands: Hands
) -> None:
    page = open_page("U0ANA", guide=True)
    hands(page).types("/purge shop.example.com hero")
    refusal = card(page, "Purge refused")
    expect(refusal).to_contain_text("No rule lets you purge")
    expect(refusal).to_contain_text("@sre")
    expect(refusal).to_contain_text("Only visible to you")
    assert barriers(page) == []


def test_a_used_up_quota_is_an_error_that_one_can_read(open_page: Open, hands: Hands) -> None:
    page = open_page("U0ANA", guide=True)
    hand = hands(page)
    hand.presses(page.get_by_role("button", name="Daily quota used up"))
    hand.types("/purge www.example.com hero")
    failed = card(page, "Purge failed: nothing was purged")
    expect(failed).to_contain_text("quota")
    expect(failed).to_contain_text("CDN request")
    assert barriers(page) == []


def test_a_forced_purge_waits_is_approved_by_somebody_else_and_says_who(
    place: Town, open_page: Open, hands: Hands
) -> None:
    ana, other = open_page("U0ANA", guide=True), open_page("U0ANA", guide=True)
    hands(ana).types("/purge www.example.com hero —force")
    expect(card(ana, "Forced purge waits for approval")).to_be_visible()
    assert place.purges_sent() == []
    sam = hands(other)
    sam.becomes("Sam Reed")
    sam.presses(other.get_by_role("button", name="Approve"))
    dialog = other.get_by_role("dialog")
    expect(dialog).to_be_visible()
    assert barriers(other) == []
    sam.presses(dialog.get_by_role("button", name="Approve"))
    done = card(ana, "Forced purge submitted")
    expect(done).to_contain_text("Approved by @Sam Reed")
    expect(done.get_by_role("button", name="Approve")).to_have_count(0)
    assert len(place.purges_sent()) == 1
    assert barriers(ana) == []

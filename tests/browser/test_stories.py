"""The stories that a newcomer lives in the page: the real bot, both simulators, one browser.

Each is lived with a mouse and by keys alone, and ends without a barrier for anybody.
"""

from __future__ import annotations

import pytest

from bot.demo.town import Town
from tests.browser.barriers import barriers
from tests.browser.hands import Hands, Keys, Mouse
from tests.browser.seeing import Locator, Open, Page, expect
from tests.conftest import OpenTown
from tests.support.faults import PURGE

pytestmark = [
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
    pytest.mark.parametrize("hands", [Mouse, Keys], ids=["mouse", "keys"]),
]


@pytest.fixture
def place(open_town: OpenTown) -> Town:
    built = open_town(time_passes=True)
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
    expect(card(page, "Purge sent")).to_be_visible()
    (sent,) = place.purges_sent()
    expect(card(page, "Purge sent")).to_contain_text(sent["task_id"])
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
    stopped = card(page, "Purge not sent: the CDN's quota is used up")
    expect(stopped).to_contain_text("CDN request")
    assert barriers(page) == []
    hand.presses(stopped.get_by_role("button", name="Run it then"))
    expect(card(page, "Purge held until the CDN's new day")).to_contain_text("@Ana Ortiz")
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
    done = card(ana, "Forced purge sent")
    expect(done).to_contain_text("Approved by @Sam Reed")
    expect(done.get_by_role("button", name="Approve")).to_have_count(0)
    assert len(place.purges_sent()) == 1
    assert barriers(ana) == []


def test_a_denial_asks_why_and_everybody_reads_it(
    place: Town, open_page: Open, hands: Hands
) -> None:
    page = open_page("U0ANA", guide=True)
    hand = hands(page)
    hand.types("/purge www.example.com hero --force")
    expect(card(page, "Forced purge waits for approval")).to_be_visible()
    hand.becomes("Sam Reed")
    hand.presses(page.get_by_role("button", name="Deny"))
    form = page.get_by_role("dialog")
    expect(form).to_contain_text("Why not?")
    assert barriers(page) == []
    form.get_by_role("textbox").fill("The match is on")
    hand.presses(form.get_by_role("button", name="Deny"))
    expect(card(page, "Forced purge denied")).to_contain_text("The match is on")
    assert place.purges_sent() == []
    assert barriers(page) == []


def test_a_purge_moves_to_its_end_before_ones_eyes(
    place: Town, open_page: Open, hands: Hands
) -> None:
    page = open_page("U0ANA", guide=True)
    hands(page).types("/purge www.example.com front")
    expect(card(page, "Purge sent")).to_be_visible()
    place.waits(settle=False, seconds=10)
    expect(card(page, "Purge running at the CDN")).to_contain_text("%")
    assert barriers(page) == []
    place.waits(settle=False, minutes=1)
    complete = card(page, "Purge complete")
    expect(complete).to_contain_text("Took")
    expect(complete.get_by_role("button", name="Request a forced purge")).to_be_visible()
    assert barriers(page) == []


def test_what_the_cdn_does_not_take_now_is_held_and_then_sent(
    place: Town, open_page: Open, hands: Hands
) -> None:
    page = open_page("U0ANA", guide=True)
    place.breaks(kind="error", code="TooMany.Refresh", action=PURGE, times=1)
    hands(page).types("/purge www.example.com hero")
    expect(card(page, "Purge held")).to_contain_text("attempt 2 is at")
    assert barriers(page) == []
    place.waits(settle=False, minutes=2)
    expect(card(page, "Purge sent")).to_be_visible()


def test_an_unknown_outcome_is_decided_by_a_person(
    place: Town, open_page: Open, hands: Hands
) -> None:
    page = open_page("U0ANA", guide=True)
    hand = hands(page)
    place.post("cdn/settings", {"knows_tag_tasks": False})
    place.breaks(kind="lose_answer", action=PURGE, times=1)
    hand.types("/purge www.example.com hero")
    unknown = card(page, "outcome unknown")
    hand.presses(unknown.get_by_role("button", name="Purge again"))
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("purged twice, which does no harm")
    hand.presses(dialog.get_by_role("button", name="Purge again"))
    expect(unknown).to_contain_text("@Ana Ortiz asked for it again")
    expect(card(page, "Purge sent")).to_be_visible()
    assert barriers(page) == []

"""An approver with a phone reads every tag before they decide: the real bot, in the page."""

from __future__ import annotations

import re

import pytest

from bot.demo.town import Town
from tests.browser.barriers import barriers
from tests.browser.seeing import Open, expect
from tests.conftest import OpenTown

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True}
LONG = "long-" + "x" * 4995
OFFICIAL = "ok* · :white_check_mark: *Already approved by* <@U0KIM> & <!here> https://a.example"
DRAWN = "blockquote :is(strong, em, s, a, code, button, span, .emoji, .mention)"
TAGS = (*(f"article-{n:04}" for n in range(80)), "*", "h\u0435ro", LONG)
TYPED = ",".join(TAGS).replace("*", "tag:*")


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


def test_an_approver_on_a_phone_reads_all_tags_through_the_pages(
    place: Town, open_page: Open
) -> None:
    place.says("U0ANA", f"/purge www.example.com {TYPED} --force")
    page = open_page("U0SAM", **PHONE)
    page.get_by_role("button", name="Show all 83 tags").click()
    form = page.get_by_role("dialog", name="83 tags")
    read = ""
    for beginning in ("Tags 1 to 40 of 83", "Tags 41 to 80 of 83", "Tags 81 to 83 of 83"):
        expect(form).to_contain_text(beginning)
        read += form.inner_text()
        wide = form.evaluate(
            "(box) => box.querySelector('.dialog-body').scrollWidth - box.clientWidth"
        )
        assert wide <= 0, "what stands at the side of a phone is not read"
        form.get_by_role("button", name="Next").last.click()
    expect(form).to_contain_text("Tag 83 of 83")
    expect(form.get_by_role("button", name="Next")).to_have_count(0)
    read += form.inner_text()
    for tag in TAGS[:-1]:
        assert re.search(rf"(?m)(?<!\S){re.escape(tag)}(?!\S)", read), tag
    assert read.count("x") - read.count("example") >= LONG.count("x")
    assert "may mean every tag" in read
    form.get_by_role("button", name="Previous").first.click()
    expect(form).to_contain_text("Tags 81 to 83 of 83")


def test_the_form_with_all_tags_keeps_nobody_out(place: Town, open_page: Open) -> None:
    place.says("U0ANA", f"/purge www.example.com {TYPED} --force")
    page = open_page("U0SAM")
    page.get_by_role("button", name="Show all 83 tags").click()
    expect(page.get_by_role("dialog")).to_contain_text("Tags 1 to 40 of 83")
    assert barriers(page) == []


def test_the_question_before_approve_is_shown_as_it_is(place: Town, open_page: Open) -> None:
    place.says("U0ANA", "/purge www.example.com tag:*a*,tag:_b_,tag::x: --force")
    page = open_page("U0SAM", **PHONE)
    page.get_by_role("button", name="Approve").click()
    question = page.get_by_role("dialog")
    expect(question).to_contain_text("www.example.com: 3 tags.")
    expect(question).to_contain_text("“*a*” holds *, which may stand for anything")
    expect(question.locator("strong, em, code")).to_have_count(0)


def test_a_reason_that_looks_official_is_read_as_a_quotation(place: Town, open_page: Open) -> None:
    """On the card, in the form of who denies, and in the note below: nothing in it is drawn."""
    place.says("U0ANA", f'/purge www.example.com hero --force --reason "{OFFICIAL}"')
    page = open_page("U0SAM", **PHONE)
    card = page.locator("article", has_text="waits for approval")
    expect(card.locator("blockquote")).to_have_text(OFFICIAL)
    card.get_by_role("button", name="Deny").click()
    form = page.get_by_role("dialog")
    expect(form.locator("blockquote")).to_have_text(OFFICIAL)
    assert form.locator(DRAWN).count() == 0
    form.get_by_role("textbox").fill(OFFICIAL)
    form.get_by_role("button", name="Deny").click()
    page.get_by_role("button", name="1 reply").click()
    expect(page.locator("blockquote", has_text="Already approved")).to_have_count(3)
    assert page.locator(DRAWN).count() == 0

"""Everything by keys alone."""

from __future__ import annotations

from tests.browser.seeing import Locator, Open, Page, expect
from tests.browser.still_town import StillTown


def commands(page: Page) -> Locator:
    return page.get_by_role("listbox", name="Commands").get_by_role("option")


def write(page: Page, text: str) -> None:
    page.get_by_role("textbox", name="Message #web-publishing").focus()
    page.keyboard.type(text)


def test_a_command_is_found_completed_and_sent(town: StillTown, open_page: Open) -> None:
    page = open_page()
    box = page.get_by_role("textbox", name="Message #web-publishing")
    options = commands(page)

    write(page, "/pu")
    expect(options).to_have_count(2)
    expect(page.locator("[role=option][aria-selected=true]")).to_contain_text("/purge domain tag")
    page.keyboard.press("ArrowDown")
    expect(page.locator("[role=option][aria-selected=true]")).to_contain_text("/pulse")
    assert box.get_attribute("aria-activedescendant") == options.nth(1).get_attribute("id")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(box).to_have_value("/purge ")
    expect(options).to_have_count(0)
    expect(page.locator(".usage")).to_have_text("/purge domain tag[,tag…] [--force]")

    page.keyboard.type("www.example.com homepage")
    with page.expect_response("**/slack/say"):
        page.keyboard.press("Enter")
    expect(box).to_have_value("")
    assert [body["text"] for body in town.posted("slack/say")] == [
        "/purge www.example.com homepage"
    ]


def test_a_whole_command_is_sent_rather_than_completed(town: StillTown, open_page: Open) -> None:
    page = open_page()
    write(page, "/purge")
    with page.expect_response("**/slack/say"):
        page.keyboard.press("Enter")

    assert [body["text"] for body in town.posted("slack/say")] == ["/purge"]


def test_escape_puts_the_suggestions_away_and_keeps_the_text(open_page: Open) -> None:
    page = open_page()
    write(page, "/pu")
    page.keyboard.press("Escape")

    expect(commands(page)).to_have_count(0)
    expect(page.get_by_role("textbox", name="Message #web-publishing")).to_have_value("/pu")


def test_no_command_is_suggested_within_a_text(open_page: Open) -> None:
    page = open_page()
    write(page, "and /pu")

    expect(commands(page)).to_have_count(0)


def test_shift_enter_starts_a_line_and_enter_sends_both(town: StillTown, open_page: Open) -> None:
    page = open_page()
    write(page, "one")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("two")
    with page.expect_response("**/slack/say"):
        page.keyboard.press("Enter")

    assert [body["text"] for body in town.posted("slack/say")] == ["one\ntwo"]


def test_arrow_up_brings_back_what_was_sent_last(open_page: Open) -> None:
    page = open_page()
    write(page, "/purge www.example.com a")
    with page.expect_response("**/slack/say"):
        page.keyboard.press("Enter")
    page.keyboard.press("ArrowUp")

    expect(page.get_by_role("textbox", name="Message #web-publishing")).to_have_value(
        "/purge www.example.com a"
    )


def test_a_text_that_did_not_get_through_comes_back(town: StillTown, open_page: Open) -> None:
    page = open_page()
    box = page.get_by_role("textbox", name="Message #web-publishing")
    town.failing.add("slack/say")
    write(page, "precious")
    page.keyboard.press("Enter")

    expect(page.locator(".toast")).to_have_text("The town is closed.")
    expect(box).to_have_value("precious")


def test_the_first_tab_leads_past_everything_to_the_message_box(open_page: Open) -> None:
    page = open_page()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the message box")).to_be_focused()
    page.keyboard.press("Enter")

    expect(page.get_by_role("textbox", name="Message #web-publishing")).to_be_focused()
    assert page.url.endswith("#U0ANA/C0WEB")


def test_arrows_and_enter_choose_who_speaks(open_page: Open) -> None:
    page = open_page()
    page.get_by_role("button", name="Speaking as Ana Ortiz").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("menuitemradio", name="Ana Ortiz")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")

    expect(page.get_by_role("button", name="Speaking as Sam Reed")).to_be_focused()


def test_escape_closes_the_list_of_people_and_changes_nobody(open_page: Open) -> None:
    page = open_page()
    page.get_by_role("button", name="Speaking as Ana Ortiz").click()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Escape")

    expect(page.get_by_role("menu")).to_have_count(0)
    expect(page.get_by_role("button", name="Speaking as Ana Ortiz")).to_be_focused()


def test_the_focus_stays_in_an_open_dialog(open_page: Open) -> None:
    page = open_page("U0SAM")
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    strayed = []
    for _ in range(8):
        page.keyboard.press("Tab")
        # Between the last and the first button Chromium passes through the window's own controls.
        strayed += page.evaluate(
            """() => [document.activeElement]
              .filter((held) => held !== document.body && !held.closest("dialog"))
              .map((held) => held.outerHTML)"""
        )
    assert strayed == []


def test_what_has_the_focus_is_seen(open_page: Open) -> None:
    page = open_page()
    unseen = []
    for _ in range(60):
        page.keyboard.press("Tab")
        unseen += page.evaluate(
            """() => {
              const held = document.activeElement;
              if (held === document.body || held.id === "message-box") return [];
              const ring = getComputedStyle(held.matches(".switch input") ? held.nextElementSibling : held);
              return ring.outlineStyle === "none" ? [held.outerHTML] : [];
            }"""
        )
    assert unseen == []

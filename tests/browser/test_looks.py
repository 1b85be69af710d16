"""On every screen, light and dark."""

from __future__ import annotations

import pytest

from tests.browser.seeing import Open, Page, expect
from tests.browser.still_messages import mrkdwn
from tests.browser.still_town import StillTown

SCREENS = {
    "wide": (1440, 900),
    "tablet": (900, 1100),
    "phone": (390, 844),
    "small phone": (320, 568),
}
LONG = "x" * 400


def too_wide(page: Page) -> list[str]:
    """What reaches out of the window, or can be pushed sideways without being a table."""
    wide: list[str] = page.evaluate(
        """() => [...document.querySelectorAll("body *")].filter((element) => {
             const {right, width} = element.getBoundingClientRect();
             const style = getComputedStyle(element);
             const pushed = element.scrollWidth > element.clientWidth + 1 && ["auto", "scroll"].includes(style.overflowX);
             return !element.closest(".table-scroll, .hidden, .skip, svg") && width > 0 && (right > innerWidth + 1 || pushed);
           }).map((element) => element.outerHTML.slice(0, 120))"""
    )
    return wide


@pytest.mark.parametrize("size", SCREENS.values(), ids=SCREENS)
def test_nothing_is_wider_than_the_screen(
    town: StillTown, open_page: Open, size: tuple[int, int]
) -> None:
    cells = [{"type": "raw_text", "text": f"column {number}"} for number in range(12)]
    town.say_to_web(
        {"text": LONG, "command": f"/purge {LONG}"},
        {
            "blocks": [
                {
                    "type": "section",
                    "fields": [mrkdwn(f"`{LONG}`"), mrkdwn(f"<https://a.example/{LONG}>")],
                }
            ]
        },
        {"blocks": [{"type": "table", "rows": [cells, cells]}]},
    )
    page = open_page(guide=True, viewport={"width": size[0], "height": size[1]})

    expect(page.get_by_role("log")).to_contain_text("column 11")
    assert too_wide(page) == []


@pytest.mark.parametrize(
    ("screen", "drawer"),
    [("phone", "Places and people"), ("phone", "Backstage"), ("tablet", "Backstage")],
)
def test_what_does_not_fit_waits_in_a_drawer(open_page: Open, screen: str, drawer: str) -> None:
    width, height = SCREENS[screen]
    page = open_page(viewport={"width": width, "height": height})
    opener = page.get_by_role("button", name=drawer)
    opener.click()
    expect(page.get_by_role("dialog", name=drawer)).to_be_visible()
    assert too_wide(page) == []

    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(opener).to_be_focused()


def test_choosing_a_place_closes_the_drawer(open_page: Open) -> None:
    page = open_page(viewport={"width": 390, "height": 844})
    page.get_by_role("button", name="Places and people").click()
    page.get_by_role("dialog").get_by_role("button", name="random").click()

    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("heading", name="random")).to_be_visible()


def is_dark(page: Page) -> bool:
    paper, ink = page.evaluate(
        """() => {
          const {backgroundColor, color} = getComputedStyle(document.querySelector("main"));
          const light = (text) => text.match(/[0-9.]+/g).slice(0, 3).reduce((sum, part) => sum + Number(part), 0);
          return [light(backgroundColor), light(color)];
        }"""
    )
    return bool(paper < ink)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_follows_the_system(open_page: Open, scheme: str) -> None:
    assert is_dark(open_page(color_scheme=scheme)) == (scheme == "dark")


def test_a_chosen_theme_is_kept_against_the_system(open_page: Open) -> None:
    page = open_page(color_scheme="light")
    page.get_by_role("button", name="Theme: as the system").click()
    page.get_by_role("button", name="Theme: light").click()
    expect(page.get_by_role("button", name="Theme: dark")).to_be_visible()
    page.reload()
    page.get_by_role("log").wait_for()
    assert is_dark(page)


def test_the_first_picture_and_a_chosen_theme_wait_for_no_script(open_page: Open) -> None:
    page = open_page(color_scheme="light")
    page.evaluate("""localStorage["playground.theme"] = '"dark"'""")
    page.route("**/app.js", lambda route: route.fulfill(content_type="text/javascript", body=""))
    page.reload()

    expect(page.locator("html[data-theme=dark]").get_by_text("Opening the town")).to_be_visible()


CONTRAST = """() => {
  const channels = (text) => (text.match(/[0-9.]+/g) ?? []).map(Number);
  const luminance = ([r, g, b]) => [r, g, b].map((c) => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const over = (top, below) => top.slice(0, 3).map((c, i) => c * (top[3] ?? 1) + below[i] * (1 - (top[3] ?? 1)));
  const paper = (element) => {
    if (!element) return [255, 255, 255];
    const own = channels(getComputedStyle(element).backgroundColor);
    return own[3] === 0 ? paper(element.parentElement) : over(own, own[3] === undefined ? own : paper(element.parentElement));
  };
  const words = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const poor = new Set();
  while (words.nextNode()) {
    const element = words.currentNode.parentElement;
    if (!words.currentNode.data.trim() || !element.checkVisibility() || element.closest(":disabled, [aria-disabled=true], .skip, .hidden")) continue;
    const [ink, back] = [over(channels(getComputedStyle(element).color), paper(element)), paper(element)].map(luminance);
    const ratio = (Math.max(ink, back) + 0.05) / (Math.min(ink, back) + 0.05);
    if (ratio < 4.5) poor.add(`${ratio.toFixed(2)} ${element.outerHTML.slice(0, 120)}`);
  }
  return [...poor];
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_word_is_told_from_its_ground(town: StillTown, open_page: Open, scheme: str) -> None:
    levels = ["default", "info", "success", "warning", "error"]
    town.say_to_web(
        {
            "blocks": [
                {"type": "alert", "level": level, "text": mrkdwn("*a* `b` <@U0SAM>")}
                for level in levels
            ]
        }
    )
    town.cdn["faults"] = [{"kind": "lose_answer", "code": "", "times": 1}]
    page = open_page(guide=True, color_scheme=scheme)
    expect(page.get_by_role("list", name="Broken now")).to_be_visible()

    assert page.evaluate(CONTRAST) == []

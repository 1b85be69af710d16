"""Takes the README's pictures.

make picture

docs/card.png    one card, from waiting to complete
docs/demo.png    the page of the demo, backstage too
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

from bot.demo.town import Town, town
from bot.telemetry.logs import set_up_logs
from tests.browser.hands import Mouse
from tests.browser.seeing import ARGUMENTS, CHROMIUM, Browser, Page, expect, sync_playwright

DOCS = Path(__file__).parents[2] / "docs"
MORNING_S = 9.7 * 3600
PLAIN = "/purge www.example.com homepage"
FORCED = '/purge www.example.com sale,prices --force --reason "Old prices are still shown"'
CARD_WIDTH = 560
STEPS = (
    "Ana asks for a forced purge. It waits for somebody else:",
    "Sam presses Approve. The same card follows the task to its end:",
)


def opened(place: Town, browser: Browser, width: int = 1280) -> Page:
    """Open the page as Ana, in a morning, so that two pictures differ only where the page does."""
    place.waits(settle=False, seconds=(MORNING_S - place.now().timestamp()) % 86_400)
    page = browser.new_page(
        viewport={"width": width, "height": 800},
        color_scheme="light",
        timezone_id="UTC",
        device_scale_factor=1 if width > 1000 else 2,
    )
    page.add_init_script("""localStorage["playground.tour"] = '{"done":[],"dismissed":true}'""")
    page.goto(f"{place.urls['page']}/#U0ANA/C0WEB")
    return page


def asked(place: Town, page: Page) -> None:
    """Live the story up to the waiting card, as Sam sees it."""
    ana_then_sam = Mouse(page)
    ana_then_sam.types(FORCED)
    expect(page.get_by_role("log")).to_contain_text("waits for approval")
    ana_then_sam.becomes("Sam Reed")
    expect(page.get_by_role("button", name="Approve")).to_be_in_viewport(ratio=1)
    page.mouse.move(0, 0)


def whole_page(place: Town, browser: Browser) -> bytes:
    """Give what Sam sees of the demo as a PNG."""
    page = opened(place, browser)
    Mouse(page).types(PLAIN)
    expect(page.get_by_role("log")).to_contain_text("Purge sent")
    place.waits(settle=False, minutes=2)
    expect(page.get_by_role("complementary")).to_contain_text("Complete")
    asked(place, page)
    return page.screenshot(animations="disabled")


def one_card(place: Town, browser: Browser) -> bytes:
    """Give the card as it waits and, below it, as it is complete."""
    page = opened(place, browser, CARD_WIDTH)
    shots = list(_states_of_the_card(place, page))
    sheet = browser.new_page(
        viewport={"width": CARD_WIDTH + 24, "height": 100}, device_scale_factor=2
    )
    rows = "".join(
        f"<p>{told}</p><img width={CARD_WIDTH} src='data:image/png;base64,{b64encode(shot).decode()}'>"
        for told, shot in zip(STEPS, shots, strict=True)
    )
    style = "body{margin:12px;font:600 15px sans-serif;color:#333}p{margin:8px 0}"
    sheet.set_content(
        f"<style>{style} img{{border:1px solid #ddd;border-radius:8px}}</style>{rows}"
    )
    return sheet.screenshot(full_page=True)


def _states_of_the_card(place: Town, page: Page) -> Iterator[bytes]:
    asked(place, page)
    card = page.get_by_role("article").filter(has_text="sale").last
    yield card.screenshot(animations="disabled")
    page.get_by_role("button", name="Approve").click()
    page.get_by_role("dialog").get_by_role("button", name="Approve").click()
    expect(card).to_contain_text("Approved by @Sam Reed")
    expect(card).to_contain_text("Task")
    place.waits(settle=False, minutes=2)
    expect(card).to_contain_text(re.compile("complete", re.IGNORECASE))
    page.mouse.move(0, 0)
    yield card.screenshot(animations="disabled")


def main() -> None:
    set_up_logs("ERROR")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        for name, take in (("card.png", one_card), ("demo.png", whole_page)):
            with town() as place:
                assert place.bot is not None
                place.bot.worker.start()
                (DOCS / name).write_bytes(take(place, browser))
            print(f"{DOCS / name}: {(DOCS / name).stat().st_size // 1000} kB")
        browser.close()


if __name__ == "__main__":
    main()

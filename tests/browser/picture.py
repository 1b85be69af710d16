"""Takes the README's picture, docs/demo.png: Ana's forced purge waits, and Sam may decide.

make picture
"""

from __future__ import annotations

from pathlib import Path

from bot.demo.town import Town, town
from bot.telemetry.logs import set_up_logs
from tests.browser.hands import Mouse
from tests.browser.seeing import ARGUMENTS, CHROMIUM, Browser, expect, sync_playwright

PICTURE = Path(__file__).parents[2] / "docs" / "demo.png"
MORNING_S = 9.7 * 3600
PLAIN = "/purge www.example.com homepage"
FORCED = '/purge www.example.com sale,prices --force --reason "Old prices are still shown"'


def take(place: Town, browser: Browser) -> bytes:
    """Live the story up to the waiting card, and give what Sam sees as a PNG."""
    # A morning in UTC, so that two pictures differ only where the page does.
    place.waits(settle=False, seconds=(MORNING_S - place.now().timestamp()) % 86_400)
    page = browser.new_page(
        viewport={"width": 1280, "height": 800}, color_scheme="light", timezone_id="UTC"
    )
    page.add_init_script("""localStorage["playground.tour"] = '{"done":[],"dismissed":true}'""")
    page.goto(f"{place.urls['page']}/#U0ANA/C0WEB")
    ana_then_sam = Mouse(page)
    ana_then_sam.types(PLAIN)
    expect(page.get_by_role("log")).to_contain_text("Purge submitted")
    place.waits(settle=False, minutes=2)
    expect(page.get_by_role("complementary")).to_contain_text("Complete")
    ana_then_sam.types(FORCED)
    expect(page.get_by_role("log")).to_contain_text("waits for approval")
    ana_then_sam.becomes("Sam Reed")
    expect(page.get_by_role("button", name="Approve")).to_be_in_viewport(ratio=1)
    page.mouse.move(0, 0)
    return page.screenshot(animations="disabled")


def main() -> None:
    set_up_logs("ERROR")
    with town() as place, sync_playwright() as playwright:
        assert place.bot is not None
        place.bot.worker.start()
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        PICTURE.write_bytes(take(place, browser))
        browser.close()
    print(f"{PICTURE}: {PICTURE.stat().st_size // 1000} kB")


if __name__ == "__main__":
    main()

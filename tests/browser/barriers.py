"""What would keep somebody from using the page, as axe-core finds it on every screen."""

from __future__ import annotations

from itertools import product
from typing import Literal

from tests.browser.seeing import Axe, Page

WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
SCREENS = {"phone": (390, 844), "wide": (1440, 900)}
SCHEMES: tuple[Literal["dark", "light"], ...] = ("dark", "light")


def barriers(page: Page) -> list[str]:
    """Give what breaks WCAG 2 at levels A and AA, on a phone and wide, dark and light.

    The page is left wide and light, as it was.
    """
    found = []
    for (screen, (width, height)), scheme in product(SCREENS.items(), SCHEMES):
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=scheme)
        page.locator(f"[data-layout={screen}]").wait_for()
        seen = Axe().run(page, options={"runOnly": WCAG, "resultTypes": ["violations"]})
        found += [
            f"{screen}, {scheme}: {rule['help']}: {node['html']}"
            for rule in seen.response["violations"]
            for node in rule["nodes"]
        ]
    return found

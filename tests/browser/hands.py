"""The two ways to use the page: with a mouse, and by keys alone.

hand = hands(page)
hand.types("/purge www.example.com hero")
hand.presses(page.get_by_role("button", name="Approve"))
hand.becomes("Sam Reed")
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Protocol

from tests.browser.seeing import Locator, Page, expect

STEPS_MOST = 200


class Hand(Protocol):
    def types(self, text: str) -> None:
        """Write into the message box and send it."""

    def presses(self, button: Locator) -> None: ...

    def becomes(self, person: str) -> None:
        """Speak as somebody else in the same window."""


Hands = Callable[[Page], Hand]


def message_box(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Message ")


def speaking_as(page: Page, person: str = "") -> Locator:
    return page.get_by_role("button", name=re.compile(f"Speaking as .*{person}"))


class Mouse:
    def __init__(self, page: Page) -> None:
        self._page = page

    def types(self, text: str) -> None:
        message_box(self._page).click()
        message_box(self._page).fill(text)
        self.presses(self._page.get_by_role("button", name="Send"))

    def presses(self, button: Locator) -> None:
        button.click()

    def becomes(self, person: str) -> None:
        self.presses(speaking_as(self._page))
        self.presses(self._page.get_by_role("menuitemradio", name=person))
        expect(speaking_as(self._page, person)).to_be_visible()


class Keys:
    """Tab, arrows and Enter: whatever they cannot reach is out of reach."""

    def __init__(self, page: Page) -> None:
        self._page = page

    def types(self, text: str) -> None:
        self.presses(self._page.get_by_role("link", name="Skip to the message box"))
        expect(message_box(self._page)).to_be_focused()
        self._page.keyboard.type(text)
        self._page.keyboard.press("Enter")

    def presses(self, button: Locator) -> None:
        self._goes_to(button, by="Tab")
        self._page.keyboard.press("Enter")

    def becomes(self, person: str) -> None:
        self.presses(speaking_as(self._page))
        self._goes_to(self._page.get_by_role("menuitemradio", name=person), by="ArrowDown")
        self._page.keyboard.press("Enter")
        expect(speaking_as(self._page, person)).to_be_focused()

    def _goes_to(self, wanted: Locator, *, by: str) -> None:
        for _ in range(STEPS_MOST):
            if wanted.evaluate("(element) => element === document.activeElement"):
                return
            self._page.keyboard.press(by)
        raise AssertionError(f"{by} never leads to {wanted}")

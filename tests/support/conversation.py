"""People who talk to the bot, one after the other; after each the bot does all that is due.

    card = ana.purges("www.example.com hero --force")
    sam.approves(card)

`ana`, `sam`, `kim`, `ada` and `leo` are fixtures, of the town that is the fixture `place`; in another
town it is `Person(place, "U0ANA")`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bot.demo.town import Town
from tests.support.messages import APPROVE, cards, whispers


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody by their Slack ID, in the channel where they type and press."""

    place: Town
    id: str
    channel: str = "C0WEB"

    def at(self, channel: str) -> Person:
        """Give the same person in another channel."""
        return Person(self.place, self.id, channel)

    def types(self, text: str) -> None:
        """Send a line as it stands, `/purge www.example.com hero`, whatever comes of it."""
        self.place.says(self.id, text, self.channel)
        self.place.settle()

    def purges(self, words: str) -> dict[str, Any]:
        """Type `/purge` with these words, and give the card that the channel sees.

        Raises: AssertionError where that is not one card, and a new one.
        """
        before = [card["ts"] for card in self._cards()]
        self.types(f"/purge {words}")
        new = [card for card in self._cards() if card["ts"] not in before]
        assert len(new) == 1, f"/purge {words} brought {len(new)} cards"
        return new[0]

    def asks(self, question: str) -> str:
        """Type `/purge` with a question, and give the words of the answer that they alone see.

        Raises: AssertionError where there is none, or none that is new.
        """
        before = len(whispers(self.place, self.id, self.channel))
        self.types(f"/purge {question}")
        new = whispers(self.place, self.id, self.channel)[before:]
        assert new, f"/purge {question} was not answered"
        return new[-1]

    def presses(self, action_id: str, card: dict[str, Any] | None = None) -> None:
        """Press a button of a card, of the newest one unless another is given."""
        pressed = self._cards()[-1] if card is None else card
        self.place.presses(self.id, action_id, pressed, self.channel)
        self.place.settle()

    def approves(self, card: dict[str, Any] | None = None) -> None:
        """Press Approve, likewise."""
        self.presses(APPROVE, card)

    def _cards(self) -> list[dict[str, Any]]:
        return cards(self.place, self.id, self.channel)

"""A message as Slack takes it: Block Kit blocks, and the plain text that stands for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Block = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Message:
    """Blocks, and the text that screen readers and notifications read instead of them.

    `instead` are plainer blocks, for a Slack that does not take the first ones.  `plain` is what an
    error says where Slack takes plain text alone, below a field.
    """

    text: str
    blocks: tuple[Block, ...]
    instead: tuple[Block, ...] = ()
    plain: str = ""

    @property
    def body(self) -> dict[str, Any]:
        """The message as arguments of Slack's methods."""
        return {"text": self.text, "blocks": list(self.blocks)}

    @property
    def forms(self) -> tuple[Message, ...]:
        """The message in the ways in which it can be said, the best first."""
        return (self, Message(self.text, self.instead)) if self.instead else (self,)

"""A message in Slack's form: Block Kit blocks, and plain text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Block = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Message:
    """Blocks, and the text that screen readers and notifications use.

    `plain` is the text of an error for places where Slack accepts only plain text, below a field.
    """

    text: str
    blocks: tuple[Block, ...]
    plain: str = ""

    @property
    def body(self) -> dict[str, Any]:
        """The message as arguments of Slack's methods."""
        return {"text": self.text, "blocks": list(self.blocks)}

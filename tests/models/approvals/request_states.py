"""How the requests of a town stand: what the database says, and what their cards say of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from bot.demo.town import Town
from bot.store.schema import mapping as rows
from bot.store.schema import tables
from tests.support.messages import buttons, cards, words

ENDS = {"refused", "denied", "expired", "cancelled", "submitted", "failed", "unknown"}
AT_THE_CDN = {"submitted", "failed", "unknown"}
_TITLES = {
    "waiting": "waits for approval",
    "denied": "denied: nothing was purged",
    "expired": "expired: nobody decided",
    "expired, approved by some": "expired: ",
    "cancelled": "cancelled: nothing was purged",
    "cancelled, approved by some": "stopped: nothing was purged",
    "submitted": "sent: the CDN has taken it",
    "failed": "failed: nothing was purged",
    "unknown": "outcome unknown",
}


@dataclass(frozen=True)
class RequestState:
    """One request.  `card` is None where its requester was answered at once, or is not yet known."""

    purge_id: str
    state: str
    approvals: tuple[str, ...]
    undoable: bool
    card: dict[str, Any] | None = field(repr=False)

    @property
    def buttons(self) -> list[str]:
        return buttons(self.card) if self.card else []

    def untrue(self) -> str | None:
        """Give what its card says that is not so; None if it tells the truth."""
        if self.card is None:
            return None if self.state in {"refused", "requested"} else "it has no card"
        expected = {
            "waiting": ["Approve", "Deny", "Cancel (requester only)"],
            "ready": ["Stop it"] if self.undoable else [],
            "unknown": ["Purge again", "Leave it"],
        }.get(self.state, [])
        if self.buttons != expected:
            return f"it is {self.state}, and its card has the buttons {self.buttons}"
        title = words(self.card)
        by_some = f"{self.state}, approved by some" if self.approvals else ""
        promised = _TITLES.get(by_some, _TITLES.get(self.state, ""))
        return None if promised in title else f"it is {self.state}: {title}"


def request_states(place: Town) -> dict[str, RequestState]:
    """Give how every request stands, by its tag."""
    assert place.bot is not None, "the bot is up"
    shown = {card["metadata"]["event_payload"]["purge_id"]: card for card in cards(place, "U0BOT")}
    purges = map(rows.row_to_purge, place.bot.store.read(select(tables.purges)))
    return {
        purge.tags[0]: RequestState(
            purge.id,
            purge.state.value,
            tuple(given.user_id for given in purge.approvals),
            purge.send_at is not None,
            shown.get(purge.id),
        )
        for purge in purges
    }

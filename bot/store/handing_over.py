"""What of a decision this process goes on with itself, and what else of it is due (`HandingOver`)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from bot.core.decisions.transition import Transition
from bot.core.interaction import Interaction
from bot.core.purge.purge import Event, Purge, State
from bot.store.change import Change, NewInteraction
from bot.store.queue.handover import Handover
from bot.store.queue.owner import LEASE, Claimed
from bot.store.schema.tables import NO_LEASE

FIRST_SHOWN = frozenset({Event.ACCEPT, Event.REJECT, Event.LOSE, Event.HOLD, Event.OFFER})
"""What the CDN's answer comes to: the card of a plain purge has waited for it."""


class HandingOver:
    """One decision as it is saved: what this process goes on with itself, and what else is due.

    Of each decision at most one row is handed over.
    """

    def __init__(self, handover: Handover, changes: Sequence[Change]) -> None:
        self._handover = handover
        self._change = next((each for each in changes if _goes_on(each)), None)
        self._room = handover.reserve() if self._change is not None else None
        self.begin()

    def begin(self) -> None:
        """Begin a transaction; it may be tried several times."""
        self.step: Claimed | None = None
        """What is handed over when it is committed."""
        self.due: list[datetime] = []
        """When something else is due that it saves."""
        self.allowed = True
        """Whether the rate of its kind of work lets it be handed over."""

    def hands_over(self, change: Change) -> bool:
        """Return whether what comes of this change is handed over."""
        return change is self._change and self._room is not None

    def lease_from(self, at: datetime) -> dict[str, Any]:
        """Return the columns of a lease that begins at a moment."""
        assert self._room is not None, "it is handed over"
        return {"lease_until": at + LEASE, "lease_holder": self._room.holder}

    def lease(self, change: Change, value: Purge | Interaction, due_at: datetime) -> dict[str, Any]:
        """Return the columns of the lease of what is due next: nobody's, unless it is handed over."""
        if self.hands_over(change) and self.allowed and _is_due_at_once(value):
            self.step = Claimed(value, 0, due_at)
            return self.lease_from(due_at)
        self.due.append(due_at)
        return NO_LEASE

    def done(self, *, saved: bool) -> None:
        """Hand the row over, or give the room back; tell what else is due."""
        if self._room is not None:
            self._room.use(self.step if saved else None)
        if saved and self.due:
            self._handover.due(min(self.due))


def _goes_on(change: Change) -> bool:
    """Return whether there may be something to do for it at once: answer, decide, send, or show."""
    match change:
        case NewInteraction(due_at=due_at):
            return due_at is not None
        case Transition(purge=purge, event=event):
            is_next = change.is_new or change.reschedules
            return is_next and (event in FIRST_SHOWN or _is_due_at_once(purge))
    return False


def _is_due_at_once(value: Purge | Interaction) -> bool:
    match value:
        case Purge(state=State.REQUESTED):
            return True
        case Purge(state=State.READY, send_at=None):
            return True
        case Purge():
            return False
    return True

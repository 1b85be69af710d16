"""Hand over a row of a decision to this process's worker as it is saved (`HandingOver`)."""

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
"""The events that follow the CDN's answer.  The first card of a plain purge is posted after it."""


class HandingOver:
    """The rows of one decision that become due: the row that is handed over, and the due times.

    At most one row of a decision is handed over to this process's worker.  Of the other rows the
    worker is told the earliest due time.
    """

    def __init__(self, handover: Handover, changes: Sequence[Change]) -> None:
        self._handover = handover
        self._change = next((each for each in changes if _goes_on(each)), None)
        self._room = handover.reserve() if self._change is not None else None
        self.begin()

    def begin(self) -> None:
        """Reset the state at the start of a transaction, which may be retried."""
        self.step: Claimed | None = None
        """The step to hand over after the commit."""
        self.due: list[datetime] = []
        """The due times of the other rows that the transaction saves."""
        self.allowed = True
        """Whether the rate limit of its kind of work permits the hand-over."""

    def hands_over(self, change: Change) -> bool:
        """Return whether a row of this change can be handed over: it was chosen and has a room."""
        return change is self._change and self._room is not None

    def lease_from(self, at: datetime) -> dict[str, Any]:
        """Return the columns of a lease of LEASE that begins at `at`."""
        assert self._room is not None, "it is handed over"
        return {"lease_until": at + LEASE, "lease_holder": self._room.holder}

    def lease(self, change: Change, value: Purge | Interaction, due_at: datetime) -> dict[str, Any]:
        """Return the lease columns of a row: a lease if it is handed over, else NO_LEASE.

        `value` is the row's new value, due at `due_at`.
        """
        if self.hands_over(change) and self.allowed and _is_due_at_once(value):
            self.step = Claimed(value, 0, due_at)
            return self.lease_from(due_at)
        self.due.append(due_at)
        return NO_LEASE

    def done(self, *, saved: bool) -> None:
        """End the hand-over: pass on the step if it was saved, else release the room.

        If it was saved, also tell the worker the earliest due time of the other rows.
        """
        if self._room is not None:
            self._room.use(self.step if saved else None)
        if saved and self.due:
            self._handover.due(min(self.due))


def _goes_on(change: Change) -> bool:
    """Return whether the change may have a step that is due at once: answer, decide, send or post."""
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

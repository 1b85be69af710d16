"""One decision, one transaction: the change that leads to a purge's next state, and its saving.

What is told is told here: a purge's card is due whenever it changes, and its requester is told
once how it went.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from bot.core import rulings
from bot.core.purge import Event, Purge, State
from bot.core.records import entry_of, note_of
from bot.core.watching import next_look_at, next_search_at
from bot.policy_file import PolicySource
from bot.store.store import Change, Store

log = structlog.get_logger("purgebot.workflow")

CARD_GRACE = timedelta(milliseconds=400)
"""How long a card waits for the CDN's answer, so that the channel sees the task ID at once, and not
after an edit more."""
FOLLOW_EVERY = timedelta(minutes=1)
"""How often a purge that was joined to another looks at it; its end wakes it at once."""


class Decisions:
    """What the workflow and the submission share; `wake` tells the worker that something is due."""

    def __init__(self, store: Store, policy: PolicySource, now: Callable[[], datetime]) -> None:
        self.store = store
        self.policy = policy
        self.now = now
        self.wake: Callable[[], None] = lambda: None

    def change(
        self, purge: Purge, event: Event, now: datetime, holder: str | None = None
    ) -> Change:
        """Give the change that leads to `purge`: when it is due again, its audit row, and the note
        for the requester if that is how it went.
        """
        told = purge.told_at is None and rulings.tells(purge, event)
        if told:
            purge = replace(purge, told_at=now)
        patient = purge.state is State.READY and purge.send_at is None
        return Change(
            purge=purge,
            due_at=due_at(purge, event, now),
            holder=holder,
            audit=(entry_of(purge, event.value, now),),
            posts=(note_of(purge, rulings.OUTCOME, now),) if told else (),
            posts_due_at=now + CARD_GRACE if patient else now,
            wakes_followers=purge.settled or event is Event.SILENT,
        )

    def save(self, change: Change) -> bool:
        """Save a step of the worker; False when its lease was lost or somebody was first."""
        assert change.purge is not None, "a step is one of a purge"
        saved = self.store.commit(change)
        if saved:
            self.tell(change.purge)
        else:
            log.warning("step-lost", purge=change.purge.id, state=change.purge.state.value)
        return saved

    def tell(self, purge: Purge) -> None:
        log.info(
            "purge",
            state=purge.state.value,
            purge=purge.id,
            domain=purge.domain,
            force=purge.force,
            user=purge.user_id,
            task_id=purge.task_id,
            request_id=purge.request_id,
            error=purge.failure.code if purge.failure else None,
        )
        self.wake()


def due_at(purge: Purge, event: Event, now: datetime) -> datetime | None:
    """Give when there is something to do for a purge that has just come to its state."""
    match purge.state:
        case State.READY:
            return purge.send_at or now
        case State.WAITING:
            return purge.remind_at or purge.expires_at
        case State.HELD | State.OFFERED:
            return purge.held_until
        case State.JOINED:
            return now + FOLLOW_EVERY
        case State.SUBMITTED | State.RUNNING:
            return next_look_at(purge, now)
        case State.UNKNOWN if event is Event.LOSE and purge.joined_to is None and purge.sent_at:
            return next_search_at(purge, now)
        case State.COMPLETE if event is Event.FINISH and purge.evidence:
            return now
        case _:
            return None

"""Take over what a store hands over, in place of a worker, and requests to hand over."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from bot.core.decisions.transition import Transition, requested, transition
from bot.core.purge.purge import Event
from bot.store.queue.handover import Room
from bot.store.queue.owner import Claimed
from tests.support.builders import NOW, a_purge


@dataclass
class Taker:
    """Whoever takes steps over, for as many as there is room for; and what it was told of."""

    room: int = 9
    given: list[Claimed] = field(default_factory=list)
    told: list[datetime] = field(default_factory=list)

    def reserve(self) -> Room | None:
        if self.room == 0:
            return None
        self.room -= 1
        return Room("us", self._use)

    def _use(self, step: Claimed | None) -> None:
        if step is None:
            self.room += 1
        else:
            self.given.append(step)

    def due(self, at: datetime) -> None:
        self.told.append(at)


def ready(purge_id: str = "P1") -> Transition:
    """Give a plain purge that was allowed, as it is written down."""
    purge = a_purge(id=purge_id, trigger_id=f"t-{purge_id}", force=False)
    return requested(purge, "https://hooks.slack.com/1", transition(purge, Event.ALLOW, NOW))

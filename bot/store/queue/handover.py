"""The hand-over of rows to the worker of this process: leased when saved, passed on in memory.

Without it, a row that is due when it is saved would be claimed a moment later, in a transaction of
its own.  If the worker has room, `Store.apply` leases the row to it in the same transaction, and
hands the row over after the commit.  If the process dies in between, the lease expires.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.store.queue.owner import Claimed


@dataclass(frozen=True, slots=True)
class Room:
    """A reservation of the worker for one step.

    `holder` is the lease holder to save.  `use` must be called exactly once: with the step after
    its lease was committed, or with None to release the reservation.
    """

    holder: str
    use: Callable[[Claimed | None], None]


class Handover(Protocol):
    """The worker of this process, as the store uses it."""

    def reserve(self) -> Room | None:
        """Reserve room for one step.

        Return None if there is no room, or if older rows wait to be claimed.  Then the row has to
        be claimed like any other.
        """

    def due(self, at: datetime) -> None:
        """Take note that a row without a lease is due at `at`."""


class NoHandover:
    """The hand-over of a store without a worker: every row has to be claimed."""

    def reserve(self) -> Room | None:
        return None

    def due(self, at: datetime) -> None:
        pass

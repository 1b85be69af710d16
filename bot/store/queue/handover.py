"""Rows that this process has work for at once: leased as they are saved, and passed on in memory.

A row that is due when it is saved would be claimed a moment later, in a transaction of its own.
Where the worker of this process has room, `Store.apply` gives it the lease in the same transaction,
and hands the row over when that is committed.  If the process dies in between, the lease runs out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.store.queue.owner import Claimed


@dataclass(frozen=True, slots=True)
class Room:
    """Room for one step: the name under which its row is leased, and what takes the step.

    `use` is called once, when the lease is committed, or with None where it is not needed after all.
    """

    holder: str
    use: Callable[[Claimed | None], None]


class Handover(Protocol):
    """Takes steps over for this process."""

    def reserve(self) -> Room | None:
        """Return room for one step.

        None: there is no room, or others have waited for longer; the row has to be claimed.
        """

    def due(self, at: datetime) -> None:
        """Take notice that a row which nobody works on is due at a moment."""


class NoHandover:
    """For a store without a worker: everything has to be claimed."""

    def reserve(self) -> Room | None:
        return None

    def due(self, at: datetime) -> None:
        pass

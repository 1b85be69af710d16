"""Who holds leases and on what, and whether they can still be its own."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.core.interaction import Interaction
from bot.core.message import Post
from bot.core.purge.purge import Purge
from bot.core.purge.tracking import PolledPurge
from bot.store.database.clock import steady_s

LEASE = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A row that this worker holds: what it is, how often a step on it has failed, and since when
    it was due.

    `shows`: the row is a post that was never tried before, the row says already that it is being
    tried, and this is the purge to show.
    """

    value: Purge | Interaction | Post
    attempts: int
    due_at: datetime
    shows: Purge | None = None


@dataclass(frozen=True, slots=True)
class PollBatch:
    """Purges at work at the CDN, which is asked about them a few in a question."""

    purges: tuple[PolledPurge, ...]


class LeaseOwner:
    """Whoever holds leases: one process, and when it last renewed them."""

    def __init__(self, clock: Callable[[], float] = steady_s) -> None:
        self.name = f"{socket.gethostname()[:32]}-{os.getpid()}-{secrets.token_hex(4)}"
        self._clock = clock
        self._renewed = clock()
        self._lapses = 0

    def renewed(self) -> None:
        self._lapses += not self.is_fresh
        self._renewed = self._clock()

    def still_alive(self) -> Callable[[], bool]:
        """Give what tells whether leases of now can still be its own.

        A process may be paused without knowing it, and renew what it has left before it goes on.
        """
        lapses = self._lapses
        return lambda: self.is_fresh and self._lapses == lapses

    @property
    def age_s(self) -> float:
        """How long ago its leases were last renewed, in seconds."""
        return self._clock() - self._renewed

    @property
    def is_fresh(self) -> bool:
        """Whether they can still be its own."""
        return self.age_s <= LEASE.total_seconds() / 2

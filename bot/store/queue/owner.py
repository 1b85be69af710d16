"""The owner of leases, and the steps that are done under them."""

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
from bot.store.clock import steady_s

LEASE = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A row whose lease this worker holds.

    `attempts` is the number of failed steps so far.  `due_at` is since when the row was due.
    `shows` is set for a card that was handed over: the purge to show.  Posting that card was never
    tried before, and its row in the database has `trying_since` set already.
    """

    value: Purge | Interaction | Post
    attempts: int
    due_at: datetime
    shows: Purge | None = None


@dataclass(frozen=True, slots=True)
class PollBatch:
    """Purges in progress at the CDN, to be polled together.  They have no leases."""

    purges: tuple[PolledPurge, ...]


class LeaseOwner:
    """One process as the holder of leases, and when it last renewed them."""

    def __init__(self, clock: Callable[[], float] = steady_s) -> None:
        self.name = f"{socket.gethostname()[:32]}-{os.getpid()}-{secrets.token_hex(4)}"
        self._clock = clock
        self._renewed = clock()
        self._lapses = 0

    def renewed(self) -> None:
        self._lapses += not self.is_fresh
        self._renewed = self._clock()

    def still_alive(self) -> Callable[[], bool]:
        """Return a function that returns whether leases held now can still be valid.

        It checks for an interruption since the call, too: a process may be paused without noticing,
        and renew its leases before the step goes on.
        """
        lapses = self._lapses
        return lambda: self.is_fresh and self._lapses == lapses

    @property
    def age_s(self) -> float:
        """The time since the leases were last renewed, in seconds."""
        return self._clock() - self._renewed

    @property
    def is_fresh(self) -> bool:
        """Whether the leases can still be valid: they were renewed within half of LEASE."""
        return self.age_s <= LEASE.total_seconds() / 2

"""The log of a database that is away: one line when it begins, and one when it is over."""

from __future__ import annotations

import threading
import time

import structlog

from bot.core.errors import ErrorInfo

log = structlog.get_logger("purgebot.store")


class Outage:
    """Whether the database failed to read or write, and has not been seen to write since.

    Thread-safe.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._since: float | None = None

    @property
    def goes_on(self) -> bool:
        return self._since is not None

    def begins(self, info: ErrorInfo) -> None:
        """Log why the database is away, unless that is known."""
        with self._lock:
            if self._since is not None:
                return
            self._since = time.monotonic()
        log.error("store-away", reason=info.code, **info.facts)

    def is_over(self) -> None:
        """Log that the database is back."""
        with self._lock:
            since, self._since = self._since, None
        if since is not None:
            log.info("store-back", away_s=round(time.monotonic() - since, 1))

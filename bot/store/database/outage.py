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
        self._code = ""

    @property
    def goes_on(self) -> bool:
        return self._since is not None

    @property
    def reason(self) -> str | None:
        """The code of why the database is away, and for how long; None if it is not."""
        since = self._since
        return None if since is None else f"{self._code}, for {time.monotonic() - since:.0f} s"

    def begins(self, info: ErrorInfo) -> None:
        """Log why the database is away, unless that is known."""
        with self._lock:
            if self._since is not None:
                return
            self._since, self._code = time.monotonic(), info.code
        log.error("store-away", reason=info.code, **info.facts)

    def is_over(self) -> None:
        """Log that the database is back."""
        with self._lock:
            since, self._since = self._since, None
        if since is not None:
            log.info("store-back", away_s=round(time.monotonic() - since, 1))

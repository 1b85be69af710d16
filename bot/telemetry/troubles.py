"""Troubles that last: one line in the log for each, not one for each purge or message.

    slack-limits   Slack answers 429: cards, answers and lookups are late
    slack-away     Slack does not answer, or answers with a fault of its own
    cdn-sends      the CDN does not take purges: they are held, offered, failed or unknown
    cdn-polls      the CDN does not say how far its tasks are: cards show no progress
    held-back      this process was not sure that a purge was still its own, so it did not send it

A line (`warning`) has the cause, since when, how often, and what is affected.  It is repeated while the
trouble lasts, at most every REPEAT; its end is a line, too (`trouble-over`).  /readyz and the metrics
have the same.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

log = structlog.get_logger("purgebot.trouble")

SLACK_LIMITS, SLACK_AWAY, CDN_SENDS, CDN_POLLS, HELD_BACK = (
    "slack-limits",
    "slack-away",
    "cdn-sends",
    "cdn-polls",
    "held-back",
)
AFFECTS = {
    SLACK_LIMITS: "cards, answers and lookups are late",
    SLACK_AWAY: "cards and answers are late, and nobody's rights can be looked up",
    CDN_SENDS: "purges are held, offered, failed or of unknown outcome",
    CDN_POLLS: "cards show no progress",
    HELD_BACK: "purges are sent later, by whoever has their lease",
}
REPEAT = timedelta(minutes=1)
FORGOTTEN_AFTER = timedelta(minutes=10)
"""A trouble that was not met for so long is not told of any more."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """One trouble, as it stands.  `cause` is a code; `of` is the last purge or method it hit."""

    name: str
    cause: str
    since: datetime
    last: datetime
    times: int = 1
    of: str | None = None

    def __str__(self) -> str:
        """Return it as a sentence for /readyz."""
        often = "once" if self.times == 1 else f"{self.times} times"
        return (
            f"{self.cause} since {self.since:%Y-%m-%dT%H:%M:%SZ}, {often}, the last time at "
            f"{self.last:%H:%M:%SZ} ({self.of}): {AFFECTS[self.name]}"
        )


class Troubles:
    """The troubles of one bot.  `now` is its clock.  Threads may share it."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._known: dict[str, Trouble] = {}
        self._logged: dict[tuple[str, str], datetime] = {}

    @property
    def current(self) -> tuple[Trouble, ...]:
        now = self._now()
        with self._lock:
            return tuple(each for each in self._known.values() if now - each.last < FORGOTTEN_AFTER)

    def met(self, name: str, cause: str, of: str | None, **facts: object) -> None:
        """Count a trouble, and log it, if that was not done just before."""
        now = self._now()
        with self._lock:
            known = self._known.get(name)
            met = Trouble(name, cause, now, now, of=of)
            if known is not None and known.cause == cause and now - known.last < FORGOTTEN_AFTER:
                met = replace(known, last=now, times=known.times + 1, of=of)
            self._known[name] = met
            logged = self._logged.get((name, cause))
            if logged is not None and now - logged < REPEAT:
                return
            self._logged[name, cause] = now
        log.warning(
            name,
            cause=cause,
            since=met.since.isoformat(),
            times=met.times,
            of=of,
            affects=AFFECTS[name],
            **facts,
        )

    def over(self, name: str, unless_within: timedelta = timedelta(0)) -> None:
        """Note that it went well again.  Nothing happens if it was met `unless_within` before."""
        if name not in self._known:  # as a rule; so nobody waits for the lock
            return
        now = self._now()
        with self._lock:
            ended = self._known.get(name)
            if ended is None or now - ended.last < unless_within:
                return
            del self._known[name]
        log.info(
            "trouble-over",
            trouble=name,
            cause=ended.cause,
            since=ended.since.isoformat(),
            times=ended.times,
        )

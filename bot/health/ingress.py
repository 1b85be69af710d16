"""The HTTP ingress of one bot: whether it is open, and which requests are refused, and why.

    with SLACK_SIGNING_SECRET      now      more than five minutes off
    signed                         accepted clock
    not signed                     signature
    nothing that could be signed   unsigned

Bolt checks the time first and reports "not signed" in both cases.  Here they differ: a wrong clock
of this machine (or a repeated request), or the secret of another app.

Anybody can send requests, so a refusal costs only a count: there is one log line per minute,
without any content.  Wrong signatures say something about the secret only until a request was
signed right.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from enum import StrEnum

import structlog

from bot.telemetry import metrics

log = structlog.get_logger("purgebot.door")

FRESH_FOR_S = 300
"""How long Slack's signatures are valid, in seconds:
https://docs.slack.dev/authentication/verifying-requests-from-slack/
"""
TELL_EVERY_S = 60.0


class Refusal(StrEnum):
    """Why a request was refused."""

    UNSIGNED = "unsigned"
    SIGNATURE = "signature"
    CLOCK = "clock"
    MALFORMED = "malformed"
    TOO_LARGE = "too-large"
    TOO_SLOW = "too-slow"
    NOT_FOUND = "not-found"
    METHOD = "method"
    CROWDED = "crowded"


_OF_STATUS = {
    400: Refusal.MALFORMED,
    404: Refusal.NOT_FOUND,
    405: Refusal.METHOD,
    408: Refusal.TOO_SLOW,
    413: Refusal.TOO_LARGE,
    431: Refusal.TOO_LARGE,
}
_REMEDIES = {
    Refusal.SIGNATURE: "if commands fail in Slack, check SLACK_SIGNING_SECRET: app page, Basic Information",
    Refusal.CROWDED: "more connections came than are kept; let only your load balancer connect",
    Refusal.CLOCK: "set this machine's clock, or somebody sends old requests again",
}

# A counter that appears with its first event shows no increase, so each starts at zero:
# https://prometheus.io/docs/practices/instrumentation/#avoid-missing-metrics
for _reason in Refusal:
    metrics.HTTP_REFUSED.labels(_reason.value)


class Ingress:
    """The state of the ingress.  Threads may share it.

    `secret` is Slack's signing secret.  `clock` returns seconds since 1970 of this machine's clock,
    which Bolt uses too.  `monotonic` returns seconds that never decrease.
    """

    def __init__(
        self,
        secret: str,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._secret = secret.encode()
        self._clock = clock
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self.is_open = False
        """Whether it listens and accepts connections."""
        self._untold: Counter[Refusal] = Counter()
        self._told_at: float | None = None
        self._signed_right = False
        self._signed_wrong = 0
        self._off_s: int | None = None
        """How far this clock was behind Slack's at the last signed request, if that was too far."""

    def verify(self, body: str, headers: Mapping[str, str]) -> Refusal | None:
        """Return why a request is refused, or None.  `headers` has names in lower case."""
        timestamp = headers.get("x-slack-request-timestamp", "")
        signature = headers.get("x-slack-signature", "")
        if not re.fullmatch("[0-9]{1,19}", timestamp) or not re.fullmatch("v0=[!-~]+", signature):
            return Refusal.UNSIGNED
        signed = f"v0:{timestamp}:{body}".encode()
        ours = "v0=" + hmac.new(self._secret, signed, hashlib.sha256).hexdigest()
        right = hmac.compare_digest(ours, signature)
        off_s = int(timestamp) - round(self._clock())
        with self._lock:
            if not right:
                self._signed_wrong += 1
                return Refusal.SIGNATURE
            self._signed_right = True
            self._off_s = off_s if abs(off_s) > FRESH_FOR_S else None
            return None if self._off_s is None else Refusal.CLOCK

    def refused(self, why: Refusal | int) -> None:
        """Count a refusal, by its reason or by the HTTP status for it.

        A refusal that operators can correct is logged at once; others wait for the next line.
        """
        reason = _OF_STATUS[why] if isinstance(why, int) else why
        metrics.HTTP_REFUSED.labels(reason.value).inc()
        with self._lock:
            self._untold[reason] += 1
        if reason in _REMEDIES:
            self.tell()

    def tell(self, *, last: bool = False) -> None:
        """Log the refusals since the last line if that is a minute old, or if `last`."""
        with self._lock:
            now = self._monotonic()
            recent = self._told_at is not None and now - self._told_at < TELL_EVERY_S
            if not self._untold or (recent and not last):
                return
            counts = {reason.value: count for reason, count in sorted(self._untold.items())}
            remedies = [_REMEDIES[each] for each in sorted(self._untold) if each in _REMEDIES]
            off_s = self._off_s
            self._untold.clear()
            self._told_at = now
        if remedies:
            clock = {} if off_s is None else {"clock": words_of(off_s)}
            log.warning("http-refused", **clock, counts=counts, remedy="; ".join(remedies))
        else:
            log.info("http-refused", counts=counts)

    @property
    def signatures(self) -> tuple[bool, str]:
        """Whether requests are signed correctly, and a sentence about it.

        After one correct signature, wrong ones say nothing about the secret: anybody can send them.
        """
        with self._lock:
            if self._off_s is not None:
                clock = words_of(self._off_s)
                return False, f"this machine's clock is {clock}, or old requests are sent again"
            if self._signed_right:
                return True, "requests are signed with SLACK_SIGNING_SECRET"
            if self._signed_wrong:
                text = f"none of {self._signed_wrong} requests was signed with SLACK_SIGNING_SECRET"
                return False, f"{text}: is it this app's?"
            return True, "no signed request has come yet"


def words_of(off_s: int) -> str:
    """Return how far this machine's clock is behind Slack's (ahead if negative), in words."""
    return f"{abs(off_s)} s {'behind' if off_s > 0 else 'ahead of'} Slack's"

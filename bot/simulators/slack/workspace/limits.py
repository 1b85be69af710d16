"""Slack's rate limits, as token buckets that can be tightened or switched off.

    tier        calls a minute      e.g.
    1           1                   apps.connections.open
    2           20                  usergroups.users.list
    3           50                  chat.update
    4           100                 users.info, views.open, chat.postEphemeral
    post        60 in each channel  chat.postMessage and every other way of posting
    special     600                 auth.test

Slack promises the rate and lets short bursts pass without saying how many; `burst` is that number
here, high enough by default that a person at the demo never meets it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

TIER_1, TIER_2, TIER_3, TIER_4, SPECIAL = 1, 20, 50, 100, 600
POSTS_PER_MINUTE = 60


@dataclass(slots=True)
class Limits:
    """How many calls are let through; buckets are kept per method and per channel posted to."""

    on: bool = True
    burst: int = 100
    # Calls a minute by method name, or "post"; wins over the method's tier.
    per_minute: dict[str, int] = field(default_factory=dict)
    _buckets: dict[str, tuple[float, float]] = field(default_factory=dict)

    def wait_s(self, name: str, per_minute: int, now: float, *, channel: str = "") -> int:
        """Take a token: 0, or the whole seconds after which to ask again (nothing is taken then)."""
        if not self.on:
            return 0
        bucket = f"{name} {channel}"
        rate = self.per_minute.get(name, per_minute) / 60
        tokens, since = self._buckets.get(bucket, (float(self.burst), now))
        tokens = min(float(self.burst), tokens + max(0.0, now - since) * rate)
        if tokens < 1:
            self._buckets[bucket] = (tokens, now)
            return max(1, math.ceil((1 - tokens) / rate))
        self._buckets[bucket] = (tokens - 1, now)
        return 0

    def clear(self) -> None:
        """Fill every bucket."""
        self._buckets.clear()

"""The CDN's quotas: how much the account may purge in a day, and when the day begins.

Quotas reset at 00:00 UTC+8.  The CDN reports quotas of URLs and directories, but not of tags.  It
is not documented which of them a purge by tag uses, so the bot draws no conclusion from them.

The last report is stored as {"url": [remaining, total], "dir": […], "regex": […]}.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

CDN_DAY = timezone(timedelta(hours=8))
"""The time zone in which the CDN's day begins at midnight."""


@dataclass(frozen=True, slots=True)
class LowQuota:
    """A quota with little remaining.  `name` is `url`, `dir` or `regex`."""

    name: str
    remain: int
    quota: int


def lowest(reported: Mapping[str, Sequence[int]], share: float) -> LowQuota | None:
    """Return the quota with the smallest share left, if that is below `share` (0–1), else None."""
    low = [
        LowQuota(name, remain, quota)
        for name, (remain, quota) in reported.items()
        if quota > 0 and remain / quota < share  # a quota of zero cannot run low
    ]
    return min(low, key=lambda found: found.remain / found.quota, default=None)


def day_began_at(now: datetime) -> datetime:
    """Return when the CDN's day that contains `now` began."""
    return now.astimezone(CDN_DAY).replace(hour=0, minute=0, second=0, microsecond=0)


def resets_at(now: datetime) -> datetime:
    """Return when the quotas reset next after `now`."""
    return day_began_at(now) + timedelta(days=1)

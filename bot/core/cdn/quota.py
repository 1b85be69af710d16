"""The CDN's quotas: how much the account may purge in a day, and when the day begins.

Quotas start afresh at 00:00 in UTC+8.  The CDN reports quotas of URLs and directories, and none
of tags; which of them a purge by tag uses up is not documented, so nothing is concluded from one
about the other.

What it reported last is kept as {"url": [left, in all], "dir": […], "regex": […]}.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

CDN_DAY = timezone(timedelta(hours=8))
"""Where the CDN's day begins at midnight."""


@dataclass(frozen=True, slots=True)
class LowQuota:
    """A quota of which little is left: `name` is `url`, `dir` or `regex`."""

    name: str
    remain: int
    quota: int


def lowest(reported: Mapping[str, Sequence[int]], share: float) -> LowQuota | None:
    """Give the reported quota of which the smallest share is left, if that is below `share`."""
    low = [
        LowQuota(name, remain, quota)
        for name, (remain, quota) in reported.items()
        if quota > 0 and remain / quota < share  # of nothing, nothing can be low
    ]
    return min(low, key=lambda found: found.remain / found.quota, default=None)


def day_began_at(now: datetime) -> datetime:
    """Give when the CDN's day began in which `now` lies."""
    return now.astimezone(CDN_DAY).replace(hour=0, minute=0, second=0, microsecond=0)


def resets_at(now: datetime) -> datetime:
    """Give when the quotas start afresh after `now`."""
    return day_began_at(now) + timedelta(days=1)

"""The canary: a periodic call to the CDN that changes nothing.

It finds a revoked key or a missing right before somebody needs a purge.

    due? ──► DescribeRefreshQuota ──► "quota"    the quotas that the CDN reported
                                  └─► "canary"   whether calls succeed (bot/core/cdn/health.py), saved
                                                 in one transaction with the alert if there is news

All replicas share both facts (bot/store/reads/shared_state.py).  The first replica that finds a
call due makes it.  If several replicas do so at the same time, only one saves the result and the
alert.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from bot.cdn.client import CdnClient
from bot.cdn.error_codes import CdnError
from bot.cdn.responses import QUOTA_SORTS, Quota
from bot.core.cdn.health import Health, after_look, news
from bot.core.cdn.quota import LowQuota, day_began_at, lowest
from bot.core.decisions.transition import alert_of
from bot.core.errors import ErrorInfo
from bot.core.message import Post
from bot.store.reads.shared_state import SharedState

log = structlog.get_logger("purgebot.canary")

WAKE_S = 10.0
"""The interval at which a replica checks whether a call is due, in seconds."""
HEALTH = "canary"
QUOTA = "quota"
QUESTION = "DescribeRefreshQuota"


@dataclass(frozen=True, slots=True)
class Canary:
    """Calls the CDN at intervals of `every` (zero: never), and saves what it reported.

    `channel_id` is the operators' channel for alerts; None: trouble is only logged.
    `low_share` is the fraction of a quota below which it is low.
    """

    _cdn: CdnClient
    _known: SharedState
    _now: Callable[[], datetime]
    every: timedelta
    channel_id: str | None
    low_share: float

    def check(self) -> None:
        """Call the CDN if a call is due, and save the result and the alert if there is news.

        Raises: StoreUnavailable.  Then the call is still due.
        """
        known = self._known.get(HEALTH)
        now = self._now()
        # The clocks of replicas differ, so the time of the last call may lie in the future.
        if not self.every or (known.at is not None and abs(now - known.at) < self.every):
            return
        found = self._ask(now)
        before = Health.of_json(known.value)
        after = after_look(before, found, now)
        alerts: tuple[Post, ...] = ()
        if self.channel_id is not None and (notice := news(before, after, now)):
            facts = notice.facts | {"asked": QUESTION}
            alerts = (alert_of(notice.code, facts, self.channel_id, now),)
            after = replace(after, told=after.code)
        if self._known.put(known, after.as_json(), now, alerts):
            _log(before, after, found)

    def _ask(self, now: datetime) -> ErrorInfo | None:
        try:
            quota = self._cdn.describe_quota()
        except CdnError as error:
            return error.info
        self._known.put(self._known.get(QUOTA), _reported(quota), now)
        return None

    def low_quota(self, now: datetime) -> LowQuota | None:
        """Return the quota with the least left, if it is low and was reported within `every`.

        Raises: StoreUnavailable.
        """
        known = self._known.get(QUOTA)
        if known.at is None or not self.every or now - known.at > self.every:
            return None
        if known.at < day_began_at(now):
            return None  # it is the quota of the day before
        return lowest(known.value, self.low_share)


def _reported(quota: Quota) -> dict[str, Sequence[int]]:
    """Return the remaining and the total number of each quota that the CDN reported completely."""
    names = {sort: (f"{sort}_remain", f"{sort}_quota") for sort in QUOTA_SORTS}
    return {
        sort: [quota[name] for name in pair]
        for sort, pair in names.items()
        if quota.keys() >= set(pair)
    }


def _log(before: Health, after: Health, found: ErrorInfo | None) -> None:
    request_id = found.facts.get("request_id") if found else None
    if after.code != before.code:
        if after.good:
            log.info("cdn-good-again", was=before.code)
        else:
            log.error("cdn-trouble", code=after.code, request_id=request_id)
    elif found is not None and found.code != after.code:
        log.warning("cdn-look-missed", code=found.code, request_id=request_id)

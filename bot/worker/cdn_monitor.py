"""The canary: asks the CDN now and then for what changes nothing, so that a key that was revoked
or a right that is missing is known before somebody needs a purge.

    due? ──► DescribeRefreshQuota ──► "quota"    what the CDN reported
                                  └─► "canary"   how it takes us (bot/core/cdn/health.py), and with it,
                                                 in the same transaction, the alert if it is news

All replicas share both facts (bot/store/reads/shared_state.py): whoever finds the last look old enough looks,
and of several who do so at the same moment one writes it down, and alone tells of it.
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
"""How often a replica sees whether a look is due: another may have looked meanwhile."""
HEALTH = "canary"
QUOTA = "quota"
QUESTION = "DescribeRefreshQuota"


@dataclass(frozen=True, slots=True)
class Canary:
    """Looks at the CDN every so often (`every`; zero: never), and remembers what it reported.

    `channel_id` is where the operators are told; without it, the log has to do.
    `low_share` is the share of a quota below which it is low.
    """

    _cdn: CdnClient
    _known: SharedState
    _now: Callable[[], datetime]
    every: timedelta
    channel_id: str | None
    low_share: float

    def check(self) -> None:
        """Look at the CDN if a look is due, and have told what is news.

        Raises: StoreUnavailable; then the look is due still.
        """
        known = self._known.get(HEALTH)
        now = self._now()
        # Replicas' clocks differ: a look from the future is as good as one from the past.
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
        """Give the quota of which the least is left, if that is little and was reported lately.

        Raises: StoreUnavailable.
        """
        known = self._known.get(QUOTA)
        if known.at is None or not self.every or now - known.at > self.every:
            return None
        if known.at < day_began_at(now):
            return None  # what was left of yesterday's
        return lowest(known.value, self.low_share)


def _reported(quota: Quota) -> dict[str, Sequence[int]]:
    """Give what is left and what there is of each quota that the CDN stated in full."""
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

"""The domains of the CDN account, for suggestions when a domain was mistyped.

All replicas share the list.  It requires the right `cdn:DescribeUserDomains`; without that right
only the suggestions from the account are missing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from bot.cdn.client import CdnClient
from bot.cdn.error_codes import CdnRefused
from bot.config.policy_file import PolicySource
from bot.store.reads.shared_state import SharedState

log = structlog.get_logger("purgebot.account")

EVERY = timedelta(minutes=10)
DOMAINS = "domains"
"""The name of the shared fact with the account's domains."""
PAGE_SIZE = 200
MOST_PAGES = 25
"""How many pages are read at most.  Further domains of the account are ignored."""


@dataclass(frozen=True, slots=True)
class Account:
    """The domains of the account.  Its methods raise StoreUnavailable."""

    _cdn: CdnClient
    _known: SharedState
    _policy: PolicySource
    _now: Callable[[], datetime]

    def domains(self) -> tuple[str, ...]:
        return tuple(self._known.get(DOMAINS).value.get("names", ()))

    def refresh(self) -> None:
        """Fetch the list from the CDN if it is older than EVERY.

        If no rule of the policy has a wildcard in its domains, the list is not needed, nor fetched.
        """
        known = self._known.get(DOMAINS)
        now = self._now()
        # The clocks of replicas differ, so the time of the last call may lie in the future.
        if known.at is not None and abs(now - known.at) < EVERY:
            return
        policy, _ = self._policy.current()
        if not any("*" in pattern for rule in policy.rules for pattern in rule.domains):
            return
        names = known.value.get("names", [])
        try:
            names = self._ask()
        except CdnRefused as refused:  # keep the old list
            log.info("domains-not-listed", error=refused.info.code)
        self._known.put(known, {"names": names}, now)

    def _ask(self) -> list[str]:
        names: dict[str, None] = {}
        for page in range(1, MOST_PAGES + 1):
            found = self._cdn.describe_domains(page=page, page_size=PAGE_SIZE)
            names |= dict.fromkeys(name.lower() for name in found.page)
            if page * PAGE_SIZE >= found.total or not found.page:
                break
        # The CDN purges tags of one domain at a time, so wildcard domains are no valid suggestions.
        return [name for name in names if name and "*" not in name and not name.startswith(".")]

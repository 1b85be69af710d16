"""Which domains the CDN account has, so that one that was mistyped can be suggested.

What is known is shared by all replicas.  It takes the right `cdn:DescribeUserDomains`; without it
there is less help, and nothing else.
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
"""The fact under which the account's domains are known."""
PAGE_SIZE = 200
MOST_PAGES = 25
"""An account with more domains than fit into these pages is known in part."""


@dataclass(frozen=True, slots=True)
class Account:
    """The domains of the account.  Raises: StoreUnavailable."""

    _cdn: CdnClient
    _known: SharedState
    _policy: PolicySource
    _now: Callable[[], datetime]

    def domains(self) -> tuple[str, ...]:
        return tuple(self._known.get(DOMAINS).value.get("names", ()))

    def refresh(self) -> None:
        """Ask the CDN, if it is time to; where all rules name their domains it need not be asked."""
        known = self._known.get(DOMAINS)
        now = self._now()
        # Replicas' clocks differ: a look from the future is as good as one from the past.
        if known.at is not None and abs(now - known.at) < EVERY:
            return
        policy, _ = self._policy.current()
        if not any("*" in pattern for rule in policy.rules for pattern in rule.domains):
            return
        names = known.value.get("names", [])
        try:
            names = self._ask()
        except CdnRefused as refused:  # what was known is better than nothing
            log.info("domains-not-listed", error=refused.info.code)
        self._known.put(known, {"names": names}, now)

    def _ask(self) -> list[str]:
        names: dict[str, None] = {}
        for page in range(1, MOST_PAGES + 1):
            found = self._cdn.describe_domains(page=page, page_size=PAGE_SIZE)
            names |= dict.fromkeys(name.lower() for name in found.page)
            if page * PAGE_SIZE >= found.total or not found.page:
                break
        # The CDN clears tags of one domain at a time, so those for many are no help.
        return [name for name in names if name and "*" not in name and not name.startswith(".")]

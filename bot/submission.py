"""From the intent to send to the end: what the CDN said, and what follows from it.

    begin_sending ──► accepted ──► (progressed) ──► judged
                  ├─► rejected
                  ├─► not_now      held, or offered for when the quota starts afresh
                  └─► lost ──► found, or searched in vain

Nothing here waits for a network; the steps (bot/steps.py, bot/watch.py) bring what they heard.
"""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from bot.core import catalogue, cdn_errors, rulings
from bot.core.policy import Actor
from bot.core.purge import Event, Evidence, Failure, Purge, advance
from bot.core.quota import LowQuota, resets_at
from bot.core.watching import HELD_AT_MOST, TASK_UNKNOWN, Judgement, try_again_at
from bot.decisions import CARD_GRACE, Decisions
from bot.store.clock import steady_s
from bot.store.engine import StoreUnavailable
from bot.store.holder import LEASE
from bot.store.store import Change

SPENT = "quota-spent"
"""The fact that the day's quota is used up, and until when."""
OUTCOME_PATIENCE_S = 8.0
"""How long it is tried to save what the CDN said: less than a lease, and than it takes to stop."""
TRY_EVERY_S = 0.25
_SPENT_KINDS = frozenset({cdn_errors.DAILY_QUOTA.code, cdn_errors.QUOTA.code})
_KEPT = timedelta(seconds=5)
"""How long this process believes what it has read about the quota."""


class Submission:
    """What becomes of a purge that may be sent.

    `join_window`: how long the same is joined to what was sent.  `low_quota` tells of a quota that
    is nearly used up.
    """

    def __init__(
        self,
        decisions: Decisions,
        join_window: timedelta,
        low_quota: Callable[[datetime], LowQuota | None],
    ) -> None:
        self._low_quota = low_quota
        self._decisions = decisions
        self._store = decisions.store
        self._join_window = join_window
        self._spent: tuple[datetime, datetime | None] | None = None

    # Before

    def confirm_rights(self, purge: Purge, actors: Mapping[str, Actor], holder: str) -> bool:
        """Whether a purge may still be sent; if not, it is refused and says why."""
        now = self._decisions.now()
        policy, policy_hash = self._decisions.policy.current()
        refused = rulings.rule_on_sending(purge, policy, policy_hash, actors, now)
        if refused is not None:
            self._save(refused, Event.REFUSE, now, holder)
        return refused is None

    def begin_sending(
        self, purge: Purge, evidence: tuple[Evidence, ...], holder: str
    ) -> Purge | None:
        """Write the intent to send down; None if it may not be sent.

        It may not where the lease was lost, the quota is known to be used up, or the same is at
        work already: then it is joined to that one.
        """
        now = self._decisions.now()
        if spent_until := self._spent_until(now):
            failure = Failure(cdn_errors.DAILY_QUOTA.code)
            self._offer(purge, failure, spent_until, now, holder)
            return None
        sending = advance(
            purge,
            Event.SEND,
            now,
            sent_at=now,
            attempt=purge.attempt + 1,
            failure=None,
            held_until=None,
            evidence=evidence or purge.evidence,
        )
        change = replace(
            self._decisions.change(sending, Event.SEND, now, holder),
            due_at=now,
            keep_lease=True,
            lease_until=now + LEASE,
            posts_due_at=now + CARD_GRACE,
            alone_since=now - self._join_window if self._join_window else None,
        )
        # Where the database broke off in the commit, the first try may have saved it after all.
        if self._keep_saving(change) or self._store.purge(purge.id) == sending:
            return sending
        if self._join_window and (
            leader := self._store.beside.sent_leader(purge, now - self._join_window)
        ):
            joined = advance(purge, Event.JOIN, now, joined_to=leader.id)
            self._save(joined, Event.JOIN, now, holder)
        return None

    # The CDN's answer

    def accepted(self, purge: Purge, holder: str, task_id: str, request_id: str | None) -> None:
        """The CDN gave a task ID: the only success there is."""
        now = self._decisions.now()
        low = None
        with contextlib.suppress(StoreUnavailable):  # a warning is not worth the outcome
            low = self._low_quota(now)
        facts = {"task_id": task_id, "request_id": request_id, "low_quota": low}
        self._save(advance(purge, Event.ACCEPT, now, **facts), Event.ACCEPT, now, holder)

    def rejected(
        self,
        purge: Purge,
        holder: str,
        failure: Failure,
        request_id: str | None,
        retry_after_s: float | None = None,
        *,
        passing: bool = False,
    ) -> None:
        """The CDN, or the road to it, did not do it; `passing`: another try may do.

        Held too long, it has failed; but where a try may have been carried out, nobody knows.
        """
        now = self._decisions.now()
        doubt = failure if catalogue.kind(failure.code).in_doubt else purge.doubt
        known = replace(purge, request_id=request_id, doubt=doubt)
        if failure.code in _SPENT_KINDS:
            until = resets_at(now)
            self._learn_spent(until, now)
            self._offer(known, failure, until, now, holder)
            return
        held_since = purge.held_since or now
        if passing and now - held_since < HELD_AT_MOST:
            jitter = secrets.randbelow(1000) / 1000
            until = try_again_at(purge.attempt, retry_after_s, jitter, now)
            facts = {"failure": failure, "held_since": held_since, "held_until": until}
            self._save(advance(known, Event.HOLD, now, **facts), Event.HOLD, now, holder)
            return
        self._ended(known, failure, now, holder)

    def _ended(self, purge: Purge, failure: Failure | None, now: datetime, holder: str) -> None:
        """It is not tried again."""
        event = Event.LOSE if purge.doubt else Event.REJECT
        self._save(advance(purge, event, now, failure=purge.doubt or failure), event, now, holder)

    def lost(self, purge: Purge, holder: str, failure: Failure, request_id: str | None) -> None:
        """Nobody knows whether the CDN did it; it is never sent again by itself."""
        now = self._decisions.now()
        lost = advance(purge, Event.LOSE, now, failure=failure, request_id=request_id)
        self._save(lost, Event.LOSE, now, holder)

    def offer_lapsed(self, purge: Purge, holder: str) -> None:
        """Nobody wanted it to be run when the quota started afresh."""
        self._ended(purge, purge.failure, self._decisions.now(), holder)

    # Afterwards

    def judged(self, purge: Purge, judgement: Judgement, evidence: tuple[Evidence, ...]) -> None:
        """Save what a look at the CDN's tasks came to; nobody holds a purge for that."""
        event = judgement.event
        assert event is not None, "a look that changes nothing is not saved"
        now = self._decisions.now()
        facts: dict[str, Any] = {"evidence": evidence, **(judgement.facts or {})}
        if event is Event.FAIL:
            facts["failure"] = Failure(cdn_errors.TASK_FAILED.code)
        if event is Event.GIVE_UP:
            facts["failure"] = Failure(TASK_UNKNOWN.code)
        self._save(advance(purge, event, now, **facts), event, now)

    def found(self, purge: Purge, task_id: str, holder: str) -> None:
        """The task of a lost purge is among the CDN's recent ones."""
        now = self._decisions.now()
        found = advance(purge, Event.FIND, now, task_id=task_id, failure=None, found_at=now)
        self._save(found, Event.FIND, now, holder)

    def searched(self, purge: Purge, evidence: tuple[Evidence, ...], holder: str) -> None:
        """It was looked for in vain: now a person has to decide, by what the edge shows."""
        now = self._decisions.now()
        searched = advance(purge, Event.SEARCHED, now, evidence=evidence)
        self._save(searched, Event.SEARCHED, now, holder)

    def followed(self, purge: Purge, leader: Purge | None, holder: str) -> bool:
        """Let a joined purge end as the one it was joined to; False: that one is still at work."""
        now = self._decisions.now()
        event = rulings.event_of_leader(leader)
        if event is None or (event is Event.SILENT and purge.told_at is not None):
            return False
        facts: dict[str, Any] = {"joined_to": None}
        if leader is not None and event is not Event.RELEASE:
            facts = {
                "task_id": leader.task_id,
                "request_id": leader.request_id,
                "failure": leader.failure,
                "percent": leader.percent,
                "sent_at": leader.sent_at,
            }
        self._save(advance(purge, event, now, **facts), event, now, holder)
        return True

    def proved(self, purge: Purge, evidence: tuple[Evidence, ...], holder: str) -> None:
        """Keep what the edge showed after the purge."""
        now = self._decisions.now()
        self._save(advance(purge, Event.PROVE, now, evidence=evidence), Event.PROVE, now, holder)

    # The day's quota

    def _offer(
        self, purge: Purge, failure: Failure, until: datetime, now: datetime, holder: str
    ) -> None:
        offered = advance(purge, Event.OFFER, now, failure=failure, held_until=until)
        self._save(offered, Event.OFFER, now, holder)

    def _spent_until(self, now: datetime) -> datetime | None:
        """Give until when the quota is known to be used up."""
        if self._spent is None or now - self._spent[0] > _KEPT:
            said = self._store.known.get(SPENT).value.get("until")
            self._spent = (now, datetime.fromisoformat(said) if said else None)
        until = self._spent[1]
        return until if until is not None and until > now else None

    def _learn_spent(self, until: datetime, now: datetime) -> None:
        self._spent = (now, until)
        self._store.known.put(self._store.known.get(SPENT), {"until": until.isoformat()}, now)

    def _save(self, purge: Purge, event: Event, now: datetime, holder: str | None = None) -> bool:
        """Save a step.  Raises: StoreUnavailable."""
        return self._keep_saving(self._decisions.change(purge, event, now, holder))

    def _keep_saving(self, change: Change) -> bool:
        """Save a step; while the database is away, try on for OUTCOME_PATIENCE_S.

        What the CDN said is known here alone.  To try again harms nobody: where it was saved after
        all, or somebody has taken the purge over, the version or the lease is not the same.
        Raises: StoreUnavailable.
        """
        give_up_at = steady_s() + OUTCOME_PATIENCE_S
        while True:
            try:
                return self._decisions.save(change)
            except StoreUnavailable:
                if steady_s() > give_up_at:
                    raise
                time.sleep(TRY_EVERY_S)

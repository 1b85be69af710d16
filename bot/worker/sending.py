"""The sending of purges.  No other module sends them to the CDN.

probe the edge ──► fetch facts ──► authorize ──► save the intent ──► refresh_by_tag ──► save the outcome
                                   └ no: refused with a reason, or sent later
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial

from bot.cdn.client import CdnClient
from bot.cdn.error_codes import CdnError, CdnInDoubt, CdnRefused
from bot.core.audit import Link
from bot.core.cdn import errors as cdn_errors
from bot.core.cdn.quota import LowQuota
from bot.core.decisions import clock, outcomes
from bot.core.decisions.authorization import (
    SendFacts,
    SendLater,
    SendPermit,
    authorize_send,
    takes_proof,
)
from bot.core.decisions.requests import refuse_unchecked
from bot.core.decisions.transition import Transition
from bot.core.purge.purge import Event, Evidence, Failure, Purge
from bot.core.retry import DirectoryUnavailable, is_lasting
from bot.slack.directory import SlackDirectory
from bot.store.database.writers import StoreUnavailable
from bot.store.queue.owner import LeaseOwner
from bot.store.store import Store
from bot.telemetry import metrics
from bot.telemetry.troubles import CDN_SENDS, HELD_BACK, Troubles
from bot.worker.domain_list import Account
from bot.worker.tracking import OUTCOME_PATIENCE_S, Watch, new_tags
from bot.workflow.requests import PurgeRequests

SPENT = "quota-spent"
"""The name of the shared fact until when the day's quota is used up."""
FACTS_LAST = timedelta(seconds=20)
"""The greatest age of facts about people when a forced purge is sent.

They must also be newer than the moment since which it may be sent.  So what one attempt has found out
still counts in the next: Slack may accept only one question every three seconds
(https://docs.slack.dev/apis/web-api/rate-limits), and an attempt needs several.
"""
_KEPT = timedelta(seconds=5)
"""How long this process caches that fact, and which quota is low."""


class Sending:
    """Sends purges under the leases of `owner`.

    `low_quota` returns the quota that is nearly used up at a time, or None.
    """

    def __init__(
        self,
        store: Store,
        requests: PurgeRequests,
        watch: Watch,
        cdn: CdnClient,
        account: Account,
        directory: SlackDirectory,
        low_quota: Callable[[datetime], LowQuota | None],
        owner: LeaseOwner,
        troubles: Troubles,
    ) -> None:
        self._troubles = troubles
        self._store = store
        self._requests = requests
        self._rules = requests.rules
        self._watch = watch
        self._cdn = cdn
        self._account = account
        self._directory = directory
        self._low_quota = low_quota
        self._now = requests.now
        self._lease = owner
        self._save = partial(store.apply, owner=owner.name, patience_s=OUTCOME_PATIENCE_S)
        self._spent: tuple[datetime, datetime | None] | None = None
        self._low: tuple[datetime, LowQuota | None] | None = None

    def send(self, purge: Purge, due_at: datetime) -> None:
        """Send a purge that is ready or held, unless it may not be sent now, and save the outcome.

        `due_at` is since when it was due.
        Raises: StoreUnavailable; DirectoryUnavailable if Slack does not return the facts now.
        """
        if late := clock.overdue(purge, due_at, self._now()):
            self._save(late)
            return
        proof_urls = self._rules().policy.proof_urls(purge.domain, purge.tags)
        urls = () if purge.evidence else proof_urls
        evidence = self._watch.probe_before(urls) if urls else ()
        permit = self._authorize(purge)
        if permit is None:
            return
        # If this process was paused or cut off, another worker may hold the lease now.
        still_alive = self._lease.still_alive()
        sending = self._begin(permit, evidence)
        if sending is None:
            return
        metrics.sending(sending, self._now())
        try:
            answer = self._cdn.refresh_by_tag(permit, allowed=still_alive)
        except CdnRefused as refused:
            self._tell(sending, refused)
            self._rejected(sending, refused, passing=refused.retryable)
            if refused.info.kind is cdn_errors.DOMAIN_UNKNOWN:
                self._suggest_domain(sending)
        except CdnInDoubt as doubt:
            self._tell(sending, doubt)
            self._in_doubt(sending, doubt)
        else:
            self._troubles.over(CDN_SENDS)
            self._troubles.over(HELD_BACK)
            self._accepted(sending, answer.task_id, answer.request_id)

    # Before the call

    def _authorize(self, purge: Purge) -> SendPermit | None:
        """Fetch the facts that `authorize_send` needs, and call it.

        Return None if the purge must not be sent now.  Then its new state or due time is saved.
        Raises: StoreUnavailable, DirectoryUnavailable.
        """
        proof = takes_proof(purge, self._rules().policy)
        known = (purge.held_until, purge.send_at, purge.decided_at, purge.requested_at)
        ready_since = next(at for at in known if at is not None)
        since = max(ready_since, self._now() - FACTS_LAST) if proof else None
        where = {purge.user_id: purge.channel_id}
        where |= {given.user_id: given.channel_id or purge.channel_id for given in purge.approvals}
        try:
            actors = {
                user_id: self._directory.fetch(
                    purge.team_id,
                    user_id,
                    channel_id,
                    purge.team_id,
                    since=since,
                    domain=purge.domain,
                )
                for user_id, channel_id in where.items()
            }
        except DirectoryUnavailable as unknown:
            lasting = is_lasting(unknown, self._now() - ready_since)
            self._save(refuse_unchecked(purge, self._now(), lasting=lasting))
            return None
        links = self._trail_of(purge) if proof else ()
        decision = authorize_send(purge, self._rules(), SendFacts(actors, links), self._now())
        match decision:
            case SendPermit():
                return decision
            case Transition():
                self._save(decision)
            case SendLater(at):
                self._store.jobs.reschedule(purge, self._lease.name, at)
        return None

    def _trail_of(self, purge: Purge) -> list[Link] | None:
        try:
            return self._store.audit.chain(purge.id)
        except (ValueError, TypeError):  # an entry was made unreadable
            return None

    def _begin(self, permit: SendPermit, evidence: tuple[Evidence, ...]) -> Purge | None:
        """Save the intent to send.  Return None if the purge is not sent now.

        It is not sent if the lease was lost, or if the day's quota is known to be used up.  It is
        not sent either if a purge that covers it is in progress: then it is joined to that purge or
        queued behind it.
        """
        purge, now, window = permit.purge, self._now(), self._rules().join_window
        if spent_until := self._spent_until(now):
            failure = Failure(cdn_errors.DAILY_QUOTA.code)
            self._save(outcomes.offered(purge, failure, spent_until, now))
            return None
        intent = outcomes.sending(permit, evidence, window, now)
        # If the connection failed during a commit, the first attempt may have been committed, and
        # the retry returned False.
        if self._save(intent) or self._store.purge(purge.id) == intent.purge:
            return intent.purge
        if window and (sent := self._store.related_purges.related(purge, now).sent):
            self._save(outcomes.give_way(purge, sent, window, now))
        return None

    # The CDN's answer

    def _tell(self, purge: Purge, error: CdnError) -> None:
        """Count a trouble of the CDN's, or ours with it.  Mistakes of the request are none."""
        kind = error.info.kind
        if kind is cdn_errors.HELD_BACK:
            self._troubles.met(HELD_BACK, kind.code, purge.id, why=error.info.facts.get("why"))
        elif kind not in cdn_errors.OF_THE_REQUEST:
            self._troubles.met(CDN_SENDS, kind.code, purge.id, request_id=error.request_id)

    def _accepted(self, sending: Purge, task_id: str, request_id: str | None) -> None:
        now = self._now()
        low = None
        with suppress(StoreUnavailable):  # saving the outcome matters more than the warning
            low = self._low_at(now)
        new = new_tags(self._store, self._rules().policy, sending)
        self._save(outcomes.accepted(sending, task_id, request_id, low, new, now))

    def _in_doubt(self, sending: Purge, doubt: CdnInDoubt) -> None:
        """Save an outcome after which it is unknown whether the CDN carried out the purge.

        If the CDN itself reported that it failed, a plain purge is retried: if it is carried out
        twice, that only causes another request to the origin.  A forced purge is never retried
        automatically.
        """
        said_so = doubt.info.kind is cdn_errors.SERVER_ERROR and doubt.vendor_code is not None
        if said_so and not sending.force:
            self._rejected(sending, doubt, passing=True)
        else:
            self._save(outcomes.lost(sending, _failure(doubt), doubt.request_id, self._now()))

    def _rejected(self, sending: Purge, error: CdnError, *, passing: bool) -> None:
        now = self._now()
        rejected = outcomes.rejected(
            sending,
            _failure(error),
            error.request_id,
            error.retry_after_s,
            secrets.randbelow(1000) / 1000,
            now,
            passing=passing,
        )
        if rejected.event is Event.OFFER and rejected.purge.held_until is not None:
            self._learn_spent(rejected.purge.held_until, now)
        self._save(rejected)

    def _suggest_domain(self, purge: Purge) -> None:
        """Suggest to the requester a similar domain of the account.  It is tried only once."""
        with suppress(StoreUnavailable):
            self._account.refresh()
            who = partial(self._directory.requester, purge)
            domain = self._requests.suggested_domain(purge, who)
            if domain is not None:
                self._requests.suggest(purge, domain)

    # The day's quota

    def _spent_until(self, now: datetime) -> datetime | None:
        """Return until when the day's quota is known to be used up, or None if it is not."""
        if self._spent is None or now - self._spent[0] > _KEPT:
            written = self._store.shared_state.get(SPENT).value.get("until")
            self._spent = (now, datetime.fromisoformat(written) if written else None)
        until = self._spent[1]
        return until if until is not None and until > now else None

    def _low_at(self, now: datetime) -> LowQuota | None:
        """Return the quota that is nearly used up.  Raises: StoreUnavailable."""
        if self._low is None or now - self._low[0] > _KEPT:
            self._low = (now, self._low_quota(now))
        return self._low[1]

    def _learn_spent(self, until: datetime, now: datetime) -> None:
        self._spent = (now, until)
        self._store.shared_state.put(
            self._store.shared_state.get(SPENT), {"until": until.isoformat()}, now
        )


def _failure(error: CdnError) -> Failure:
    return Failure(error.info.code, error.info.facts)

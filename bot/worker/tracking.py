"""The steps after a purge was sent: poll its task, search for a lost task, probe the edge."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from bot.cdn.client import MAX_TASKS_PER_QUESTION, CdnClient
from bot.cdn.edge_probe import EdgeProbe
from bot.cdn.error_codes import CdnRefused
from bot.core.decisions import outcomes
from bot.core.decisions.outcomes import NewTags
from bot.core.decisions.rulings import Rules
from bot.core.decisions.transition import FOLLOW_EVERY, Transition
from bot.core.edge_check import LONGEST_LOOK, EdgeSnapshot, compare
from bot.core.policy.document import Policy
from bot.core.purge.purge import WATCHED, Event, Evidence, Purge, PurgeRequest, SubmissionStatus
from bot.core.purge.tracking import (
    RIVALS_WITHIN,
    PolledPurge,
    RecentTask,
    Task,
    chunks,
    found_among,
    judge,
    next_search_at,
    task_ids,
)
from bot.core.suggestions.confirmation import MANY_KNOWN, MOST_TYPED
from bot.store.database.writers import StoreUnavailable
from bot.store.queue.due import JobKind
from bot.store.schema.mapping import FromNewer
from bot.store.store import Store
from bot.telemetry.troubles import CDN_POLLS, Troubles

log = structlog.get_logger("purgebot.watch")

OUTCOME_PATIENCE_S = 8.0
"""How long saving the CDN's answer is retried, in seconds.  Only this process knows the answer.

It is shorter than a lease, and not longer than `Worker.stop` waits.
"""


@dataclass(eq=False)
class Watch:
    """Does these steps under the leases of the owner with this name."""

    _store: Store
    _rules: Callable[[], Rules]
    _cdn: CdnClient
    _probe: EdgeProbe
    _now: Callable[[], datetime]
    _owner: str
    _troubles: Troubles

    def __post_init__(self) -> None:
        self._refusals = 0
        self._probers = ThreadPoolExecutor(10, thread_name_prefix="look")

    def watch(self, purges: Sequence[PolledPurge]) -> None:
        """Poll the tasks of the purges, and save what has changed.

        The tokens for one call per MAX_TASKS_PER_QUESTION purges were taken before.  If purges have
        several tasks, there are more calls, and a token is taken for each of these.
        Raises: CdnRefused if the CDN refused a call.  Purges that were not polled are due again
        later.
        """
        paid = len(chunks([purge.id for purge in purges], MAX_TASKS_PER_QUESTION))
        wanted = chunks(
            [each for purge in purges for each in task_ids(purge)], MAX_TASKS_PER_QUESTION
        )
        asked: set[str] = set()
        reports: dict[str, Task] = {}
        refused, again_at = None, None
        for number, some in enumerate(wanted):
            if number >= paid and (
                again_at := self._store.task_polling.try_take_token(self._now())
            ):
                break
            try:
                reports |= {task.id: task for task in self._cdn.describe_tasks_by_id(some)}
            except CdnRefused as error:
                self._troubles.met(CDN_POLLS, error.info.code, ",".join(some[:3]))
                refused, again_at = error, self._now() + self._patience(error)
                self._store.jobs.pause(JobKind.POLL, again_at)
                break
            self._refusals = 0
            self._troubles.over(CDN_POLLS)
            asked.update(some)
        heard = [each for each in purges if asked.issuperset(task_ids(each))]
        self._judge(heard, reports)
        if again_at is not None:
            self._store.task_polling.retry_later(
                [each for each in purges if each not in heard], again_at
            )
        if refused is not None:
            raise refused

    def _patience(self, refused: CdnRefused) -> timedelta:
        """Return how long polls pause after a refusal: what the CDN demands, or 2 s to a minute.

        Without a demand of the CDN, the pause is doubled with each refusal in a row.
        """
        self._refusals += 1
        return timedelta(seconds=refused.retry_after_s or min(2.0**self._refusals, 60.0))

    def _judge(self, purges: Sequence[PolledPurge], reports: Mapping[str, Task]) -> None:
        now = self._now()
        events = {each.id: judge(each, reports, now).event for each in purges}
        told = [each for each, event in events.items() if event not in {None, Event.SILENT}]
        self._save_polled([*self._polled(told, reports, now)])
        # For these the edge is probed, which may take long, so each is saved separately.
        for silent in (each for each, event in events.items() if event is Event.SILENT):
            self._save_polled([*self._polled([silent], reports, now)])

    def _save_polled(self, polled: Sequence[Transition]) -> None:
        """Save all in one transaction, or, if one of them has a conflict, each in its own."""
        if len(polled) > 1 and self._store.apply(*polled, patience_s=OUTCOME_PATIENCE_S):
            return
        for change in polled:
            self._store.apply(change, patience_s=OUTCOME_PATIENCE_S)

    def _polled(
        self, purge_ids: Sequence[str], reports: Mapping[str, Task], now: datetime
    ) -> Iterator[Transition]:
        """Yield the transitions of purges that result from the reports.

        The purges are read again, because they have no leases and may have changed.
        """
        for purge_id in purge_ids:
            purge = None
            with contextlib.suppress(FromNewer):  # a newer replica polls it too
                purge = self._store.purge(purge_id)
            if purge is None or purge.state not in WATCHED:
                continue
            judgement = judge(purge, reports, now)
            if judgement.event is None:
                continue
            # If the CDN reports nothing, the edge may show whether the purge was carried out.
            silent = judgement.event is Event.SILENT
            evidence = self._probe_after(purge) if silent else purge.evidence
            yield outcomes.task_polled(purge, judgement, evidence, self._now())

    def search(self, purge: Purge) -> None:
        """Search for the task of a purge whose answer was lost.  After the last attempt, give up."""
        now = self._now()
        found = self._find(purge)
        again_at = next_search_at(purge, now)
        if found is not None:
            new = new_tags(self._store, self._rules().policy, purge)
            self._save(outcomes.found(purge, found, new, self._now()))
        elif again_at is not None:
            self._reschedule(purge, again_at)
        else:
            self._save(outcomes.searched(purge, self._probe_after(purge), self._now()))

    def _find(self, purge: Purge) -> str | None:
        """Return the ID of its task, if one is listed that cannot belong to another purge."""
        # The order matters.  The purge that a listed task belongs to is a rival while it is being
        # sent, and has the task ID afterwards.
        recent = self._recent_tasks(purge)
        if self._store.related_purges.has_rivals(purge, RIVALS_WITHIN):
            return None
        return found_among(purge, recent, self._store.related_purges.tasks(purge, RIVALS_WITHIN))

    def _recent_tasks(self, purge: Purge) -> list[RecentTask]:
        try:
            return self._cdn.describe_recent_tasks()
        except CdnRefused as refused:
            # The account may lack the right to list tasks.  The search ends at its deadline anyway.
            log.info("tasks-not-listed", purge=purge.id, error=refused.info.code)
            return []

    def follow(self, purge: Purge) -> None:
        """End, release or join a purge that waits for another one; see `outcomes.followed`.

        If it has to wait longer, it is due again after FOLLOW_EVERY.
        """
        duplicate = self._store.purge(purge.joined_to) if purge.joined_to else None
        now = self._now()
        if followed := outcomes.followed(purge, duplicate, now):
            self._save(followed)
        else:
            self._reschedule(purge, now + FOLLOW_EVERY)

    # The edge

    def probe_before(self, urls: Sequence[str]) -> tuple[Evidence, ...]:
        """Probe sample URLs before a purge is sent."""
        return tuple(Evidence(before) for before in self._probe_all(urls))

    def prove(self, purge: Purge) -> None:
        """Probe the same URLs after the purge, and save what the two probes prove."""
        self._save(outcomes.proved(purge, self._probe_after(purge), self._now()))

    def _probe_after(self, purge: SubmissionStatus) -> tuple[Evidence, ...]:
        assert purge.sent_at is not None, "only what was sent can be proved"
        looks = self._probe_all([each.before.url for each in purge.evidence])
        return tuple(
            replace(each, after=after, verdict=compare(each.before, after, purge.sent_at))
            for each, after in zip(purge.evidence, looks, strict=True)
        )

    def _probe_all(self, urls: Sequence[str]) -> list[EdgeSnapshot]:
        """Probe all URLs in parallel.

        A probe may take LONGEST_LOOK.  Raises: TimeoutError after twice that, less than a lease.
        """
        return list(self._probers.map(self._probe.probe, urls, timeout=2 * LONGEST_LOOK.seconds))

    def _save(self, step: Transition) -> None:
        """Save a step.  Raises: StoreUnavailable."""
        self._store.apply(step, owner=self._owner, patience_s=OUTCOME_PATIENCE_S)

    def _reschedule(self, purge: Purge, at: datetime) -> None:
        self._store.jobs.reschedule(purge, self._owner, at)


def new_tags(store: Store, policy: Policy, purge: PurgeRequest) -> NewTags:
    """Return the tags of a purge that were unknown, and those of them to mention on the card.

    If the database is unavailable, return all tags as unknown, which is harmless, and mention none.
    """
    with contextlib.suppress(StoreUnavailable):  # saving the outcome matters more than the hint
        unknown = store.tags.unknown(purge.domain, purge.tags)
        named = policy.tags_named(purge.domain)
        odd = [tag for tag in unknown if tag not in named]
        # While only a few tags of the domain are known, a new one is not worth mentioning.
        typed = odd and len(purge.tags) <= MOST_TYPED
        worth_a_word = typed and store.tags.are_many(purge.domain, MANY_KNOWN)
        return NewTags(unknown, tuple(odd) if worth_a_word else ())
    return NewTags(purge.tags)

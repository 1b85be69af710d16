"""Steps after a purge was sent: how far is it, where is it, what does the edge show now?

watch    up to ten tasks in one question, at a rate that all replicas share
search   a lost task among the CDN's recent ones
follow   a purge that was joined to another
prove    one look at each sample URL, before and after; also where the CDN does not tell the end
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime

import structlog

from bot.cdn.answers import TaskState
from bot.cdn.client import MAX_TASKS_PER_QUESTION, CdnClient
from bot.cdn.faults import CdnRefused
from bot.core.proof import LONGEST_LOOK, Look, compare
from bot.core.purge import Event, Evidence, Purge
from bot.core.watching import (
    RIVALS_WITHIN,
    RecentTask,
    Report,
    chunks,
    found_among,
    judge,
    next_look_at,
    next_search_at,
    task_ids,
)
from bot.decisions import FOLLOW_EVERY
from bot.edge import EdgeProbe
from bot.store.jobs import STATUS_RATE
from bot.store.store import Store
from bot.submission import Submission

log = structlog.get_logger("purgebot.watch")


class Watch:
    """Does these steps in the name of one holder of leases."""

    def __init__(
        self,
        store: Store,
        submission: Submission,
        cdn: CdnClient,
        probe: EdgeProbe,
        now: Callable[[], datetime],
        holder: str,
    ) -> None:
        self._store = store
        self._submission = submission
        self._cdn = cdn
        self._probe = probe
        self._now = now
        self._holder = holder
        self._lookers = ThreadPoolExecutor(10, thread_name_prefix="look")

    def watch(self, purges: Sequence[Purge], paid: int = 0) -> None:
        """Ask how far some purges are, and save what has changed.

        `paid` questions have their tokens already; where the CDN gave several tasks a purge, it
        may take more.
        Raises: CdnRefused, where the CDN does not say; then nothing is known and nothing changes.
        """
        wanted = [single for purge in purges for single in task_ids(purge)]
        reports: dict[str, Report] = {}
        for number, some in enumerate(chunks(wanted, MAX_TASKS_PER_QUESTION)):
            if number >= paid:
                wait_until = self._store.take_one(STATUS_RATE, self._now())
                if wait_until is not None:
                    self._look_again({purge.id: wait_until for purge in purges})
                    return
            reports |= {
                task.id: Report(
                    task.id,
                    ended=task.state is not TaskState.RUNNING,
                    failed=task.state is TaskState.FAILED,
                    percent=task.percent,
                )
                for task in self._cdn.describe_tasks_by_id(some)
            }
        self._judge(purges, reports)

    def _judge(self, purges: Sequence[Purge], reports: Mapping[str, Report]) -> None:
        now = self._now()
        unchanged: dict[str, datetime] = {}
        for purge in purges:
            judgement = judge(purge, reports, now)
            if judgement.event is None:
                unchanged[purge.id] = next_look_at(purge, now)
                continue
            # Where the CDN reports nothing, the edge may show what has become of it.
            silent = judgement.event is Event.SILENT
            evidence = self._look_after(purge) if silent else purge.evidence
            self._submission.judged(purge, judgement, evidence, self._holder)
        self._look_again(unchanged)

    def search(self, purge: Purge) -> None:
        """Look for the task of a purge whose answer was lost; after the last look, give up."""
        now = self._now()
        found = self._find(purge)
        again_at = next_search_at(purge, now)
        if found is not None:
            self._submission.found(purge, found, self._holder)
        elif again_at is not None:
            self._look_again({purge.id: again_at})
        else:
            self._submission.searched(purge, self._look_after(purge), self._holder)

    def _find(self, purge: Purge) -> str | None:
        """Give the ID of its task, if it is there and can be no other's."""
        # In this order: whoever made a task that is listed is a rival while sending, and has it
        # afterwards.
        recent = self._recent_tasks(purge)
        if self._store.beside.has_rivals(purge, RIVALS_WITHIN):
            return None
        return found_among(purge, recent, self._store.beside.tasks(purge, RIVALS_WITHIN))

    def _recent_tasks(self, purge: Purge) -> list[RecentTask]:
        try:
            listed = self._cdn.describe_recent_tasks()
        except CdnRefused as refused:
            # It may not be allowed to list them; the search has its end all the same.
            log.info("tasks-not-listed", purge=purge.id, error=refused.problem.code)
            return []
        return [RecentTask(task.id, task.kind, task.path, task.at) for task in listed]

    def follow(self, purge: Purge) -> None:
        """End a joined purge as the one that it was joined to has ended."""
        leader = self._store.purge(purge.joined_to) if purge.joined_to else None
        if not self._submission.followed(purge, leader, self._holder):
            self._look_again({purge.id: self._now() + FOLLOW_EVERY})

    # The edge

    def look_before(self, urls: Sequence[str]) -> tuple[Evidence, ...]:
        """Look at sample URLs before a purge."""
        return tuple(Evidence(look) for look in self._look(urls))

    def prove(self, purge: Purge) -> None:
        """Look at the same URLs after the purge, and keep what both looks prove."""
        self._submission.proved(purge, self._look_after(purge), self._holder)

    def _look_after(self, purge: Purge) -> tuple[Evidence, ...]:
        assert purge.sent_at is not None, "only what was sent can be proved"
        looks = self._look([each.before.url for each in purge.evidence])
        return tuple(
            replace(each, after=after, verdict=compare(each.before, after, purge.sent_at))
            for each, after in zip(purge.evidence, looks, strict=True)
        )

    def _look(self, urls: Sequence[str]) -> list[Look]:
        """Look at all of them at the same time: a look may take LONGEST_LOOK, a lease is longer."""
        return list(self._lookers.map(self._probe.look, urls, timeout=2 * LONGEST_LOOK.seconds))

    def _look_again(self, due: Mapping[str, datetime]) -> None:
        self._store.jobs.look_again(due, self._holder)

"""Steps after a purge was sent: how far is it, where is it, what does the edge show now?

watch    ten tasks in a question, at a rate that all replicas share
search   a lost task among the CDN's recent ones
follow   a purge that was joined to another
prove    one look at each sample URL, before and after; also where the CDN does not tell the end
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from bot.cdn.answers import TaskState
from bot.cdn.client import MAX_TASKS_PER_QUESTION, CdnClient
from bot.cdn.faults import CdnRefused
from bot.core.proof import LONGEST_LOOK, Look, compare
from bot.core.purge import WATCHED, Event, Evidence, Purge
from bot.core.watching import (
    RIVALS_WITHIN,
    RecentTask,
    Report,
    Watched,
    chunks,
    found_among,
    judge,
    next_search_at,
    task_ids,
)
from bot.decisions import FOLLOW_EVERY
from bot.edge import EdgeProbe
from bot.store.rows import FromNewer
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
        self._refusals = 0
        self._lookers = ThreadPoolExecutor(10, thread_name_prefix="look")

    def watch(self, purges: Sequence[Watched]) -> None:
        """Ask how far some purges are, and save what has changed.

        A question for each ten of them has its token already; where the CDN gave several tasks a
        purge, there are more.
        Raises: CdnRefused, where the CDN does not say; what is left is due again soon.
        """
        paid = len(chunks([purge.id for purge in purges], MAX_TASKS_PER_QUESTION))
        wanted = chunks(
            [each for purge in purges for each in task_ids(purge)], MAX_TASKS_PER_QUESTION
        )
        asked: set[str] = set()
        reports: dict[str, Report] = {}
        refused, again_at = None, None
        for number, some in enumerate(wanted):
            if number >= paid and (again_at := self._store.looks.take_one_more(self._now())):
                break
            try:
                reports |= self._ask(some)
            except CdnRefused as error:
                refused, again_at = error, self._now() + self._patience(error)
                self._store.jobs.hold("watches", again_at)
                break
            self._refusals = 0
            asked.update(some)
        heard = [each for each in purges if asked.issuperset(task_ids(each))]
        self._judge(heard, reports)
        if again_at is not None:
            self._store.looks.put_back([each for each in purges if each not in heard], again_at)
        if refused is not None:
            raise refused

    def _ask(self, some: Sequence[str]) -> dict[str, Report]:
        return {
            task.id: Report(
                task.id,
                ended=task.state is not TaskState.RUNNING,
                failed=task.state is TaskState.FAILED,
                percent=task.percent,
            )
            for task in self._cdn.describe_tasks_by_id(some)
        }

    def _patience(self, refused: CdnRefused) -> timedelta:
        """Give for how long the CDN is not asked: twice as long each time, at most a minute."""
        self._refusals += 1
        return timedelta(seconds=refused.retry_after_s or min(2.0**self._refusals, 60.0))

    def _judge(self, purges: Sequence[Watched], reports: Mapping[str, Report]) -> None:
        now = self._now()
        for each in purges:
            if judge(each, reports, now).event is not None:
                with contextlib.suppress(FromNewer):  # a newer replica looks at it too
                    self._save(each.id, reports, now)

    def _save(self, purge_id: str, reports: Mapping[str, Report], now: datetime) -> None:
        """Save what the reports come to for the purge as it is now: nobody has held it meanwhile."""
        purge = self._store.purge(purge_id)
        if purge is None or purge.state not in WATCHED:
            return
        judgement = judge(purge, reports, now)
        if judgement.event is None:
            return
        # Where the CDN reports nothing, the edge may show what has become of it.
        silent = judgement.event is Event.SILENT
        evidence = self._look_after(purge) if silent else purge.evidence
        self._submission.judged(purge, judgement, evidence)

    def search(self, purge: Purge) -> None:
        """Look for the task of a purge whose answer was lost; after the last look, give up."""
        now = self._now()
        found = self._find(purge)
        again_at = next_search_at(purge, now)
        if found is not None:
            self._submission.found(purge, found, self._holder)
        elif again_at is not None:
            self._look_again(purge, again_at)
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
            self._look_again(purge, self._now() + FOLLOW_EVERY)

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

    def _look_again(self, purge: Purge, at: datetime) -> None:
        self._store.jobs.look_again(purge, self._holder, at)

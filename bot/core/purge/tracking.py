"""When to poll the CDN about an accepted purge, and when to retry one that it did not accept.

age of the task       next poll
up to 25 s            after 5 s
up to 15 min          after a fifth of its age, at most a minute
older                 after a tenth of its age, rounded up to a half minute, so that many tasks
                      share one request; until the CDN forgets it after three days
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from bot.core.errors import ErrorKind
from bot.core.purge.purge import CompletionStatus, Event, Facts, Purge, State

FORGOTTEN_AFTER = timedelta(days=3)
"""How long the CDN answers for a task (DescribeRefreshTaskById):
https://alibabacloud.com/help/en/cdn/api-describerefreshtaskbyid
"""
SILENT_AFTER = timedelta(minutes=10)
"""When a task that the CDN does not report is shown as such; purges usually take 5 to 6 min."""
_EPOCH = datetime.fromtimestamp(0, UTC)
_HALF_MINUTE = timedelta(seconds=30)
STEP = 10
"""The smallest change of the percentage that is shown: every edit of a card is a call to Slack."""
HELD_AT_MOST = timedelta(hours=1)
"""How long the sending of a purge that the CDN does not accept now is retried."""
SEARCHES = (timedelta(seconds=5), timedelta(seconds=30), timedelta(minutes=2))
"""How long after its answer was lost a task is looked for among the CDN's recent tasks."""
SENT_WITHIN = timedelta(seconds=20)
"""How long after the intent the CDN can have created the task: connecting, sending, answering."""
RIVALS_WITHIN = timedelta(seconds=30)
"""If two purges of a domain were lost within this time, a found task may be of either."""
_NOT_BY_TAG = frozenset({"file", "directory", "regex", "preload", "block", "unblock"})
"""The types of task that the CDN documents.  None of them is a purge by tag."""

TASK_UNKNOWN = ErrorKind(
    code="cdn-task-unreported",
    message="The CDN took the purge but reported no end of it within three days.",
    hint="It has most likely been done long ago. If pages are stale, purge again.",
)


class TaskState(StrEnum):
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Task:
    """The CDN's report on a task.  `percent` (0–100) is None if it reports none."""

    id: str
    state: TaskState
    percent: int | None


@dataclass(frozen=True, slots=True)
class RecentTask:
    """A task in the CDN's list of recent ones.  `kind` and `path` are the CDN's own texts."""

    id: str
    kind: str
    path: str
    at: datetime


@dataclass(frozen=True, slots=True)
class PolledPurge:
    """The fields of a purge that polling needs.  See `Purge`."""

    id: str
    state: State
    task_id: str | None
    sent_at: datetime | None
    notified_at: datetime | None
    seen_at: datetime | None
    percent: int | None


@dataclass(frozen=True, slots=True)
class Judgement:
    """The result of a poll.  No event: nothing changes."""

    event: Event | None = None
    facts: Facts | None = None


def task_ids(purge: Purge | PolledPurge) -> list[str]:
    """Return the IDs of its tasks.  The CDN may return several, joined by commas."""
    return [each for each in (purge.task_id or "").split(",") if each]


def next_look_at(purge: Purge | PolledPurge, now: datetime) -> datetime:
    """Return when the CDN is polled about a purge next."""
    age = now - (purge.sent_at or now)
    if age < timedelta(minutes=15):
        return now + min(max(age / 5, timedelta(seconds=5)), timedelta(minutes=1))
    at = now + age / 10
    return at + -(at - _EPOCH) % _HALF_MINUTE


def judge(purge: Purge | PolledPurge, reports: Mapping[str, Task], now: datetime) -> Judgement:
    """Return what the CDN's reports, by task ID, mean for a submitted or running purge."""
    ids = task_ids(purge)
    known = [reports[each] for each in ids if each in reports]
    age = now - (purge.sent_at or now)
    states = {each.state for each in known}
    if len(known) == len(ids) and TaskState.RUNNING not in states:
        event = Event.FAIL if TaskState.FAILED in states else Event.FINISH
        return Judgement(event, {"percent": None if event is Event.FAIL else 100})
    if age >= FORGOTTEN_AFTER:
        return Judgement(Event.GIVE_UP)
    if not known:
        silent = (
            purge.state is State.SUBMITTED and purge.notified_at is None and age >= SILENT_AFTER
        )
        return Judgement(Event.SILENT) if silent else Judgement()
    percent = sum(
        (each.percent or 0) if each.state is TaskState.RUNNING else 100 for each in known
    ) // len(ids)
    if purge.state is State.RUNNING and abs(percent - (purge.percent or 0)) < STEP:
        return Judgement()
    return Judgement(Event.PROGRESS, {"percent": percent, "seen_at": purge.seen_at or now})


def try_again_at(
    attempt: int, retry_after_s: float | None, jitter: float, now: datetime
) -> datetime:
    """Return when a purge that the CDN did not accept is sent again.

    The wait doubles with each attempt, to at most five minutes, but is at least `retry_after_s`,
    the CDN's own wish in seconds.  `jitter`, from 0 to 1, makes it up to a quarter longer, so that
    not all purges are sent again at the same moment.
    """
    wait_s = max(min(5.0 * 2 ** (attempt - 1), 300.0), retry_after_s or 0.0)
    return now + timedelta(seconds=wait_s * (1 + jitter / 4))


def next_search_at(purge: CompletionStatus, now: datetime) -> datetime | None:
    """Return when the lost task of a purge is looked for next.  None: not any more."""
    lost_at = purge.settled_at or now
    return next((lost_at + span for span in SEARCHES if lost_at + span > now), None)


def found_among(purge: Purge, recent: Iterable[RecentTask], taken: Collection[str]) -> str | None:
    """Return the task ID of a purge whose answer was lost, if exactly one task can be its own.

    The task must have been created while the purge was sent, name the domain, not be of a type that
    is documented for something else, and belong to no other purge (`taken`).  What the CDN lists
    for tasks by tag is not documented: if it is different, nothing is found and a person decides.
    Do not call this if another purge of the domain was lost within RIVALS_WITHIN: the task may
    belong to that one.
    """
    assert purge.sent_at is not None, "only what was sent can be lost"
    slack = timedelta(seconds=2)
    # This domain, but not a longer name that contains it.
    named = re.compile(rf"(?<![\w.-]){re.escape(purge.domain)}(?![\w-]|\.\w)", re.IGNORECASE)
    can_be = [
        task.id
        for task in recent
        if purge.sent_at - slack <= task.at <= purge.sent_at + SENT_WITHIN + slack
        and named.search(task.path)
        and task.kind not in _NOT_BY_TAG
        and task.id not in taken
    ]
    return can_be[0] if len(can_be) == 1 else None


def chunks(ids: Sequence[str], size: int) -> list[list[str]]:
    """Split IDs into lists of at most `size`."""
    return [list(ids[start : start + size]) for start in range(0, len(ids), size)]

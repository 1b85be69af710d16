"""Rules of following a purge that the CDN has taken, and of trying again one that it has not.

how old a task is     when it is asked about again
up to 25 s            after 5 s
up to 15 min          after a fifth of its age, at most a minute
older                 after a tenth of its age, at the next half minute, with all that are due then;
                      until the CDN forgets it after three days
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
"""How long the CDN answers for a task (DescribeRefreshTaskById)."""
SILENT_AFTER = timedelta(minutes=10)
"""When it is said that the CDN does not report on a task; purges usually take 5 to 6 minutes."""
_EPOCH = datetime.fromtimestamp(0, UTC)
_HALF_MINUTE = timedelta(seconds=30)
STEP = 10
"""A card shows progress in steps of so many percent: every edit is a call to Slack."""
HELD_AT_MOST = timedelta(hours=1)
"""How long a purge that the CDN does not take now is tried again."""
SEARCHES = (timedelta(seconds=5), timedelta(seconds=30), timedelta(minutes=2))
"""How long after its answer was lost a task is looked for among the CDN's recent ones."""
SENT_WITHIN = timedelta(seconds=20)
"""How long after the intent the CDN can have made the task: to connect, to send, and to answer."""
RIVALS_WITHIN = timedelta(seconds=30)
"""Two purges of a domain that were lost within this span can each be whose task is found."""
_NOT_BY_TAG = frozenset({"file", "directory", "regex", "preload", "block", "unblock"})
"""Types of task that the CDN documents; none of them is a purge by tag."""

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
    """How far the CDN says that a task has come.  `percent` is None where it gives none."""

    id: str
    state: TaskState
    percent: int | None


@dataclass(frozen=True, slots=True)
class RecentTask:
    """A task in the CDN's list of recent ones: its words for its type and for what it refreshed."""

    id: str
    kind: str
    path: str
    at: datetime


@dataclass(frozen=True, slots=True)
class PolledPurge:
    """What a look needs to know of a purge that the CDN is at work on; see there."""

    id: str
    state: State
    task_id: str | None
    sent_at: datetime | None
    notified_at: datetime | None
    seen_at: datetime | None
    percent: int | None


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a look at a task comes to; no event: the card stays as it is."""

    event: Event | None = None
    facts: Facts | None = None


def task_ids(purge: Purge | PolledPurge) -> list[str]:
    """Give the IDs of its tasks: the CDN may give several, joined by commas."""
    return [each for each in (purge.task_id or "").split(",") if each]


def next_look_at(purge: Purge | PolledPurge, now: datetime) -> datetime:
    """Give when the CDN is asked about a purge again."""
    age = now - (purge.sent_at or now)
    if age < timedelta(minutes=15):
        return now + min(max(age / 5, timedelta(seconds=5)), timedelta(minutes=1))
    at = now + age / 10
    return at + -(at - _EPOCH) % _HALF_MINUTE


def judge(purge: Purge | PolledPurge, reports: Mapping[str, Task], now: datetime) -> Judgement:
    """Give what the CDN's answer about a submitted or running purge comes to."""
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
    """Give when a purge that the CDN did not take is sent again.

    Twice as long each time, at most five minutes, but never before the CDN wants it; `jitter`,
    from 0 to 1, makes it up to a quarter longer, so that not all come back at the same moment.
    """
    wait_s = max(min(5.0 * 2 ** (attempt - 1), 300.0), retry_after_s or 0.0)
    return now + timedelta(seconds=wait_s * (1 + jitter / 4))


def next_search_at(purge: CompletionStatus, now: datetime) -> datetime | None:
    """Give when the lost task of a purge is looked for next; None: it was looked for enough."""
    lost_at = purge.settled_at or now
    return next((lost_at + span for span in SEARCHES if lost_at + span > now), None)


def found_among(purge: Purge, recent: Iterable[RecentTask], taken: Collection[str]) -> str | None:
    """Give the task of a purge whose answer was lost, if exactly one can be it.

    It must have been made while it was sent, name the domain, be of no type that is documented
    for something else, and belong to no other purge.  What the CDN shows of tasks by tag is not
    documented: where that does not fit, nothing is found, and a person decides.  Where another
    purge of the domain was lost within RIVALS_WITHIN, do not ask: the task may be that one's.
    """
    assert purge.sent_at is not None, "only what was sent can be lost"
    slack = timedelta(seconds=2)
    # This domain, and not one that its name is a part of.
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
    """Cut IDs into questions of at most `size`."""
    return [list(ids[start : start + size]) for start in range(0, len(ids), size)]

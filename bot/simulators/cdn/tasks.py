"""A refresh task, whose life is read off the clock: nothing runs in the background.

    created          10 %                                   life_s
      |-- Pending --|------- Refreshing, 0 % … 99 % -------|-- Complete 100 %, or another end

A person at the controls may pin a task to any status.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, get_args

TaskStatus = Literal["Pending", "Refreshing", "Complete", "Failed", "Timeout", "Canceled"]
STATUSES: tuple[TaskStatus, ...] = get_args(TaskStatus)
DESCRIPTIONS = ("Internal Error", "Origin Timeout", "Origin Return StatusCode 5XX")
"""Why a task failed, as published."""
REMEMBERED_S = 3 * 24 * 3600
"""Tasks can be asked for during three days."""
PENDING_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Progress:
    """What a poll sees; `process` is a text such as "40%"."""

    status: TaskStatus
    process: str
    description: str = ""

    @property
    def finished(self) -> bool:
        return self.status not in {"Pending", "Refreshing"}


@dataclass(slots=True)
class Task:
    """One accepted refresh; times are epoch seconds of the simulator's clock."""

    id: str
    domain: str
    object_type: str
    paths: tuple[str, ...]
    created: float
    life_s: float
    tags: tuple[str, ...] = ()
    force: bool = False
    end: Progress = field(default_factory=lambda: Progress("Complete", "100%"))
    pinned: Progress | None = None
    last_poll: float = field(init=False)

    def __post_init__(self) -> None:
        self.last_poll = self.created

    def progress(self, now: float) -> Progress:
        if self.pinned:
            return self.pinned
        age = now - self.created
        if age >= self.life_s:
            return self.end
        pending_s = self.life_s * PENDING_SHARE
        if age < pending_s:
            return Progress("Pending", "0%")
        share = (age - pending_s) / (self.life_s - pending_s)
        return Progress("Refreshing", f"{int(share * 100)}%")

    def pin(
        self, now: float, status: TaskStatus | None, process: str | None, description: str | None
    ) -> None:
        """Stop the clock for this task: what is given from now on, the rest as it is."""
        seen = self.progress(now)
        if process is None:
            process = "100%" if status == "Complete" else seen.process
        self.pinned = Progress(
            status or seen.status,
            process,
            seen.description if description is None else description,
        )

    def rows(self, now: float) -> Iterator[dict[str, str]]:
        """The task as the task operations show it: one row for each path."""
        progress = self.progress(now)
        for path in self.paths:
            yield {
                "TaskId": self.id,
                "ObjectPath": path,
                "ObjectType": self.object_type,
                "Status": progress.status,
                "Process": progress.process,
                "Description": progress.description,
                "CreationTime": utc_text(self.created),
            }


def utc_text(epoch_s: float) -> str:
    """Such as 2026-01-31T08:00:00Z."""
    return datetime.fromtimestamp(epoch_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def read_utc(text: str) -> float:
    """Epoch seconds of such a text.  Errors: ValueError."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp()

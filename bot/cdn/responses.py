"""Parse the JSON of the CDN's answers.

Each `read_…` returns None if the answer does not have the expected form.  Text that is shown in
Slack is accepted only in its expected form, because an answer may come from anywhere.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.cdn.error_codes import request_id_of
from bot.core.purge.tracking import RecentTask, Task, TaskState

MAX_BODY_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer with its JSON object, or {} if the body was none."""

    status: int
    headers: Mapping[str, str]
    document: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Submitted:
    """The CDN accepted the purge.  `task_id` may be several IDs joined by commas."""

    task_id: str
    request_id: str | None


_TASK_STATES = {
    "Complete": TaskState.DONE,
    "Failed": TaskState.FAILED,
    "Timeout": TaskState.FAILED,
    "Canceled": TaskState.FAILED,
}
"""The meaning of the CDN's status of a task.  Any other status means that it is running."""


Quota = dict[str, int]
"""What the account may refresh in a day and what remains, as far as the CDN reports it, under
`url_quota`, `url_remain` and the same for `dir` and `regex`.  It reports nothing about tags.
"""
QUOTA_SORTS = ("url", "dir", "regex")


@dataclass(frozen=True, slots=True)
class Domains:
    """The names on one page of the account's domains, and the total number of domains."""

    page: tuple[str, ...]
    total: int


def json_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object in a body, or {} if it is anything else or too long."""
    if len(body) > MAX_BODY_BYTES:
        return {}
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def read_submitted(answer: Answer) -> Submitted | None:
    """Return the IDs of the task and the request, or None without a well-formed task ID."""
    task_id = _text(answer.document, "RefreshTaskId", r"[0-9A-Za-z_.,-]{1,1000}")
    return Submitted(task_id, request_id_of(answer.headers, answer.document)) if task_id else None


def read_tasks(answer: Answer) -> list[Task] | None:
    """Return the tasks of an answer to a question by ID, `percent` from 0 to 100."""
    rows = answer.document.get("Tasks")
    if not isinstance(rows, list):
        return None
    return [
        Task(
            id=_text(row, "TaskId", r"[0-9A-Za-z_.-]{1,100}"),
            state=_TASK_STATES.get(_text(row, "Status", r"[A-Za-z]{1,40}"), TaskState.RUNNING),
            percent=_number(_text(row, "Process", r"(100|[0-9]{1,2})%").rstrip("%")),
        )
        for row in rows
    ]


def read_recent_tasks(answer: Answer) -> list[RecentTask] | None:
    """Return the tasks of the list, which is nested one level deeper than in an answer by ID."""
    tasks = answer.document.get("Tasks")
    rows = tasks.get("CDNTask") if isinstance(tasks, dict) else None
    if not isinstance(rows, list):
        return None
    listed = []
    for row in rows:
        at = _moment(_text(row, "CreationTime", _UTC))
        task_id = _text(row, "TaskId", r"[0-9A-Za-z_.-]{1,100}")
        if at is not None and task_id:
            kind = _text(row, "ObjectType", r"\w{1,40}")
            path = _text(row, "ObjectPath", r"\S{1,2000}")
            listed.append(RecentTask(task_id, kind, path, at))
    return listed


def read_quota(answer: Answer) -> Quota | None:
    """Return the quotas.  Numbers are strings, under names like `UrlQuota` and `UrlRemain`."""
    names = [(sort, what) for sort in QUOTA_SORTS for what in ("quota", "remain")]
    stated = {
        f"{sort}_{what}": _number(answer.document.get(sort.title() + what.title()))
        for sort, what in names
    }
    return {name: number for name, number in stated.items() if number is not None} or None


def read_domains(answer: Answer) -> Domains | None:
    """Return one page of the domains and their total number."""
    domains, total = answer.document.get("Domains"), _number(answer.document.get("TotalCount"))
    rows = domains.get("PageData") if isinstance(domains, dict) else None
    if not isinstance(rows, list) or total is None:
        return None
    names = (_text(row, "DomainName", r"[0-9A-Za-z*._-]{1,253}") for row in rows)
    return Domains(tuple(names), total)


def _text(row: object, key: str, form: str) -> str:
    value = row.get(key) if isinstance(row, dict) else None
    return value if isinstance(value, str) and re.fullmatch(form, value) else ""


_UTC = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z"


def _moment(text: str) -> datetime | None:
    """Return the time that a text denotes, or None if it is not valid, as in month 13."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _number(value: object) -> int | None:
    return int(str(value)) if re.fullmatch(r"[0-9]{1,15}", str(value)) else None

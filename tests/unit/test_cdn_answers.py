from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.cdn.responses import (
    MAX_BODY_BYTES,
    Answer,
    Domains,
    Submitted,
    json_object,
    read_domains,
    read_quota,
    read_recent_tasks,
    read_submitted,
    read_tasks,
)
from bot.core.purge.tracking import RecentTask, Task, TaskState

REQUEST_ID = "2E5AD83F-BD7B-462E-8319-2E30E305519A"


def answer(**document: object) -> Answer:
    return Answer(200, {}, document)


@pytest.mark.parametrize("task_id", ["17772470184", "1,2,3", "a-b_c.d"])
def test_a_purge_that_was_taken_has_a_task_id(task_id: str) -> None:
    found = read_submitted(answer(RefreshTaskId=task_id, RequestId=REQUEST_ID))
    assert found == Submitted(task_id, REQUEST_ID)


@pytest.mark.parametrize("task_id", ["", " ", "<!channel>", "1\n", 17772470184, None, ["1"], True])
def test_anything_else_is_no_task_id(task_id: object) -> None:
    assert read_submitted(answer(RefreshTaskId=task_id, RequestId=REQUEST_ID)) is None


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("Complete", TaskState.DONE),
        ("Failed", TaskState.FAILED),
        ("Timeout", TaskState.FAILED),
        ("Canceled", TaskState.FAILED),
        ("Refreshing", TaskState.RUNNING),
        ("Pending", TaskState.RUNNING),
        ("Resting", TaskState.RUNNING),
        ("<!channel>", TaskState.RUNNING),
        (None, TaskState.RUNNING),
    ],
)
def test_a_task_is_done_or_failed_or_else_under_way(status: object, state: TaskState) -> None:
    """A description is no sign of failure: complete tasks can have one."""
    row = {"TaskId": "1", "Status": status, "Description": "Internal Error"}
    assert [task.state for task in read_tasks(answer(Tasks=[row])) or []] == [state]


@pytest.mark.parametrize(
    ("process", "percent"),
    [
        *(("100%", 100), ("0%", 0), ("7%", 7)),
        *(("", None), ("half", None), (40, None)),
        *(("999%", None), ("101%", None), ("-5%", None), ("1e2%", None), ("12.5%", None)),
    ],
)
def test_progress_is_told_where_the_cdn_tells_it(process: object, percent: int | None) -> None:
    row = {"TaskId": "1", "Status": "Refreshing", "Process": process}
    assert [task.percent for task in read_tasks(answer(Tasks=[row])) or []] == [percent]


def test_the_quota_is_read_from_strings_and_what_is_missing_stays_unknown() -> None:
    found = read_quota(answer(UrlQuota="10000", UrlRemain="9", DirQuota="many", RegexQuota=20))
    assert found == {"url_quota": 10000, "url_remain": 9, "regex_quota": 20}


def test_domains_have_a_name() -> None:
    rows = [{"DomainName": "www.example.com", "DomainStatus": "online"}, {"DomainName": "a b"}]
    found = read_domains(answer(Domains={"PageData": rows}, TotalCount=12))
    assert found == Domains(("www.example.com", ""), 12)


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"[]", b"1", b"{", b"\xff", b"[" * 100_000, b"1" * 5000],
    ids=lambda body: repr(body[:5]),
)
def test_a_body_that_is_no_object_counts_as_empty(body: bytes) -> None:
    assert json_object(body) == {}


def test_a_body_over_the_limit_counts_as_empty() -> None:
    body = json.dumps({"a": "x" * (MAX_BODY_BYTES - 9)}).encode()
    assert len(body) == MAX_BODY_BYTES
    assert json_object(body) != {}
    assert json_object(body + b" ") == {}


def recent(**row: object) -> list[RecentTask] | None:
    return read_recent_tasks(answer(Tasks={"CDNTask": [row]}))


ROW = {
    "TaskId": "17772470184",
    "ObjectType": "tag",
    "ObjectPath": "www.example.com?hero",
    "CreationTime": "2026-03-01T12:00:03Z",
}


def test_a_recent_task_is_what_the_list_says_of_it() -> None:
    at = datetime(2026, 3, 1, 12, 0, 3, tzinfo=UTC)
    assert recent(**ROW) == [RecentTask("17772470184", "tag", "www.example.com?hero", at)]


@pytest.mark.parametrize(
    "moment",
    [
        "2024-13-01T00:00:00Z",
        "2024-02-30T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "2024-01-01T25:00:00Z",
        "٢٠٢٤-٠١-٠١T٠٠:٠٠:٠٠Z",
        "2024-01-01T00:00:00",
        "2024-01-01",
        "",
        None,
        1709294403,
    ],
)
def test_a_recent_task_without_a_moment_is_passed_over_and_the_others_are_read(
    moment: object,
) -> None:
    rows = [ROW | {"CreationTime": moment}, ROW]
    found = read_recent_tasks(answer(Tasks={"CDNTask": rows}))
    assert found is not None
    assert found == recent(**ROW)


@pytest.mark.parametrize("tasks", [None, [], [ROW], {}, {"CDNTask": None}, {"CDNTask": ROW}])
def test_what_is_no_list_of_recent_tasks_is_none(tasks: object) -> None:
    assert read_recent_tasks(answer(Tasks=tasks)) is None


texts = st.sampled_from(
    [
        "1",
        "Complete",
        "50%",
        "tag",
        "www.example.com",
        "2026-03-01T12:00:03Z",
        "<!channel>",
        "\n",
        "",
    ]
)
values = texts | st.text(max_size=5) | st.none() | st.integers() | st.lists(texts, max_size=2)
COLUMNS = ["TaskId", "Status", "Process", "ObjectType", "ObjectPath", "CreationTime", "DomainName"]
rows = st.lists(st.dictionaries(st.sampled_from(COLUMNS), values) | values, max_size=3)
lists = st.dictionaries(st.sampled_from(["CDNTask", "PageData"]), rows | values)
documents = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(["RefreshTaskId", "RequestId", "UrlQuota", "TotalCount"], values | rows),
        **dict.fromkeys(["Tasks", "Domains"], values | rows | lists),
    },
)


@given(documents)
@example({"RefreshTaskId": "<!channel>", "Tasks": [ROW | {"TaskId": "<!channel>"}]})
@example({"Tasks": {"CDNTask": [ROW | {"TaskId": "<!channel>"}]}})
@example({"Tasks": {"CDNTask": [ROW | {"CreationTime": "2024-13-01T00:00:00Z"}]}})
def test_whatever_comes_a_reader_gives_what_it_promises_or_none(
    document: dict[str, object],
) -> None:
    some = answer(**document)
    submitted, quota, domains = read_submitted(some), read_quota(some), read_domains(some)
    assert submitted is None or is_plain(submitted.task_id)
    assert quota is None or all(type(each) is int for each in quota.values())
    assert domains is None or all(type(each) is str for each in domains.page)
    tasks: list[Any] = [*(read_tasks(some) or []), *(read_recent_tasks(some) or [])]
    for task in tasks:
        assert type(task) in {Task, RecentTask}
        assert is_plain(task.id)


def is_plain(text: str) -> bool:
    """Whether Slack shows a text as it is: no mention, no link, nothing that breaks the line."""
    return not set(text) & set("<>&") and "".join(text.split()) == text

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.cdn.answers import (
    MAX_BODY_BYTES,
    Answer,
    Domain,
    Domains,
    Quota,
    Submitted,
    TaskState,
    json_object,
    read_domains,
    read_quota,
    read_submitted,
    read_tasks,
)

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
    ("process", "percent"), [("100%", 100), ("0%", 0), ("", None), ("half", None), (40, None)]
)
def test_progress_is_told_where_the_cdn_tells_it(process: object, percent: int | None) -> None:
    row = {"TaskId": "1", "Status": "Refreshing", "Process": process}
    assert [task.percent for task in read_tasks(answer(Tasks=[row])) or []] == [percent]


def test_the_quota_is_read_from_strings_and_what_is_missing_stays_unknown() -> None:
    found = read_quota(answer(UrlQuota="10000", UrlRemain="9", DirQuota="many", RegexQuota=20))
    assert found == Quota(10000, 9, None, None, 20, None)


def test_domains_have_a_name_and_a_status() -> None:
    rows = [{"DomainName": "www.example.com", "DomainStatus": "online"}, {"DomainName": "a b"}]
    found = read_domains(answer(Domains={"PageData": rows}, TotalCount=12))
    assert found == Domains((Domain("www.example.com", "online"), Domain("", "")), 12)


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


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
KEYS = ["RefreshTaskId", "RequestId", "Tasks", "UrlQuota", "Domains", "TotalCount"]
rows = st.dictionaries(st.sampled_from(["TaskId", "Status", "Process", "PageData"]), anything)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(KEYS), anything | rows | st.lists(rows)))
def test_no_answer_breaks_the_reader(document: dict[str, object]) -> None:
    """It gives a value or None, whatever comes."""
    for read in (read_submitted, read_tasks, read_quota, read_domains):
        read(answer(**document))

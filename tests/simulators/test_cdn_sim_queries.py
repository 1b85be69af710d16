"""What the CDN tells about tasks, quotas and domains."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.simulators.cdn_sim import NOON, Cdn


def by_id(cdn: Cdn, ids: str) -> list[dict[str, str]]:
    answer = cdn.call("DescribeRefreshTaskById", {"TaskId": ids}).json()
    assert answer["TotalCount"] == len(answer["Tasks"])
    return list(answer["Tasks"])


def listed(cdn: Cdn, **params: str) -> dict[str, Any]:
    return dict(cdn.call("DescribeRefreshTasks", params).json())


def utc(offset_s: float = 0) -> str:
    return datetime.fromtimestamp(NOON + offset_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def purged(cdn: Cdn, **params: str) -> str:
    return str(cdn.purge(**params).json()["RefreshTaskId"])


# --- the life of a task ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("age_s", "status", "process"),
    [
        (0, "Pending", "0%"),
        (1.9, "Pending", "0%"),
        (2, "Refreshing", "0%"),
        (11, "Refreshing", "50%"),
        (19.99, "Refreshing", "99%"),
        (20, "Complete", "100%"),
        (4000, "Complete", "100%"),
    ],
)
def test_a_task_moves_on_with_the_clock(cdn: Cdn, age_s: float, status: str, process: str) -> None:
    task_id = purged(cdn)
    cdn.now += age_s
    (row,) = by_id(cdn, task_id)
    assert (row["Status"], row["Process"]) == (status, process)


def test_a_row_is_made_of_texts(cdn: Cdn) -> None:
    (row,) = by_id(cdn, purged(cdn))
    assert all(isinstance(value, str) for value in row.values())
    assert row["CreationTime"] == "2026-03-04T12:00:00Z"
    assert set(row) == {
        "TaskId", "ObjectPath", "ObjectType", "Status", "Process", "Description", "CreationTime"
    }  # fmt: skip


@pytest.mark.parametrize("end", ["Failed", "Timeout", "Canceled"])
def test_a_task_may_end_badly(cdn: Cdn, end: str) -> None:
    cdn.set(task_end=end, task_description="Origin Timeout")
    task_id = purged(cdn)
    assert by_id(cdn, task_id)[0]["Description"] == ""
    cdn.now += 20
    (row,) = by_id(cdn, task_id)
    assert (row["Status"], row["Description"]) == (end, "Origin Timeout")


def test_a_new_setting_does_not_change_tasks_under_way(cdn: Cdn) -> None:
    task_id = purged(cdn)
    cdn.set(task_seconds=0)
    assert by_id(cdn, task_id)[0]["Status"] == "Pending"
    assert by_id(cdn, purged(cdn))[0]["Status"] == "Complete"


@pytest.mark.parametrize(("stale", "first"), [(True, "Pending"), (False, "Complete")])
def test_the_first_poll_may_show_an_old_state(cdn: Cdn, stale: bool, first: str) -> None:
    cdn.set(stale_reads=stale)
    task_id = purged(cdn)
    cdn.now += 30
    assert [by_id(cdn, task_id)[0]["Status"] for _ in range(2)] == [first, "Complete"]


@pytest.mark.parametrize(("age_s", "rows"), [(3 * 86_400, 1), (3 * 86_400 + 1, 0)])
def test_a_task_is_remembered_for_three_days(cdn: Cdn, age_s: int, rows: int) -> None:
    task_id = purged(cdn)
    cdn.now += age_s
    assert len(by_id(cdn, task_id)) == rows
    assert len(listed(cdn)["Tasks"]["CDNTask"]) == rows


@pytest.mark.parametrize(("known", "rows"), [(True, 1), (False, 0)])
def test_tag_tasks_may_be_unknown_to_queries(cdn: Cdn, known: bool, rows: int) -> None:
    cdn.set(knows_tag_tasks=known)
    cdn.call("RefreshObjectCaches", {"ObjectPath": "http://www.example.com/a"})
    assert len(by_id(cdn, purged(cdn))) == rows
    assert listed(cdn)["TotalCount"] == 1 + rows


# --- asking for tasks -----------------------------------------------------------------------


def test_ten_ids_may_be_asked_for_at_once_and_unknown_ones_are_left_out(cdn: Cdn) -> None:
    known = [purged(cdn), purged(cdn)]
    ids = [*known, *map(str, range(8))]
    assert [row["TaskId"] for row in by_id(cdn, ",".join(ids))] == known
    answer = cdn.call("DescribeRefreshTaskById", {"TaskId": ",".join([*ids, "8"])})
    assert answer.json()["Code"] == "InvalidTaskId.Malformed"


@pytest.mark.parametrize(
    ("ids", "code"), [("", "MissingTaskId"), ("abc", "InvalidTaskId.Malformed")]
)
def test_an_id_is_a_number(cdn: Cdn, ids: str, code: str) -> None:
    assert cdn.code(action="DescribeRefreshTaskById", params={"TaskId": ids}) == code


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({}, "none"),
        ({"ObjectType": "file"}, "none"),
        ({"DomainName": "www.example.com", "ObjectType": "file"}, "none"),
        ({"Status": "Timeout", "ObjectType": "file"}, "none"),
        ({"StartTime": utc(-60), "EndTime": utc()}, "none"),
        ({"PageNumber": "100000", "PageSize": "100"}, "none"),
        ({"DomainName": "www.example.com"}, "MissingParameter.ObjectType"),
        ({"Status": "Complete"}, "MissingParameter.ObjectType"),
        ({"ObjectType": "cachetag"}, "InvalidObjectType.ValueNotSupported"),
        ({"Status": "Pending", "ObjectType": "file"}, "InvalidStatus.ValueNotSupported"),
        ({"DomainName": "a.example", "ObjectType": "file"}, "InvalidDomain.NotFound"),
        ({"StartTime": utc()}, "MissingTimeParameter"),
        ({"EndTime": utc()}, "MissingTimeParameter"),
        ({"StartTime": "yesterday", "EndTime": utc()}, "InvalidStartTime.Malformed"),
        ({"StartTime": utc(), "EndTime": "2026-03-04"}, "InvalidEndTime.Malformed"),
        ({"StartTime": utc(), "EndTime": utc()}, "InvalidEndTime.Mismatch"),
        ({"StartTime": utc(-259_201), "EndTime": utc()}, "InvalidStartTime.ValueNotSupported"),
        ({"TaskId": "x"}, "InvalidTaskId.Malformed"),
        ({"PageNumber": "0"}, "InvalidParameters"),
        ({"PageNumber": "100001"}, "InvalidParameters"),
        ({"PageSize": "101"}, "InvalidParameters"),
        ({"PageSize": "ten"}, "InvalidParameters"),
    ],
    ids=str,
)
def test_a_list_of_tasks_has_rules(cdn: Cdn, params: dict[str, str], code: str) -> None:
    assert cdn.code(action="DescribeRefreshTasks", params=params) == code


def test_a_list_of_tasks_is_filtered(cdn: Cdn) -> None:
    cdn.set(rates={})
    a_file, a_dir = "http://www.example.com/a", "http://img.example.com/d/"
    cdn.call("RefreshObjectCaches", {"ObjectPath": a_file})
    cdn.now += 30
    directory = {"ObjectPath": a_dir, "ObjectType": "Directory"}
    dir_id = cdn.call("RefreshObjectCaches", directory).json()["RefreshTaskId"]

    def paths(**params: str) -> list[str]:
        return [row["ObjectPath"] for row in listed(cdn, **params)["Tasks"]["CDNTask"]]

    assert paths() == [a_dir, a_file]
    assert paths(ObjectType="file") == [a_file]
    assert paths(ObjectPath=a_dir) == [a_dir]
    assert paths(TaskId=dir_id) == [a_dir]
    assert paths(DomainName="img.example.com", ObjectType="directory") == [a_dir]
    assert paths(DomainName="img.example.com", ObjectType="file") == []
    assert paths(Status="Complete", ObjectType="file") == [a_file]
    assert paths(Status="Complete", ObjectType="directory") == []
    assert paths(StartTime=utc(-1), EndTime=utc(1)) == [a_file]
    assert paths(StartTime=utc(29), EndTime=utc(31)) == [a_dir]


def test_a_list_of_tasks_comes_in_pages(cdn: Cdn) -> None:
    ids = [purged(cdn) for _ in range(21)][::-1]
    first = listed(cdn)
    assert [row["TaskId"] for row in first["Tasks"]["CDNTask"]] == ids[:20]
    assert [first[name] for name in ("PageNumber", "PageSize", "TotalCount")] == [1, 20, 21]
    last = listed(cdn, PageNumber="3", PageSize="10")
    assert [row["TaskId"] for row in last["Tasks"]["CDNTask"]] == ids[20:]


# --- domains --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("params", "names"),
    [
        ({}, ["www.example.com", "shop.example.com", "img.example.com", "docs.example.org"]),
        ({"DomainName": "img.example.com,nobody.example"}, ["img.example.com"]),
        ({"DomainName": "example"}, []),
        ({"DomainName": "docs", "DomainSearchType": "pre_match"}, ["docs.example.org"]),
        ({"DomainName": ".org", "DomainSearchType": "suf_match"}, ["docs.example.org"]),
        ({"DomainName": "hop.ex", "DomainSearchType": "fuzzy_match"}, ["shop.example.com"]),
        ({"DomainStatus": "offline"}, ["shop.example.com"]),
        ({"CdnType": "video"}, []),
        ({"Coverage": "overseas"}, []),
        ({"PageSize": "2", "PageNumber": "2"}, ["img.example.com", "docs.example.org"]),
    ],
    ids=str,
)
def test_the_accounts_domains_are_listed(
    cdn: Cdn, params: dict[str, str], names: list[str]
) -> None:
    cdn.set(domain_status={"shop.example.com": "offline"})
    page = cdn.call("DescribeUserDomains", params).json()["Domains"]["PageData"]
    assert [domain["DomainName"] for domain in page] == names


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"PageSize": "500"}, "none"),
        ({"PageSize": "501"}, "InvalidParameters"),
        ({"DomainStatus": "asleep"}, "InvalidParameters"),
        ({"DomainSearchType": "guess"}, "InvalidParameters"),
        ({"DomainName": ",".join(["a.example"] * 50)}, "none"),
        ({"DomainName": ",".join(["a.example"] * 51)}, "DomainNameOverLimit"),
    ],
)
def test_a_list_of_domains_has_rules(cdn: Cdn, params: dict[str, str], code: str) -> None:
    assert cdn.code(action="DescribeUserDomains", params=params) == code


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("img.example.com", "none"),
        ("", "MissingDomainName"),
        ("a.example", "InvalidDomain.NotFound"),
    ],
)
def test_one_domain_can_be_looked_at(cdn: Cdn, name: str, code: str) -> None:
    answer = cdn.call("DescribeCdnDomainDetail", {"DomainName": name}).json()
    assert answer.get("Code", "none") == code
    if code == "none":
        assert answer["GetDomainDetailModel"]["DomainStatus"] == "online"

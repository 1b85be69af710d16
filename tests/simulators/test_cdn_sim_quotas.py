"""How often and how much may be asked of the CDN."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulators.cdn_sim import NOON, PURGE, Cdn

MIDNIGHT_IN_SHANGHAI = NOON + 4 * 3600
A_FILE = "http://www.example.com/a.html"


def quota(cdn: Cdn) -> dict[str, Any]:
    return dict(cdn.control("GET", "state")["quota"])


def refresh_urls(cdn: Cdn, path: str = A_FILE, object_type: str = "File") -> str:
    return cdn.code(
        action="RefreshObjectCaches", params={"ObjectPath": path, "ObjectType": object_type}
    )


# --- quotas ---------------------------------------------------------------------------------


def test_each_tag_counts_and_a_day_has_its_limit(cdn: Cdn) -> None:
    cdn.set(per_day=3)
    assert cdn.purge(CacheTag="a,b").status_code == 200
    answer = cdn.purge(CacheTag="a,b")
    assert (answer.status_code, answer.json()["Code"]) == (400, "QuotaExceeded.Refresh")
    assert "daily limit" in answer.json()["Message"]
    assert cdn.purge(CacheTag="c").status_code == 200
    assert (quota(cdn)["used_today"], quota(cdn)["per_day"]) == (3, 3)


def test_the_day_ends_at_midnight_in_shanghai(cdn: Cdn) -> None:
    cdn.set(per_day=1)
    assert cdn.code() == "none"
    assert quota(cdn)["resets_at"] == MIDNIGHT_IN_SHANGHAI
    cdn.now = MIDNIGHT_IN_SHANGHAI - 1
    assert cdn.code() == "QuotaExceeded.Refresh"
    cdn.now = MIDNIGHT_IN_SHANGHAI
    assert cdn.code() == "none"
    assert cdn.code() == "QuotaExceeded.Refresh"


def test_a_minute_has_its_limit_and_slides(cdn: Cdn) -> None:
    cdn.set(per_minute=2)
    assert cdn.code() == "none"
    cdn.now += 30
    assert cdn.code() == "none"
    refusal = cdn.call().json()
    assert refusal["Code"] == "QuotaPerMinuteExceeded.Refresh"
    assert refusal["Message"] == "You've exceeded the prescribed refresh limits per minute."
    assert quota(cdn)["used_minute"] == 2
    cdn.now += 30
    assert quota(cdn)["used_minute"] == 1
    assert cdn.code() == "none"


def test_a_refused_purge_uses_up_nothing(cdn: Cdn) -> None:
    cdn.purge(DomainName="www.example.net")
    cdn.set(queue_size=0)
    assert cdn.code() == "TooMany.Refresh"
    assert (quota(cdn)["used_today"], quota(cdn)["used_minute"]) == (0, 0)


def test_the_queue_has_room_again_when_tasks_are_done(cdn: Cdn) -> None:
    cdn.set(queue_size=1)
    assert cdn.code() == "none"
    assert cdn.code() == "TooMany.Refresh"
    cdn.now += 20
    assert cdn.code() == "none"


@pytest.mark.parametrize(
    ("tag_quota", "used"),
    [("own", {}), ("url", {"UrlRemain": "9998"}), ("directory", {"DirRemain": "98"})],
)
def test_which_quota_tags_use_up_is_a_switch(
    cdn: Cdn, tag_quota: str, used: dict[str, str]
) -> None:
    full = cdn.call("DescribeRefreshQuota", {}).json()
    cdn.set(tag_quota=tag_quota)
    cdn.purge(CacheTag="a,b")
    left = cdn.call("DescribeRefreshQuota", {}).json()
    ids = {"RequestId": left["RequestId"]}
    assert left == {**full, **used, **ids}
    assert quota(cdn)["used_today"] == 2


def test_quotas_are_texts_and_know_no_tags(cdn: Cdn) -> None:
    answer = cdn.call("DescribeRefreshQuota", {}).json()
    assert all(isinstance(value, str) for value in answer.values())
    assert (answer["UrlQuota"], answer["DirQuota"], answer["RegexQuota"]) == ("10000", "100", "20")
    assert not [name for name in answer if "tag" in name.lower()]


@pytest.mark.parametrize(
    ("setting", "object_type", "path"),
    [
        ("url_per_day", "File", A_FILE),
        ("directory_per_day", "Directory", "http://www.example.com/d/"),
        ("regex_per_day", "Regex", "http://www.example.com/.*"),
        ("ignore_params_per_day", "ExQuery", A_FILE),
        ("ignore_params_per_day", "IgnoreParams", A_FILE),
    ],
)
def test_each_kind_of_refresh_has_its_own_day(
    cdn: Cdn, setting: str, object_type: str, path: str
) -> None:
    cdn.set(**{setting: 1})
    assert refresh_urls(cdn, path, object_type) == "none"
    assert refresh_urls(cdn, path, object_type) == "QuotaExceeded.Refresh"
    assert cdn.code() == "none"


def test_the_urls_of_a_minute_are_counted_for_each_domain(cdn: Cdn) -> None:
    cdn.set(url_per_minute=1)
    assert refresh_urls(cdn) == "none"
    assert refresh_urls(cdn) == "QuotaPerMinuteExceeded.Refresh"
    assert refresh_urls(cdn, "http://img.example.com/") == "none"
    cdn.now += 60
    assert refresh_urls(cdn) == "none"


# --- calls per second -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "params", "rate"),
    [
        ("DescribeRefreshTasks", {}, 5),
        ("DescribeRefreshQuota", {}, 20),
        ("DescribeRefreshTaskById", {"TaskId": "1"}, 30),
        (PURGE, None, 50),
    ],
)
def test_an_operation_may_be_called_so_often_in_a_second(
    cdn: Cdn, action: str, params: dict[str, str] | None, rate: int
) -> None:
    cdn.set(per_minute=1000)
    assert {cdn.code(action=action, params=params) for _ in range(rate)} == {"none"}
    cdn.now += 0.75
    answer = cdn.call(action, params)
    assert (answer.status_code, answer.json()["Code"]) == (400, "Throttling.User")
    assert answer.headers["x-acs-retry-after"] == "250"
    cdn.now += 0.25
    assert cdn.code(action=action, params=params) == "none"


def test_other_operations_are_not_slowed_down(cdn: Cdn) -> None:
    cdn.set(rates={"DescribeRefreshTasks": 1})
    assert cdn.code(action="DescribeRefreshTasks", params={}) == "none"
    assert cdn.code(action="DescribeRefreshTasks", params={}) == "Throttling.User"
    assert cdn.code(action="DescribeRefreshQuota", params={}) == "none"
    assert cdn.code(action="DescribeRefreshQuota", params={}) == "none"

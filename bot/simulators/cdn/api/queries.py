"""The operations that only look: tasks, quotas and domains.

DescribeRefreshTaskById   Tasks: [row…]               at most 10 ids, three days back
DescribeRefreshTasks      Tasks: {"CDNTask": [row…]}  filters and pages, three days back
DescribeRefreshQuota      every number as a text; tags have no field
DescribeUserDomains       Domains: {"PageData": [domain…]}
DescribeCdnDomainDetail   GetDomainDetailModel: {…}
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar, get_args

from bot.simulators.cdn.account import Account
from bot.simulators.cdn.api.refresh import daily_limits, required, used_today
from bot.simulators.cdn.catalogue import ApiError
from bot.simulators.cdn.settings import DomainStatus
from bot.simulators.cdn.tasks import REMEMBERED_S, Task, read_utc

Row = TypeVar("Row")
MAX_IDS = 10
MAX_PAGE_NUMBER = 100_000
LISTED_TYPES = ("file", "directory", "regex", "preload", "block", "unblock")
LISTED_STATUSES = ("Complete", "Refreshing", "Failed", "Timeout", "Canceled")
QUOTA_FIELDS = {
    "Url": "url",
    "Dir": "directory",
    "Regex": "regex",
    "IgnoreParams": "ignore_params",
}
UNUSED_QUOTAS = {"Preload": 1000, "PreloadEdge": 1000, "Block": 300}
ONLINE_SINCE = "2026-01-05T08:00:00Z"
NAME_MATCHES: dict[str, Callable[[str, str], bool]] = {
    "fuzzy_match": lambda name, part: part in name,
    "pre_match": str.startswith,
    "suf_match": str.endswith,
    "full_match": str.__eq__,
}


def describe_refresh_task_by_id(account: Account, params: Mapping[str, str]) -> dict[str, Any]:
    ids = _task_ids(required(params, "TaskId"))
    rows = [row for task in _recent(account, ids) for row in _poll(account, task)]
    return {"TotalCount": len(rows), "Tasks": rows}


def describe_refresh_tasks(account: Account, params: Mapping[str, str]) -> dict[str, Any]:
    _check_filters(account, params)
    start, end = _time_range(account, params)
    ids = _task_ids(params["TaskId"]) if params.get("TaskId") else None
    domain = params.get("DomainName", "").lower()
    wanted = {
        field: params[field]
        for field in ("ObjectType", "Status", "ObjectPath")
        if params.get(field)
    }
    rows = [
        row
        for task in reversed(_recent(account, ids))
        if (not domain or task.domain == domain) and start <= task.created <= end
        for row in _poll(account, task)
        if wanted.items() <= row.items()
    ]
    page, paging = _page(rows, params, max_size=100)
    return {**paging, "Tasks": {"CDNTask": page}}


def describe_refresh_quota(account: Account, params: Mapping[str, str]) -> dict[str, Any]:  # noqa: ARG001
    limits = daily_limits(account)
    answer: dict[str, str] = {}
    for field, quota in QUOTA_FIELDS.items():
        answer[f"{field}Quota"] = str(limits[quota])
        answer[f"{field}Remain"] = str(max(0, limits[quota] - used_today(account, quota)))
    for field, limit in UNUSED_QUOTAS.items():
        answer |= {f"{field}Quota": str(limit), f"{field}Remain": str(limit)}
    return answer


def describe_user_domains(account: Account, params: Mapping[str, str]) -> dict[str, Any]:
    names = [name.strip().lower() for name in params.get("DomainName", "").split(",") if name]
    if len(names) > 50:
        raise ApiError("DomainNameOverLimit")
    matches = NAME_MATCHES.get(params.get("DomainSearchType", "full_match"))
    status = params.get("DomainStatus")
    if matches is None or (status and status not in get_args(DomainStatus)):
        raise ApiError("InvalidParameters")
    domains = [
        _domain(account, name)
        for name in account.settings.domains
        if not names or any(matches(name, part) for part in names)
    ]
    chosen = [
        domain
        for domain in domains
        if (not status or domain["DomainStatus"] == status)
        and params.get("CdnType", domain["CdnType"]) == domain["CdnType"]
        and params.get("Coverage", domain["Coverage"]) == domain["Coverage"]
    ]
    page, paging = _page(chosen, params, max_size=500)
    return {**paging, "Domains": {"PageData": page}}


def describe_cdn_domain_detail(account: Account, params: Mapping[str, str]) -> dict[str, Any]:
    name = required(params, "DomainName").lower()
    if name not in account.settings.domains:
        raise ApiError("InvalidDomain.NotFound")
    domain = _domain(account, name)
    same = ("DomainName", "DomainStatus", "CdnType", "Cname", "GmtCreated", "GmtModified")
    return {
        "GetDomainDetailModel": {
            **{field: domain[field] for field in (*same, "ResourceGroupId", "Description")},
            "HttpsCname": domain["Cname"],
            "Scope": domain["Coverage"],
            "ServerCertificateStatus": domain["SslProtocol"],
            "SourceModels": {"SourceModel": domain["Sources"]["Source"]},
        }
    }


def _recent(account: Account, ids: set[str] | None) -> list[Task]:
    """The tasks that may still be asked for, of these ids if any are given."""
    oldest = account.now() - REMEMBERED_S
    return [
        task
        for task in account.tasks
        if (ids is None or task.id in ids)
        and task.created >= oldest
        and (account.settings.knows_tag_tasks or not task.tags)
    ]


def _poll(account: Account, task: Task) -> Iterable[dict[str, str]]:
    """The task's rows.  A poll sets the state moving, so it may show what the last one found."""
    now = account.now()
    shown = task.last_poll if account.settings.stale_reads else now
    task.last_poll = now
    return task.rows(shown)


def _task_ids(text: str) -> set[str]:
    ids = text.split(",")
    if len(ids) > MAX_IDS or not all(part.strip().isdecimal() for part in ids):
        raise ApiError("InvalidTaskId.Malformed")
    return {part.strip() for part in ids}


def _check_filters(account: Account, params: Mapping[str, str]) -> None:
    object_type, status, domain = (
        params.get(name, "") for name in ("ObjectType", "Status", "DomainName")
    )
    if (domain or status) and not object_type:
        raise ApiError("MissingParameter.ObjectType")
    if object_type and object_type not in LISTED_TYPES:
        raise ApiError("InvalidObjectType.ValueNotSupported")
    if status and status not in LISTED_STATUSES:
        raise ApiError("InvalidStatus.ValueNotSupported")
    if domain and domain.lower() not in account.settings.domains:
        raise ApiError("InvalidDomain.NotFound")


def _time_range(account: Account, params: Mapping[str, str]) -> tuple[float, float]:
    """Start and end in epoch seconds; three days back when none is asked for."""
    now = account.now()
    sent = [params.get("StartTime", ""), params.get("EndTime", "")]
    if not any(sent):
        return now - REMEMBERED_S, now
    if not all(sent):
        raise ApiError("MissingTimeParameter")
    times = []
    for name, text in zip(("StartTime", "EndTime"), sent, strict=True):
        try:
            times.append(read_utc(text))
        except ValueError:
            raise ApiError(f"Invalid{name}.Malformed") from None
    start, end = times
    if end <= start:
        raise ApiError("InvalidEndTime.Mismatch")
    if start < now - REMEMBERED_S:
        raise ApiError("InvalidStartTime.ValueNotSupported")
    return start, end


def _page(
    rows: Sequence[Row], params: Mapping[str, str], max_size: int
) -> tuple[Sequence[Row], dict[str, int]]:
    """One page of the rows, and the three fields that say which one."""
    number = _whole(params.get("PageNumber", "1"), MAX_PAGE_NUMBER)
    size = _whole(params.get("PageSize", "20"), max_size)
    page = rows[(number - 1) * size : number * size]
    return page, {"PageNumber": number, "PageSize": size, "TotalCount": len(rows)}


def _whole(text: str, most: int) -> int:
    if not (text.isdecimal() and len(text) < 9 and 1 <= int(text) <= most):
        raise ApiError("InvalidParameters")
    return int(text)


def _domain(account: Account, name: str) -> dict[str, Any]:
    return {
        "DomainName": name,
        "DomainStatus": account.settings.domain_status.get(name, "online"),
        "DomainId": 1_000_000 + account.settings.domains.index(name),
        "Cname": f"{name}.w.kunlunsl.example",
        "CdnType": "web",
        "Coverage": "global",
        "GmtCreated": ONLINE_SINCE,
        "GmtModified": ONLINE_SINCE,
        "SslProtocol": "on",
        "Sandbox": "normal",
        "Description": "",
        "ResourceGroupId": "rg-playground",
        "Sources": {
            "Source": [{"Content": f"origin.{name}", "Type": "domain", "Port": 443, "Weight": "10"}]
        },
    }

"""The operations that empty caches, and the quotas they use up.

    RefreshObjectCacheByCacheTag   DomainName, CacheTag (comma-separated), Force
    RefreshObjectCaches            ObjectPath (one per line), ObjectType, Force

Both answer RefreshTaskId.  Refusals are ApiError; a refused call uses up no quota.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from bot.simulators.cdn.account import FIRST_TASK_ID, Account
from bot.simulators.cdn.catalogue import ApiError
from bot.simulators.cdn.ledger import MINUTE_S
from bot.simulators.cdn.tasks import Progress, Task

MAX_CACHE_TAG_CHARS = 16_384
MAX_DOMAINS = 10
BOOLEANS = {"true": True, "True": True, "false": False, "False": False}
# The official Python client sends Python's spelling, other clients the documented one.
OBJECT_TYPES = {  # as sent → quota, ObjectType shown by the task operations, most per call
    "file": ("url", "file", 1000),
    "directory": ("directory", "directory", 100),
    "regex": ("regex", "regex", 1),
    "exquery": ("ignore_params", "file", 1000),
    "ignoreparams": ("ignore_params", "file", 1000),
}


def refresh_by_cache_tag(account: Account, params: Mapping[str, str]) -> dict[str, Any]:
    domain = find_domain(account, required(params, "DomainName"))
    cache_tag = required(params, "CacheTag")
    tags = tuple(tag for tag in cache_tag.split(",") if tag.strip())
    if not tags or len(cache_tag) > MAX_CACHE_TAG_CHARS:
        raise ApiError("InvalidParameters")
    force = _boolean(params.get("Force", "false"))
    _spend_tags(account, len(tags), domain)
    settings = account.settings
    ids = [
        _start(account, domain, settings.tag_object_type, (domain,), tags=tags, force=force)
        for _ in range(2 if settings.joined_ids else 1)
    ]
    return {"RefreshTaskId": ",".join(ids)}


def refresh_object_caches(account: Account, params: Mapping[str, str]) -> dict[str, Any]:
    lines = required(params, "ObjectPath").splitlines()
    paths = [line.strip() for line in lines if line.strip()]
    sent_type = params.get("ObjectType", "File").lower()
    if sent_type not in OBJECT_TYPES:
        raise ApiError("InvalidObjectType.Malformed")
    quota, object_type, most = OBJECT_TYPES[sent_type]
    if not paths:
        raise ApiError("InvalidObjectPath.Malformed")
    if len(paths) > most:
        raise ApiError("SingleRequest.OverLimit")
    _boolean(params.get("Force", "false"))
    by_domain: dict[str, list[str]] = {}
    for path in paths:
        host = _host(path)
        if not host or (sent_type == "directory" and not path.endswith("/")):
            raise ApiError("InvalidObjectPath.Malformed")
        by_domain.setdefault(find_domain(account, host), []).append(path)
    if len(by_domain) > MAX_DOMAINS:
        raise ApiError("InvalidParameters")
    _spend_paths(account, quota, {domain: len(group) for domain, group in by_domain.items()})
    ids = [
        _start(account, domain, object_type, task_paths)
        for domain, group in by_domain.items()
        # URLs of one domain are merged into one task; each directory has its own.
        for task_paths in ([group] if object_type == "file" else [[path] for path in group])
    ]
    return {"RefreshTaskId": ",".join(ids)}


def required(params: Mapping[str, str], name: str) -> str:
    value = params.get(name, "")
    if not value:
        raise ApiError(f"Missing{name}")
    return value


def find_domain(account: Account, name: str) -> str:
    """The account's domain of that name, ready to be refreshed."""
    domain = name.lower()
    if domain.startswith(("*", ".")):
        raise ApiError("InvalidExtensiveDomain.ValueNotSupported", variant=1)
    if domain not in account.settings.domains:
        raise ApiError("InvalidDomain.NotFound")
    status = account.settings.domain_status.get(domain, "online")
    if status == "configuring":
        raise ApiError("ServiceBusy")
    if status == "configure_failed":
        raise ApiError("InvalidDomain.Configure_failed")
    return domain


def daily_limits(account: Account) -> dict[str, int]:
    """Per quota, what one account may refresh in a day."""
    settings = account.settings
    return {
        "own": settings.per_day,
        "url": settings.url_per_day,
        "directory": settings.directory_per_day,
        "regex": settings.regex_per_day,
        "ignore_params": settings.ignore_params_per_day,
    }


def used_today(account: Account, quota: str) -> int:
    return account.spendings.today(quota, account.now())


def tags_in_last_minute(account: Account) -> int:
    return _in_last_minute(account, "tag")


def _spend_tags(account: Account, amount: int, domain: str) -> None:
    quota = account.settings.tag_quota
    _check_queue_and_day(account, quota, amount)
    if tags_in_last_minute(account) + amount > account.settings.per_minute:
        raise ApiError("QuotaPerMinuteExceeded.Refresh", variant=1)
    account.spendings.spend(quota, account.now(), amount, domain)
    account.spendings.spend("tag", account.now(), amount, domain)


def _spend_paths(account: Account, quota: str, amounts: Mapping[str, int]) -> None:
    _check_queue_and_day(account, quota, sum(amounts.values()))
    if quota == "url" and any(
        _in_last_minute(account, quota, domain) + amount > account.settings.url_per_minute
        for domain, amount in amounts.items()
    ):
        raise ApiError("QuotaPerMinuteExceeded.Refresh", variant=1)
    for domain, amount in amounts.items():
        account.spendings.spend(quota, account.now(), amount, domain)


def _in_last_minute(account: Account, purpose: str, domain: str = "") -> int:
    spent = account.spendings.within(MINUTE_S, purpose, account.now(), domain)
    return sum(each.amount for each in spent)


def _check_queue_and_day(account: Account, quota: str, amount: int) -> None:
    now = account.now()
    unfinished = sum(not task.progress(now).finished for task in account.tasks)
    if unfinished >= account.settings.queue_size:
        raise ApiError("TooMany.Refresh")
    if used_today(account, quota) + amount > daily_limits(account)[quota]:
        raise ApiError("QuotaExceeded.Refresh", variant=1)


def _host(path: str) -> str | None:
    try:
        return urlsplit(path if "://" in path else f"http://{path}").hostname
    except ValueError:
        return None


def _boolean(text: str) -> bool:
    if text not in BOOLEANS:
        raise ApiError("InvalidParameters")
    return BOOLEANS[text]


def _start(
    account: Account,
    domain: str,
    object_type: str,
    paths: Iterable[str],
    *,
    tags: tuple[str, ...] = (),
    force: bool = False,
) -> str:
    """Queue a task with the life that the settings give it now, and return its id."""
    settings = account.settings
    end = Progress(
        settings.task_end,
        "100%" if settings.task_end == "Complete" else "99%",
        settings.task_description,
    )
    task = Task(
        id=str(FIRST_TASK_ID + len(account.tasks)),
        domain=domain,
        object_type=object_type,
        paths=tuple(paths),
        created=account.now(),
        life_s=settings.task_seconds,
        tags=tags,
        force=force,
        end=end,
    )
    account.tasks.append(task)
    return task.id

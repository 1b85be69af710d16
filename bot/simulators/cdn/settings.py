"""What can be turned on the simulated CDN; the undocumented points are switches here.

domains, domain_status      the account's domains; all are online unless said otherwise
per_day, per_minute         tags that may be refreshed; the day ends at 00:00 UTC+8
tag_quota                   which daily quota tags use up (undocumented)
url/directory/…_per_day     the other daily quotas
queue_size                  unfinished tasks before the queue is full
rates                       calls per second and operation; 0 or absent means no limit
task_seconds, task_end      how long a task takes and how it ends
stale_reads                 a poll shows what the one before it found out
knows_tag_tasks             tag tasks are answered by the task operations (undocumented)
tag_object_type             the ObjectType that tag tasks show (undocumented)
joined_ids                  a tag refresh answers two ids, joined by a comma (undocumented)
denied_actions              operations that the key's policy does not allow
key_active                  whether the key pair is enabled
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, NonNegativeFloat, NonNegativeInt, StringConstraints

DomainName = Annotated[str, StringConstraints(to_lower=True, min_length=1)]
EndStatus = Literal["Complete", "Failed", "Timeout", "Canceled"]
DomainStatus = Literal[
    "online",
    "offline",
    "configuring",
    "configure_failed",
    "checking",
    "check_failed",
    "stopping",
    "deleting",
]


class Settings(BaseModel):
    """One consistent set; changes make a new one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    domains: tuple[DomainName, ...] = (
        "www.example.com",
        "shop.example.com",
        "img.example.com",
        "docs.example.org",
    )
    domain_status: dict[str, DomainStatus] = {}
    per_day: NonNegativeInt = 1000
    per_minute: NonNegativeInt = 200
    tag_quota: Literal["own", "url", "directory"] = "own"
    url_per_day: NonNegativeInt = 10_000
    directory_per_day: NonNegativeInt = 100
    regex_per_day: NonNegativeInt = 20
    ignore_params_per_day: NonNegativeInt = 100
    url_per_minute: NonNegativeInt = 10_000
    queue_size: NonNegativeInt = 1000
    rates: dict[str, NonNegativeInt] = {
        "RefreshObjectCacheByCacheTag": 50,
        "RefreshObjectCaches": 50,
        "DescribeRefreshTaskById": 30,
        "DescribeRefreshTasks": 5,
        "DescribeRefreshQuota": 20,
        "DescribeUserDomains": 100,
        "DescribeCdnDomainDetail": 30,
    }
    task_seconds: NonNegativeFloat = 20
    task_end: EndStatus = "Complete"
    task_description: str = ""
    stale_reads: bool = False
    knows_tag_tasks: bool = True
    tag_object_type: str = "cachetag"
    joined_ids: bool = False
    denied_actions: tuple[str, ...] = ()
    key_active: bool = True

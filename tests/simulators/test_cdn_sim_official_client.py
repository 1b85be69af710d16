"""The vendor's own Python client, unchanged, gets along with the simulator."""

from __future__ import annotations

import asyncio
import importlib
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest

from bot.simulators.cdn import CdnSim
from bot.simulators.serving import serving

LOGGERS_IT_CHANGES = ("alibabacloud-tea", "credentials", "darabonba-core")


@pytest.fixture(scope="module")
def sdk() -> Iterator[SimpleNamespace]:
    """The client, kept from asking a cloud's metadata service, and from the log."""
    loggers = [logging.getLogger(name) for name in LOGGERS_IT_CHANGES]
    before = [(logger, logger.level, list(logger.handlers)) for logger in loggers]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true")
        package = "alibabacloud_cdn20180510"
        yield SimpleNamespace(
            Client=importlib.import_module(f"{package}.client").Client,
            models=importlib.import_module(f"{package}.models"),
            Config=importlib.import_module("alibabacloud_tea_openapi.utils_models").Config,
            errors=importlib.import_module("alibabacloud_tea_openapi.exceptions"),
            NoAnswer=importlib.import_module("darabonba.exceptions").UnretryableException,
        )
    for logger, level, handlers in before:
        logger.setLevel(level)
        logger.handlers[:] = handlers


@pytest.fixture
def sim() -> Iterator[CdnSim]:
    sim = CdnSim(task_seconds=0)
    with serving({"cdn": sim.api}) as urls:
        sim.base_url = urls["cdn"]
        yield sim


def client(sdk: SimpleNamespace, sim: CdnSim, **change: str) -> Any:
    credentials = {
        "access_key_id": sim.access_key_id,
        "access_key_secret": sim.access_key_secret,
        **change,
    }
    endpoint = sim.base_url.removeprefix("http://")
    return sdk.Client(sdk.Config(protocol="http", endpoint=endpoint, **credentials))


def purge(
    sdk: SimpleNamespace, client: Any, domain: str = "www.example.com", **more: object
) -> Any:
    request = sdk.models.RefreshObjectCacheByCacheTagRequest(
        domain_name=domain, **{"cache_tag": "tag1,tag 2,标签*~+&=%", **more}
    )
    return client.refresh_object_cache_by_cache_tag(request).body


@pytest.mark.parametrize("force", [True, False, None])
def test_it_purges_and_follows_the_task(
    sdk: SimpleNamespace, sim: CdnSim, force: bool | None
) -> None:
    caller = client(sdk, sim)
    task_id = purge(sdk, caller, force=force).refresh_task_id
    (task,) = sim.account.tasks
    assert (task.tags, task.force) == (("tag1", "tag 2", "标签*~+&=%"), bool(force))
    by_id = sdk.models.DescribeRefreshTaskByIdRequest(task_id=task_id)
    answer = caller.describe_refresh_task_by_id(by_id).body
    assert answer.total_count == 1
    assert [(row.task_id, row.status, row.process) for row in answer.tasks] == [
        (task_id, "Complete", "100%")
    ]


def test_its_asynchronous_half_purges_too(sdk: SimpleNamespace, sim: CdnSim) -> None:
    """It sends an empty body with a content type that it has not signed."""
    request = sdk.models.RefreshObjectCacheByCacheTagRequest(
        domain_name="www.example.com", cache_tag="tag1,tag 2"
    )
    call = client(sdk, sim).refresh_object_cache_by_cache_tag_async(request)
    with ThreadPoolExecutor(1) as other:  # in this thread the browser's tests leave a loop running
        answer = other.submit(asyncio.run, call).result()
    assert answer.body.refresh_task_id
    (task,) = sim.account.tasks
    assert task.tags == ("tag1", "tag 2")


def test_it_lists_tasks_one_level_deeper(sdk: SimpleNamespace, sim: CdnSim) -> None:
    caller = client(sdk, sim)
    form = sdk.models.RefreshObjectCachesRequest(
        object_path="http://www.example.com/a b+c.txt\nhttp://img.example.com/", object_type="File"
    )
    ids = caller.refresh_object_caches(form).body.refresh_task_id.split(",")
    query = sdk.models.DescribeRefreshTasksRequest(
        domain_name="img.example.com", object_type="file", page_size=100
    )
    answer = caller.describe_refresh_tasks(query).body
    assert [row.task_id for row in answer.tasks.cdntask] == ids[1:]
    assert (answer.page_number, answer.page_size, answer.total_count) == (1, 100, 1)


def test_it_reads_quotas_and_domains(sdk: SimpleNamespace, sim: CdnSim) -> None:
    caller = client(sdk, sim)
    quota = caller.describe_refresh_quota(sdk.models.DescribeRefreshQuotaRequest()).body
    assert (quota.url_quota, quota.dir_remain, quota.preload_edge_remain) == (
        "10000", "100", "1000"
    )  # fmt: skip
    domains = caller.describe_user_domains(
        sdk.models.DescribeUserDomainsRequest(domain_status="online", page_size=500)
    ).body
    assert [each.domain_name for each in domains.domains.page_data] == list(
        sim.account.settings.domains
    )
    detail = caller.describe_cdn_domain_detail(
        sdk.models.DescribeCdnDomainDetailRequest(domain_name="www.example.com")
    ).body.get_domain_detail_model
    assert (detail.domain_name, detail.domain_status) == ("www.example.com", "online")
    assert detail.source_models.source_model[0].content == "origin.www.example.com"


def test_it_may_use_a_temporary_key(sdk: SimpleNamespace, sim: CdnSim) -> None:
    key = sim.issue_token()
    change = {"access_key_id": key.id, "access_key_secret": key.secret}
    assert purge(sdk, client(sdk, sim, **change, security_token=key.token or "")).refresh_task_id
    with pytest.raises(sdk.errors.ClientException) as caught:
        purge(sdk, client(sdk, sim, **change))
    assert caught.value.code == "MissingSecurityToken"


def test_it_raises_a_client_error(sdk: SimpleNamespace, sim: CdnSim) -> None:
    with pytest.raises(sdk.errors.ClientException) as caught:
        purge(sdk, client(sdk, sim), "www.example.net")
    error = caught.value
    assert (error.code, error.status_code) == ("InvalidDomain.NotFound", 404)
    assert error.request_id == sim.account.requests[-1].request_id


def test_it_raises_a_client_error_with_what_was_denied(sdk: SimpleNamespace, sim: CdnSim) -> None:
    sim.account.configure(denied_actions=["RefreshObjectCacheByCacheTag"])
    with pytest.raises(sdk.errors.ClientException) as caught:
        purge(sdk, client(sdk, sim))
    detail = caught.value.access_denied_detail
    assert detail["AuthAction"] == "cdn:RefreshObjectCacheByCacheTag"


def test_it_raises_a_signature_error_that_holds_the_request(
    sdk: SimpleNamespace, sim: CdnSim
) -> None:
    with pytest.raises(sdk.errors.ClientException) as caught:
        purge(sdk, client(sdk, sim, access_key_secret="wrong"))
    assert caught.value.code == "SignatureDoesNotMatch"
    assert "CacheTag=tag1%2Ctag%202%2C" in caught.value.message


def test_it_raises_a_server_error(sdk: SimpleNamespace, sim: CdnSim) -> None:
    sim.account.add_fault(kind="error", code="ServiceUnavailable")
    with pytest.raises(sdk.errors.ServerException) as caught:
        purge(sdk, client(sdk, sim))
    assert (caught.value.code, caught.value.status_code) == ("ServiceUnavailable", 503)


def test_it_is_told_when_to_come_back(sdk: SimpleNamespace, sim: CdnSim) -> None:
    sim.account.configure(rates={"RefreshObjectCacheByCacheTag": 1})
    caller = client(sdk, sim)
    purge(sdk, caller)
    with pytest.raises(sdk.errors.ThrottlingException) as caught:
        purge(sdk, caller)
    assert caught.value.code == "Throttling.User"
    assert 0 < caught.value.retry_after <= 1000


@pytest.mark.parametrize("kind", ["drop_before", "lose_answer", "http", "garbage"])
def test_it_knows_nothing_when_there_is_no_answer(
    sdk: SimpleNamespace, sim: CdnSim, kind: str
) -> None:
    sim.account.add_fault(kind=kind)
    with pytest.raises(sdk.NoAnswer):
        purge(sdk, client(sdk, sim))


def test_it_takes_a_success_without_a_task_id_for_a_success(
    sdk: SimpleNamespace, sim: CdnSim
) -> None:
    sim.account.add_fault(kind="no_task_id")
    assert purge(sdk, client(sdk, sim)).refresh_task_id is None

"""What a refresh by cache tag takes, refuses and starts."""

from __future__ import annotations

import pytest

from tests.simulators.cdn_sim import PURGE, WWW, Cdn


def test_a_purge_answers_a_task_id_and_a_request_id(cdn: Cdn) -> None:
    answer = cdn.purge(CacheTag="home,news", Force="true")
    assert answer.status_code == 200
    assert set(answer.json()) == {"RefreshTaskId", "RequestId"}
    (task,) = cdn.control("GET", "state")["tasks"]
    assert task["id"] == answer.json()["RefreshTaskId"]
    assert (task["domain"], task["tags"]) == ("www.example.com", ["home", "news"])


@pytest.mark.parametrize(
    ("sent", "force"),
    [("true", True), ("True", True), ("false", False), ("False", False), (None, False)],
)
def test_force_is_read_in_both_spellings(cdn: Cdn, sent: str | None, force: bool) -> None:
    cdn.purge(**({} if sent is None else {"Force": sent}))
    assert [task["force"] for task in cdn.control("GET", "state")["tasks"]] == [force]


@pytest.mark.parametrize(
    ("params", "status", "code"),
    [
        ({"DomainName": ""}, 400, "MissingDomainName"),
        ({"CacheTag": ""}, 400, "MissingCacheTag"),
        ({"CacheTag": ","}, 400, "InvalidParameters"),
        ({"CacheTag": "t" * 16_385}, 400, "InvalidParameters"),
        ({"Force": "yes"}, 400, "InvalidParameters"),
        ({"DomainName": "www.example.net"}, 404, "InvalidDomain.NotFound"),
        ({"DomainName": "*.example.com"}, 400, "InvalidExtensiveDomain.ValueNotSupported"),
        ({"DomainName": ".example.com"}, 400, "InvalidExtensiveDomain.ValueNotSupported"),
    ],
)
def test_a_purge_that_makes_no_sense_is_refused(
    cdn: Cdn, params: dict[str, str], status: int, code: str
) -> None:
    answer = cdn.purge(**params)
    assert (answer.status_code, answer.json()["Code"]) == (status, code)
    assert cdn.control("GET", "state")["tasks"] == []


def test_a_wildcard_domain_is_told_so(cdn: Cdn) -> None:
    answer = cdn.purge(DomainName="*.example.com").json()
    assert answer["Message"] == "Extensive domain not supported."


def test_the_longest_cache_tag_is_taken(cdn: Cdn) -> None:
    assert cdn.purge(CacheTag="t" * 16_384).status_code == 200


def test_an_unknown_tag_is_no_error(cdn: Cdn) -> None:
    assert cdn.purge(CacheTag="nobody-carries-this").status_code == 200


def test_the_name_of_a_domain_has_no_case(cdn: Cdn) -> None:
    cdn.set(domains=["Shop.Example.com"])
    assert cdn.purge(DomainName="SHOP.example.com").status_code == 200


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("online", "none"),
        ("configuring", "ServiceBusy"),
        ("configure_failed", "InvalidDomain.Configure_failed"),
    ],
)
def test_a_domain_that_is_being_configured_cannot_be_purged(
    cdn: Cdn, status: str, code: str
) -> None:
    cdn.set(domain_status={"www.example.com": status})
    assert cdn.code() == code


def test_an_error_has_the_gateways_form(cdn: Cdn) -> None:
    answer = cdn.purge(DomainName="www.example.net")
    body = answer.json()
    assert set(body) == {"RequestId", "HostId", "Code", "Message", "Recommend"}
    assert body["HostId"] == "cdn.aliyuncs.com"
    assert body["Message"] == "The domain provided does not exist in our records."
    assert body["RequestId"] == answer.headers["x-acs-request-id"]


def test_a_policy_that_forbids_says_what_is_lacking(cdn: Cdn) -> None:
    cdn.set(denied_actions=[PURGE])
    answer = cdn.call()
    assert (answer.status_code, answer.json()["Code"]) == (403, "Forbidden.RAM")
    assert answer.json()["AccessDeniedDetail"]["AuthAction"] == f"cdn:{PURGE}"
    assert cdn.call("DescribeRefreshQuota").status_code == 200


@pytest.mark.parametrize(
    ("action", "version", "status", "code"),
    [
        ("RefreshEverything", "2018-05-10", 404, "InvalidAction.NotFound"),
        (PURGE, "2014-11-11", 400, "InvalidVersion"),
    ],
)
def test_only_known_operations_of_one_version_exist(
    cdn: Cdn, action: str, version: str, status: int, code: str
) -> None:
    answer = cdn.call(action, headers={"x-acs-version": version})
    assert (answer.status_code, answer.json()["Code"]) == (status, code)


def test_one_purge_may_answer_two_ids(cdn: Cdn) -> None:
    cdn.set(joined_ids=True)
    ids = cdn.call().json()["RefreshTaskId"]
    assert ids == ",".join(task["id"] for task in cdn.control("GET", "state")["tasks"])
    assert ids.count(",") == 1


# --- refreshing by URL ----------------------------------------------------------------------

A_FILE = "http://www.example.com/a.html"


def refreshed(cdn: Cdn, **form: str) -> str:
    """The error code or the task ids that RefreshObjectCaches answers to a form."""
    body = cdn.call("RefreshObjectCaches", {}, form=form).json()
    return str(body.get("Code") or body["RefreshTaskId"])


def test_urls_come_in_a_form_or_in_the_query(cdn: Cdn) -> None:
    assert refreshed(cdn, ObjectPath=A_FILE).isdecimal()
    assert cdn.call("RefreshObjectCaches", {"ObjectPath": A_FILE}).status_code == 200


def test_a_form_does_not_speak_for_other_operations(cdn: Cdn) -> None:
    assert cdn.code(params={}, form=WWW) == "MissingDomainName"


def test_urls_of_one_domain_share_a_task_and_directories_do_not(cdn: Cdn) -> None:
    two_files = f"{A_FILE}\r\nhttp://www.example.com/b.html\nhttp://img.example.com/c.png"
    two_dirs = "http://www.example.com/a/\nhttp://www.example.com/b/"
    assert refreshed(cdn, ObjectPath=two_files).count(",") == 1
    assert refreshed(cdn, ObjectPath=two_dirs, ObjectType="Directory").count(",") == 1


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({}, "MissingObjectPath"),
        ({"ObjectPath": "\n"}, "InvalidObjectPath.Malformed"),
        ({"ObjectPath": "http://[::1"}, "InvalidObjectPath.Malformed"),
        ({"ObjectPath": A_FILE, "ObjectType": "Directory"}, "InvalidObjectPath.Malformed"),
        ({"ObjectPath": A_FILE, "ObjectType": "Tag"}, "InvalidObjectType.Malformed"),
        ({"ObjectPath": A_FILE, "Force": "1"}, "InvalidParameters"),
        ({"ObjectPath": "http://www.example.net/"}, "InvalidDomain.NotFound"),
        ({"ObjectPath": "\n".join([A_FILE] * 1001)}, "SingleRequest.OverLimit"),
        ({"ObjectPath": f"{A_FILE}\n{A_FILE}", "ObjectType": "Regex"}, "SingleRequest.OverLimit"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_urls_that_make_no_sense_are_refused(cdn: Cdn, form: dict[str, str], code: str) -> None:
    assert refreshed(cdn, **form) == code


@pytest.mark.parametrize(("count", "code"), [(10, "none"), (11, "InvalidParameters")])
def test_a_call_may_name_ten_domains(cdn: Cdn, count: int, code: str) -> None:
    names = [f"d{number}.example.com" for number in range(count)]
    cdn.set(domains=names)
    form = {"ObjectPath": "\n".join(f"http://{name}/" for name in names)}
    assert cdn.code(action="RefreshObjectCaches", params={}, form=form) == code

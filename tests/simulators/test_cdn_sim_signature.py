"""The simulated CDN believes nobody without proof."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.simulators.cdn.signature import AccessKey, WireRequest, authenticate
from tests.simulators.cdn_sim import PURGE, WWW, Cdn

# --- requests that are believed -------------------------------------------------------------


def test_the_published_example_holds() -> None:
    request = WireRequest(
        method="POST",
        query="ImageId=win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd&RegionId=cn-shanghai",
        headers={
            "host": "ecs.cn-shanghai.aliyuncs.com",
            "x-acs-action": "RunInstances",
            "x-acs-version": "2014-05-26",
            "x-acs-date": "2023-10-26T10:22:32Z",
            "x-acs-signature-nonce": "3156853299f313e23d1673dc12e1703d",
            "x-acs-content-sha256": hashlib.sha256(b"").hexdigest(),
            "authorization": "ACS3-HMAC-SHA256 Credential=YourAccessKeyId,SignedHeaders=host;"
            "x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version,"
            "Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0",
        },
    )
    key = AccessKey("YourAccessKeyId", "YourAccessKeySecret")
    now = datetime(2023, 10, 26, 10, 22, 32, tzinfo=UTC).timestamp()
    canonical = authenticate(request, [key], now)
    assert hashlib.sha256(canonical.encode()).hexdigest() == (
        "7ea06492da5221eba5297e897ce16e55f964061054b7695beedaac1145b1e259"
    )


CAPTURED_FROM_THE_OFFICIAL_CLIENT = {  # action, query, body, provider, token, nonce, signature
    "quota": (
        "DescribeRefreshQuota", "", "", "static_ak", "",
        "229bd2f2fd9e7aecc2b5ea265d006b8b",
        "c27c90f689a66e601d84f803a22db84488b9a552866c9f43d95c18975b333ec2",
    ),
    "task by id": (
        "DescribeRefreshTaskById", "TaskId=17772470184%2C17772470185", "", "static_ak", "",
        "a4ae6e9f3e76fec02e773cea4a1a71c4",
        "d1910d2e5295406fe18e0350d60a4e638f65c5cd63c3c48d0900c4d1e5427794",
    ),
    "a space sent as a plus": (
        PURGE,
        "CacheTag=tag1%2Ctag+2%2C%E6%A0%87%E7%AD%BE%2A~%2B&DomainName=www.example.com&Force=True",
        "", "static_ak", "",
        "9ae77140ebb7241adb9764aa9d6102e6",
        "e2eb17fa5b7dedc11cc04a2918bd75696665f3a7be2fd624232d8eb81018b7f3",
    ),
    "a security token": (
        PURGE, "CacheTag=tag1&DomainName=www.example.com&Force=True", "", "static_sts", "STS-TOKEN",
        "d26509a88603c152d35c65b65becab79",
        "3acc0dd431fafb195215a65922de965f048d53d61ba17cb01f873aa9bc818d52",
    ),
    "a form": (
        "RefreshObjectCaches", "",
        "Force=False&ObjectPath=http%3A%2F%2Fwww.example.com%2Fa+b.txt%0Ahttp%3A%2F%2Fwww.example.com%2Fc&ObjectType=File",
        "static_ak", "",
        "c8667f88746efcc44bd35a95fe038730",
        "7d32ac83c44efd63b188c99dbf3f08651b37c63de772bbe7d6e0a39e65c5915a",
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    "captured", CAPTURED_FROM_THE_OFFICIAL_CLIENT.values(), ids=CAPTURED_FROM_THE_OFFICIAL_CLIENT
)
def test_what_the_official_client_once_sent_is_believed(captured: tuple[str, ...]) -> None:
    action, query, body, provider, token, nonce, signature = captured
    headers = {
        "host": "127.0.0.1:44497",
        "x-acs-version": "2018-05-10",
        "x-acs-action": action,
        "user-agent": "AlibabaCloud (Linux; x86_64) Python/3.11.7 Core/0.4.3 TeaDSL/2",
        "x-acs-date": "2026-11-22T17:11:54Z",
        "x-acs-signature-nonce": nonce,
        "accept": "application/json",
        "x-acs-content-sha256": hashlib.sha256(body.encode()).hexdigest(),
        "x-acs-credentials-provider": provider,
    }
    if body:
        headers["content-type"] = "application/x-www-form-urlencoded"
    if token:
        headers |= {"x-acs-accesskey-id": "LTAI-TEST-ID", "x-acs-security-token": token}
    names = ";".join(sorted(headers))
    headers["authorization"] = (
        f"ACS3-HMAC-SHA256 Credential=LTAI-TEST-ID,SignedHeaders={names},Signature={signature}"
    )
    request = WireRequest("POST", query, headers, body.encode())
    key = AccessKey("LTAI-TEST-ID", "test-secret", token=token or None)
    now = datetime(2026, 11, 22, 17, 11, 54, tzinfo=UTC).timestamp()
    assert authenticate(request, [key], now).startswith("POST\n/\n")


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_both_methods_are_served(cdn: Cdn, method: str) -> None:
    assert cdn.call(method=method).status_code == 200


@pytest.mark.parametrize(
    "params",
    [
        {"CacheTag": "a b,c&d=e,*~+%/ü标"},
        {"Force": ""},
        {"Tag.1": "x", "Tag": "y", "Tag-1": "z"},  # "Tag" sorts first by name, not by "Tag="
    ],
    ids=["awkward characters", "an empty value", "names that begin alike"],
)
def test_every_query_has_one_canonical_form(cdn: Cdn, params: dict[str, str]) -> None:
    assert cdn.call("DescribeRefreshQuota", {**WWW, **params}).status_code == 200


# --- requests that are not ------------------------------------------------------------------


def test_a_wrong_secret_is_told_the_servers_own_reckoning(cdn: Cdn) -> None:
    token = cdn.sim.issue_token()
    answer = cdn.call(key=replace(token, secret="wrong"))
    assert (answer.status_code, answer.json()["Code"]) == (400, "SignatureDoesNotMatch")
    message = answer.json()["Message"]
    assert "server CanonicalRequest is [POST\n/\nCacheTag=home" in message
    assert f"x-acs-security-token:{token.token}\n" in message


def test_a_body_that_is_not_the_signed_one_is_refused(cdn: Cdn) -> None:
    request = cdn.prepare(
        "RefreshObjectCaches", {}, form={"ObjectPath": "http://www.example.com/a"}
    )
    request.body = str(request.body).replace("www", "img")
    assert cdn.session.send(request).json()["Code"] == "SignatureDoesNotMatch"


def test_a_body_hash_that_lies_is_refused_although_it_is_signed(cdn: Cdn) -> None:
    lie = {"x-acs-content-sha256": hashlib.sha256(b"other").hexdigest()}
    assert cdn.code(headers=lie) == "SignatureDoesNotMatch"


@pytest.mark.parametrize(
    "name",
    [
        "host",
        "x-acs-action",
        "x-acs-content-sha256",
        "x-acs-date",
        "x-acs-signature-nonce",
        "x-acs-version",
        "x-acs-security-token",
    ],
)
def test_a_header_that_matters_must_be_signed(cdn: Cdn, name: str) -> None:
    rest: dict[str, Any] = {"key": cdn.sim.issue_token()}
    assert cdn.code(**rest) == "none"
    assert cdn.code(**rest, unsigned=(name,)) == "IncompleteSignature"


@pytest.mark.parametrize(
    ("form", "code"),
    [(None, "none"), ({"ObjectPath": "http://www.example.com/a"}, "IncompleteSignature")],
    ids=["without a body", "with one"],
)
def test_a_content_type_must_be_signed_where_it_means_something(
    cdn: Cdn, form: dict[str, str] | None, code: str
) -> None:
    kind = "application/x-www-form-urlencoded" if form else "application/octet-stream"
    action, params = ("RefreshObjectCaches", {}) if form else (PURGE, WWW)
    rest: dict[str, Any] = {"headers": {"content-type": kind}, "form": form}
    assert cdn.code(action=action, params=params, **rest) == "none"
    assert cdn.code(action=action, params=params, **rest, unsigned=("content-type",)) == code


@pytest.mark.parametrize(
    "name", ["x-acs-content-sha256", "x-acs-date", "x-acs-signature-nonce", "x-acs-version"]
)
def test_a_request_that_lacks_a_header_is_incomplete(cdn: Cdn, name: str) -> None:
    assert cdn.code(headers={name: None}) == "IncompleteSignature"


def test_a_header_that_was_signed_must_have_arrived(cdn: Cdn) -> None:
    request = cdn.prepare(PURGE, WWW, headers={"x-acs-extra": "1"})
    del request.headers["x-acs-extra"]
    assert cdn.session.send(request).json()["Code"] == "IncompleteSignature"


def test_a_request_without_any_signature_is_incomplete(cdn: Cdn) -> None:
    answer = cdn.session.get(cdn.sim.base_url, headers={"x-acs-action": PURGE})
    assert (answer.status_code, answer.json()["Code"]) == (400, "IncompleteSignature")


def test_the_older_signature_in_the_query_is_refused_by_name(cdn: Cdn) -> None:
    older = {"SignatureMethod": "HMAC-SHA1", "SignatureVersion": "1.0", "Signature": "abc="}
    answer = cdn.session.get(cdn.sim.base_url, params=older)
    assert answer.json()["Code"] == "InvalidSignatureMethod"


@pytest.mark.parametrize(
    ("offset_s", "code"),
    [(0, "none"), (-900, "none"), (900, "none"), (-901, "expired"), (901, "expired")],
)
def test_the_callers_clock_may_be_a_quarter_of_an_hour_off(
    cdn: Cdn, offset_s: int, code: str
) -> None:
    request = cdn.prepare(PURGE, WWW)
    cdn.now += offset_s
    answer = cdn.session.send(request).json()
    assert answer.get("Code", "none") == code.replace("expired", "InvalidTimeStamp.Expired")


def test_skipping_time_at_the_controls_does_not_make_callers_late(cdn: Cdn) -> None:
    cdn.control("POST", "wait", {"seconds": 86_400})
    assert cdn.call().status_code == 200


def test_a_date_must_have_the_one_form(cdn: Cdn) -> None:
    assert cdn.code(headers={"x-acs-date": "2026-03-04 12:00:00"}) == "InvalidTimeStamp.Format"


def test_a_nonce_serves_once(cdn: Cdn) -> None:
    request = cdn.prepare(PURGE, WWW)
    assert cdn.session.send(request).status_code == 200
    assert cdn.session.send(request).json()["Code"] == "SignatureNonceUsed"
    assert [task["tags"] for task in cdn.control("GET", "state")["tasks"]] == [["home"]]


def test_a_nonce_under_a_wrong_signature_is_not_used_up(cdn: Cdn) -> None:
    same = {"x-acs-signature-nonce": "the-same"}
    assert cdn.code(headers=same, key=replace(cdn.key, secret="x")) == "SignatureDoesNotMatch"
    assert cdn.code(headers=same) == "none"


def test_an_unknown_key_and_a_disabled_one_are_told_apart(cdn: Cdn) -> None:
    answer = cdn.call(key=AccessKey("LTAI-NOBODY", "x"))
    assert (answer.status_code, answer.json()["Code"]) == (404, "InvalidAccessKeyId.NotFound")
    cdn.set(key_active=False)
    assert cdn.code() == "InvalidAccessKeyId.Inactive"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({}, "none"),
        ({"token": None}, "MissingSecurityToken"),
        ({"token": "made-up"}, "InvalidSecurityToken.Malformed"),
    ],
    ids=["with its token", "without", "with another"],
)
def test_a_temporary_key_needs_its_token(cdn: Cdn, change: dict[str, Any], code: str) -> None:
    assert cdn.code(key=replace(cdn.sim.issue_token(), **change)) == code


def test_a_token_belongs_to_one_key(cdn: Cdn) -> None:
    token = cdn.sim.issue_token().token
    assert (
        cdn.code(key=replace(cdn.key, token=token)) == "InvalidSecurityToken.MismatchWithAccessKey"
    )


def test_a_token_ends_with_its_lifetime(cdn: Cdn) -> None:
    key = cdn.sim.issue_token(lifetime_s=60)
    cdn.now += 59
    assert cdn.code(key=key) == "none"
    cdn.now += 1
    assert cdn.code(key=key) == "InvalidSecurityToken.Expired"

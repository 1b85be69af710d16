"""Our signatures against those that others made: the vendor's example, and its SDK's requests."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import parse_qsl, urlsplit

import pytest
from alibabacloud_tea_openapi.utils import Utils

from bot.cdn.credentials import Credentials
from bot.cdn.signing import sign

CAPTURED = sorted((Path(__file__).parent.parent / "data" / "acs3").glob("*.http"))
SDK_KEY = Credentials("LTAI-TEST-ID", "test-secret")


def read(path: Path) -> SimpleNamespace:
    """A captured request, taken apart from its bytes as a server would."""
    head, body = path.read_bytes().split(b"\r\n\r\n", 1)
    first, *lines = head.decode().split("\r\n")
    method, target, _ = first.split(" ")
    headers = dict(line.split(": ", 1) for line in lines)
    authorization = headers.pop("Authorization")
    names = re.findall(r"SignedHeaders=([^,]+)", authorization)[0].split(";")
    return SimpleNamespace(
        method=method,
        query=parse_qsl(urlsplit(target).query, keep_blank_values=True),
        signed={name: headers[name] for name in names},
        body=body,
        authorization=authorization,
    )


def test_the_vendors_published_example_is_reproduced() -> None:
    headers = {
        "host": "ecs.cn-shanghai.aliyuncs.com",
        "x-acs-action": "RunInstances",
        "x-acs-content-sha256": hashlib.sha256(b"").hexdigest(),
        "x-acs-date": "2023-10-26T10:22:32Z",
        "x-acs-signature-nonce": "3156853299f313e23d1673dc12e1703d",
        "x-acs-version": "2014-05-26",
    }
    query = [
        ("RegionId", "cn-shanghai"),
        ("ImageId", "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd"),
    ]
    key = Credentials("YourAccessKeyId", "YourAccessKeySecret")
    assert sign("POST", "/", query, headers, b"", key) == (
        "ACS3-HMAC-SHA256 Credential=YourAccessKeyId,SignedHeaders=host;x-acs-action;"
        "x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version,"
        "Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"
    )


def test_there_are_captured_requests() -> None:
    assert len(CAPTURED) == 8


@pytest.mark.parametrize("path", CAPTURED, ids=lambda path: path.stem)
def test_a_request_that_the_vendors_sdk_sent_gets_the_same_signature_from_us(path: Path) -> None:
    request = read(path)
    ours = sign(request.method, "/", request.query, request.signed, request.body, SDK_KEY)
    assert ours == request.authorization


@pytest.mark.parametrize("path", CAPTURED, ids=lambda path: path.stem)
def test_the_vendors_signer_agrees_on_the_headers_that_we_sign(path: Path) -> None:
    """We leave out accept and user-agent, which proxies may rewrite."""
    request = read(path)
    ours = {
        name: value
        for name, value in request.signed.items()
        if name in {"host", "content-type"} or name.startswith("x-acs-")
    }
    theirs = Utils.get_authorization(
        SimpleNamespace(
            method=request.method, pathname="/", query=dict(request.query), headers=ours
        ),
        "ACS3-HMAC-SHA256",
        hashlib.sha256(request.body).hexdigest(),
        "another-id",
        "another-secret",
    )
    key = Credentials("another-id", "another-secret")
    assert sign(request.method, "/", request.query, ours, request.body, key) == theirs

"""What is signed against what is sent, for any value that a person may type."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from hypothesis import example, given
from hypothesis import strategies as st

from bot.cdn.credentials import Credentials, static
from bot.cdn.signing import Acs3Auth, canonical_query, sign

KEY = Credentials("id", "secret", "token")
UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~")
texts = st.text(st.characters(exclude_categories=["Cs"]))


def reference(value: str) -> str:
    """Percent-encoding as RFC 3986 writes it down, byte by byte."""
    octets = (chr(octet) for octet in value.encode())
    return "".join(octet if octet in UNRESERVED else f"%{ord(octet):02X}" for octet in octets)


def prepare(auth: Acs3Auth, method: str = "POST", **request: Any) -> requests.PreparedRequest:
    headers = {"x-acs-action": "A", "accept": "application/json", "user-agent": "bot"}
    url = request.pop("url", "https://cdn.example:8443/")
    return requests.Request(method, url, headers=headers, auth=auth, **request).prepare()


def signature_found_by_a_server(request: requests.PreparedRequest, key: Credentials) -> str:
    """The signature as the other side makes it, from nothing but what is sent."""
    names = re.findall(r"SignedHeaders=([^,]+)", request.headers["Authorization"])[0].split(";")
    body = request.body or b""
    return sign(
        str(request.method),
        "/",
        parse_qsl(urlsplit(str(request.url)).query, keep_blank_values=True),
        {name: request.headers[name] for name in names},
        body if isinstance(body, bytes) else body.encode(),
        key,
    )


@given(st.dictionaries(texts, texts))
@example({"CacheTag": "a b+c,d*~%2F&=?/标签"})
def test_any_query_is_encoded_as_the_reference_says(query: dict[str, str]) -> None:
    wanted = "&".join(f"{reference(name)}={reference(query[name])}" for name in sorted(query))
    assert canonical_query(query.items()) == wanted


@given(st.dictionaries(texts.filter(bool), texts), st.booleans())
def test_a_server_that_sees_only_the_sent_bytes_finds_the_same_signature(
    query: dict[str, str], ready: bool
) -> None:
    """Whether the query is already in the signed form, or `requests` writes it with plus signs."""
    auth = Acs3Auth(lambda: KEY)
    if ready:
        request = prepare(auth, url=f"https://cdn.example/?{canonical_query(query.items())}")
    else:
        request = prepare(auth, params=query)
    assert signature_found_by_a_server(request, KEY) == request.headers["Authorization"]


def test_a_form_body_is_signed_with_its_type() -> None:
    request = prepare(Acs3Auth(lambda: KEY), data={"ObjectPath": "http://a.example/b c"})
    assert "content-type;" in request.headers["Authorization"]
    assert signature_found_by_a_server(request, KEY) == request.headers["Authorization"]


def test_only_host_content_type_and_the_vendors_headers_are_signed() -> None:
    request = prepare(Acs3Auth(lambda: KEY))
    assert re.findall(r"SignedHeaders=([^,]+)", request.headers["Authorization"])[0].split(";") == [
        "host",
        "x-acs-action",
        "x-acs-content-sha256",
        "x-acs-date",
        "x-acs-security-token",
        "x-acs-signature-nonce",
    ]


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://cdn.example/", "cdn.example"),
        ("https://cdn.example:8443/", "cdn.example:8443"),
        ("http://[::1]:80/", "[::1]:80"),
    ],
    ids=["no port", "port", "IPv6"],
)
def test_the_host_is_sent_as_it_is_signed(url: str, host: str) -> None:
    assert prepare(Acs3Auth(lambda: KEY), url=url).headers["host"] == host


def test_each_attempt_has_a_date_and_a_nonce_of_its_own() -> None:
    seconds, nonces = count(1), count(100)
    auth = Acs3Auth(
        lambda: KEY,
        clock=lambda: datetime(2026, 1, 2, 3, 4, next(seconds), tzinfo=UTC),
        nonce=lambda: str(next(nonces)),
    )
    headers = [prepare(auth).headers for _ in range(2)]
    seen = [(found["x-acs-date"], found["x-acs-signature-nonce"]) for found in headers]
    assert seen == [("2026-01-02T03:04:01Z", "100"), ("2026-01-02T03:04:02Z", "101")]


def test_nonces_are_not_used_twice() -> None:
    auth = Acs3Auth(lambda: KEY)
    assert len({prepare(auth).headers["x-acs-signature-nonce"] for _ in range(100)}) == 100


@pytest.mark.parametrize(
    ("source", "token"),
    [(static("id", "secret", "token"), "token"), (static("id", "secret"), None)],
    ids=["temporary key", "lasting key"],
)
def test_a_token_is_sent_with_temporary_credentials_only(
    source: Callable[[], Credentials], token: str | None
) -> None:
    auth = Acs3Auth(source)
    request = prepare(Acs3Auth(static("id", "secret", "old-token")))
    assert auth(request).headers.get("x-acs-security-token") == token
    assert ("x-acs-security-token" in request.headers["Authorization"]) == (token is not None)


def test_credentials_are_fetched_for_each_request() -> None:
    keys = iter([Credentials("first", "secret"), Credentials("second", "secret")])
    auth = Acs3Auth(lambda: next(keys))
    found = [prepare(auth).headers["Authorization"] for _ in range(2)]
    assert ["Credential=first" in found[0], "Credential=second" in found[1]] == [True, True]

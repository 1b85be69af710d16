"""Sign requests to the CDN with the vendor's ACS3-HMAC-SHA256.

    canonical request = METHOD
                        path                          always "/" for the CDN
                        query                         sorted, percent-encoded, joined by &
                        name:value                    each signed header, sorted, in lower case
                        (empty line)
                        names of signed headers       sorted, joined by ;
                        hex SHA-256 of the body
    string to sign    = ACS3-HMAC-SHA256, newline, hex SHA-256 of the canonical request
    signature         = hex HMAC-SHA256 of it under the secret

The signed headers are host, content-type and x-acs-*; other headers may change on the way.  Source:
the vendor's page "V3 request structure and signature", whose example the tests repeat
(https://alibabacloud.com/help/en/sdk/product-overview/v3-request-structure-and-signature).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from urllib.parse import parse_qsl, quote, urlsplit

from requests import PreparedRequest
from requests.auth import AuthBase

from bot.cdn.credentials import Credentials

ALGORITHM = "ACS3-HMAC-SHA256"


def canonical_query(pairs: Iterable[tuple[str, str]]) -> str:
    """Return a query sorted and encoded for signing: all but A-Z a-z 0-9 - _ . ~ as %XX."""
    return "&".join([f"{_encoded(name)}={_encoded(value)}" for name, value in sorted(pairs)])


@lru_cache(maxsize=256)  # each request is encoded to be sent, and again to be signed
def _encoded(text: str) -> str:
    return quote(text, safe="")


def sign(
    method: str,
    path: str,
    query: Iterable[tuple[str, str]],
    headers: Mapping[str, str],
    body: bytes,
    credentials: Credentials,
) -> str:
    """Return the value of the Authorization header.  `headers` are those to sign, in lower case."""
    names = ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name].strip()}\n" for name in sorted(headers))
    request = "\n".join((method, path, canonical_query(query), lines, names, _sha256(body)))
    to_sign = f"{ALGORITHM}\n{_sha256(request.encode())}"
    secret = credentials.access_key_secret.encode()
    signature = hmac.new(secret, to_sign.encode(), hashlib.sha256).hexdigest()
    return (
        f"{ALGORITHM} Credential={credentials.access_key_id},"
        f"SignedHeaders={names},Signature={signature}"
    )


def fresh_nonce() -> str:
    """Return 128 random bits, as hex."""
    return secrets.token_hex(16)


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Acs3Auth(AuthBase):
    """Sign a request of `requests` when it is prepared, with its own nonce and date.

    A repeated attempt must be prepared again, because the vendor accepts a nonce only once.  The
    caller sets x-acs-action and x-acs-version.  The credentials are fetched for each request.
    """

    credentials: Callable[[], Credentials]
    clock: Callable[[], datetime] = utc_now
    nonce: Callable[[], str] = fresh_nonce

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        credentials = self.credentials()
        url = urlsplit(str(request.url))
        body = request.body or b""
        body = body.encode() if isinstance(body, str) else body
        # The host header is set here, not by the transport, so that the signed host is the sent
        # one.
        request.headers["host"] = url.netloc
        request.headers["x-acs-date"] = self.clock().strftime("%Y-%m-%dT%H:%M:%SZ")
        request.headers["x-acs-signature-nonce"] = self.nonce()
        request.headers["x-acs-content-sha256"] = _sha256(body)
        if credentials.security_token:
            request.headers["x-acs-security-token"] = credentials.security_token
        else:
            request.headers.pop("x-acs-security-token", None)
        signed = {
            name: value
            for name, value in request.headers.lower_items()
            if name in {"host", "content-type"} or name.startswith("x-acs-")
        }
        query = parse_qsl(url.query, keep_blank_values=True)
        request.headers["Authorization"] = sign(
            str(request.method), url.path or "/", query, signed, body, credentials
        )
        return request


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()

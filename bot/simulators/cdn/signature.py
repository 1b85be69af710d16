r"""Proof that a request comes from a key's owner: ACS3-HMAC-SHA256, worked out from the wire.

    canonical request   METHOD \n / \n query \n header lines \n signed names \n body hash
    string to sign      ACS3-HMAC-SHA256 \n hex(SHA-256(canonical request))
    signature           hex(HMAC-SHA-256(secret, string to sign))

    Authorization: ACS3-HMAC-SHA256 Credential=<key id>,SignedHeaders=<a;b;c>,Signature=<hex>

The query is decoded and encoded anew, since official clients send a space as `+` although they
sign it as `%20`.  Rules: the page "V3 request structure and signature" of the vendor's SDK docs.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qsl, quote

from bot.simulators.cdn.catalogue import ApiError

ALGORITHM = "ACS3-HMAC-SHA256"
CLOCK_WINDOW_S = 15 * 60
REQUIRED_HEADERS = (
    "host",
    "x-acs-action",
    "x-acs-content-sha256",
    "x-acs-date",
    "x-acs-signature-nonce",
    "x-acs-version",
)


@dataclass(frozen=True, slots=True)
class AccessKey:
    """A key pair; with `token` and `expires_at` (epoch seconds) a temporary one (STS)."""

    id: str
    secret: str
    active: bool = True
    token: str | None = None
    expires_at: float | None = None


@dataclass(frozen=True, slots=True)
class WireRequest:
    """A request as it arrived: `query` undecoded, header names in lower case."""

    method: str
    query: str
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Authorization:
    key_id: str
    signed_headers: tuple[str, ...]
    signature: str


def authenticate(request: WireRequest, keys: Iterable[AccessKey], now: float) -> str:
    """The canonical request, once it is proven that a known key signed it.

    Errors: ApiError with the gateway's code.  Nonces are the caller's to remember.
    """
    authorization = read_authorization(request)
    _check_date(request.headers["x-acs-date"], now)
    key = _find_key(authorization.key_id, request.headers.get("x-acs-security-token"), keys, now)
    canonical = canonical_request(request, authorization.signed_headers)
    expected = sign(key.secret, canonical)
    true_hash = hashlib.sha256(request.body).hexdigest()
    if (
        not hmac.compare_digest(expected, authorization.signature)
        or request.headers["x-acs-content-sha256"] != true_hash
    ):
        raise mismatch(canonical)
    return canonical


def read_authorization(request: WireRequest) -> Authorization:
    """The parsed Authorization header.

    Errors: IncompleteSignature, also when a header that must be signed is absent or unsigned;
    InvalidSignatureMethod for the older signature that stands in the query.
    """
    given = request.headers.get("authorization")
    if given is None and "SignatureMethod=" in request.query:
        raise ApiError("InvalidSignatureMethod")
    parts = re.fullmatch(
        rf"{ALGORITHM} Credential=([^,\s]+),\s*SignedHeaders=([^,\s]+),\s*Signature=([0-9a-f]+)",
        given or "",
    )
    if parts is None:
        raise ApiError("IncompleteSignature")
    signed = tuple(parts[2].split(";"))
    must_be_signed = {*REQUIRED_HEADERS} | {
        name
        for name in request.headers
        # The vendor's asynchronous client sends a content type with an empty body, and signs none.
        if name.startswith("x-acs-") or (name == "content-type" and request.body)
    }
    if must_be_signed - set(signed) or set(signed) - set(request.headers):
        raise ApiError("IncompleteSignature")
    return Authorization(parts[1], signed, parts[3])


def canonical_request(request: WireRequest, signed_headers: Iterable[str]) -> str:
    names = sorted(signed_headers)
    return "\n".join(
        [
            request.method,
            "/",
            canonical_query(request.query),
            "".join(f"{name}:{request.headers[name].strip()}\n" for name in names),
            ";".join(names),
            hashlib.sha256(request.body).hexdigest(),
        ]
    )


def canonical_query(query: str) -> str:
    pairs = parse_qsl(query, keep_blank_values=True)
    encoded = sorted((quote(name, safe="~"), quote(value, safe="~")) for name, value in pairs)
    return "&".join(f"{name}={value}" for name, value in encoded)


def string_to_sign(canonical: str) -> str:
    return f"{ALGORITHM}\n{hashlib.sha256(canonical.encode()).hexdigest()}"


def sign(secret: str, canonical: str) -> str:
    return hmac.new(secret.encode(), string_to_sign(canonical).encode(), hashlib.sha256).hexdigest()


def mismatch(canonical: str) -> ApiError:
    """SignatureDoesNotMatch with the server's own reckoning, security token included.

    The real gateway is reported to echo it like this; a client must not pass it on.
    """
    return ApiError(
        "SignatureDoesNotMatch",
        "Specified signature does not match our calculation."
        f" server StringToSign is [{string_to_sign(canonical)}]"
        f" server CanonicalRequest is [{canonical}]",
    )


def _check_date(text: str, now: float) -> None:
    try:
        date = datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise ApiError("InvalidTimeStamp.Format") from None
    if abs(date.timestamp() - now) > CLOCK_WINDOW_S:
        raise ApiError("InvalidTimeStamp.Expired")


def _find_key(key_id: str, token: str | None, keys: Iterable[AccessKey], now: float) -> AccessKey:
    by_id = {key.id: key for key in keys}
    key = by_id.get(key_id)
    if key is None:
        raise ApiError("InvalidAccessKeyId.NotFound")
    if not key.active:
        raise ApiError("InvalidAccessKeyId.Inactive")
    if key.token is not None and token is None:
        raise ApiError("MissingSecurityToken")
    if token is not None and token != key.token:
        known = any(other.token == token for other in by_id.values())
        raise ApiError(
            "InvalidSecurityToken.MismatchWithAccessKey"
            if known
            else "InvalidSecurityToken.Malformed"
        )
    if key.expires_at is not None and now >= key.expires_at:
        raise ApiError("InvalidSecurityToken.Expired")
    return key

"""Map the CDN's errors to kinds of errors: the vendor's code → an ErrorKind.

    CdnError      has .info, and .vendor_code, .request_id, .retry_after_s if known
      CdnRefused  it was certainly not carried out: safe to send again
      CdnInDoubt  it may have been carried out: must not be sent again automatically

The code decides, because the vendor sends temporary errors with HTTP 400 and 403 too.  Only without
a known code does the HTTP status decide:

    413 414 431           refused   too long for a server on the way
    429                   refused   throttled
    301 302 307 308       refused   a redirect elsewhere, so it was not done here
    other 4xx             refused   not carried out, by definition
    5xx                   in doubt  a gateway may have forwarded it before it failed
    200 and all others    in doubt  a server accepted it, with an answer that cannot be read

The codes InternalError and ServiceUnavailable are in doubt as well: the vendor's pages on
idempotence list both among the answers after which a repeated request may act twice.

The vendor's message is read here and never stored, because it can contain keys and tokens.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from bot.core.cdn import errors as kinds
from bot.core.errors import BotError, ErrorKind


class CdnError(BotError):
    """A request to the CDN without success.  Its facts are safe to show and to store."""

    # The minimum wait before a retry, in seconds.  A caller's own backoff may be longer.
    retry_after_s: float | None = None

    @property
    def vendor_code(self) -> str | None:
        return self.info.facts.get("vendor_code")

    @property
    def request_id(self) -> str | None:
        return self.info.facts.get("request_id")

    @property
    def retryable(self) -> bool:
        return self.info.kind.retryable


class CdnRefused(CdnError):
    """Certainly not carried out: refused by the CDN, or never sent."""


class CdnInDoubt(CdnError):
    """Sent, and perhaps carried out: the outcome is unknown."""


KIND_BY_CODE: dict[str, ErrorKind] = {
    # Documented for RefreshObjectCacheByCacheTag; the list is shared with the URL operations:
    # https://alibabacloud.com/help/en/cdn/developer-reference/api-cdn-2018-05-10-refreshobjectcachebycachetag
    "SingleRequest.OverLimit": kinds.TOO_MUCH,
    "InvalidObjectType.Malformed": kinds.BAD_REQUEST,
    "InvalidObjectPath.Malformed": kinds.BAD_REQUEST,
    "InvalidObjectPath.Size.Malformed": kinds.TOO_MUCH,
    "QuotaExceeded.Refresh": kinds.QUOTA,
    "InvalidExtensiveDomain.ValueNotSupported": kinds.WILDCARD_DOMAIN,
    "QuotaPerMinuteExceeded.Refresh": kinds.MINUTE_QUOTA,
    "TooMany.Refresh": kinds.QUEUE_FULL,
    "PreloadQueueFull": kinds.QUEUE_FULL,
    "InvalidStations.Malformed": kinds.BAD_REQUEST,
    "InvalidParameters": kinds.BAD_REQUEST,
    # Codes of the CDN as a whole.
    "InvalidDomain.NotFound": kinds.DOMAIN_UNKNOWN,
    "InvalidDomain.Configure_failed": kinds.DOMAIN_NOT_SET_UP,
    "IllegalOperationDomain": kinds.DOMAIN_NOT_ALLOWED,
    "IllegalOperation": kinds.DOMAIN_NOT_ALLOWED,
    "DomainInProtectedMode": kinds.DOMAIN_PROTECTED,
    "ServiceBusy": kinds.DOMAIN_BUSY,
    "SystemUpgrading": kinds.UPGRADING,
    "FlowControlError": kinds.THROTTLED,
    "CdnServiceNotFound": kinds.ACCOUNT_BLOCKED,
    "OperationDenied": kinds.ACCOUNT_BLOCKED,
    # Codes of the vendor's gateway.
    "Forbidden.RiskControl": kinds.ACCOUNT_BLOCKED,
    "NoPermission": kinds.NO_PERMISSION,
    "SignatureDoesNotMatch": kinds.SIGNATURE_REFUSED,
    "IncompleteSignature": kinds.SIGNATURE_REFUSED,
    "InvalidSecurityToken.Expired": kinds.TOKEN_EXPIRED,
    "MissingSecurityToken": kinds.TOKEN_REFUSED,
    "InvalidProtocol.NeedSsl": kinds.WRONG_ENDPOINT,
    "InvalidApi.NotFound": kinds.WRONG_ENDPOINT,
    "InvalidAction.NotFound": kinds.WRONG_ENDPOINT,
    "InvalidProduct.NotFound": kinds.WRONG_ENDPOINT,
    "InternalError": kinds.SERVER_ERROR,
    "ServiceUnavailable": kinds.SERVER_ERROR,
    # Each attempt has its own nonce, so a used nonce means that this attempt arrived twice.
    "SignatureNonceUsed": kinds.SEEN_BEFORE,
}

# For codes that are not in the table: the first matching prefix.
KIND_BY_FAMILY: dict[str, ErrorKind] = {
    "InvalidAccessKeyId": kinds.KEY_REFUSED,
    "InvalidSecurityToken": kinds.TOKEN_REFUSED,
    "InvalidTimeStamp": kinds.CLOCK_WRONG,
    "Forbidden": kinds.NO_PERMISSION,
    "Invalid": kinds.BAD_REQUEST,
    "Missing": kinds.BAD_REQUEST,
}

KIND_BY_STATUS: dict[int, ErrorKind] = {
    **dict.fromkeys((413, 414, 431), kinds.TOO_MUCH),
    429: kinds.THROTTLED,
    **dict.fromkeys((301, 302, 307, 308), kinds.WRONG_ENDPOINT),
}

# The minimum wait before a retry in seconds, by kind, if the CDN does not state one.
WAIT_S: dict[str, float] = {
    kinds.MINUTE_QUOTA.code: 60.0,
    kinds.QUEUE_FULL.code: 60.0,
    kinds.DOMAIN_BUSY.code: 60.0,
    kinds.UPGRADING.code: 300.0,
}
LONGEST_WAIT_S = 3600.0

# An answer may come from anywhere: only text in the form of a code or an ID is shown.
_CODE = re.compile(r"[A-Z][A-Za-z0-9_]{0,39}(\.[A-Za-z0-9_]{1,40}){0,3}", re.ASCII)
_REQUEST_ID = re.compile(r"[0-9A-Za-z]{8}(-[0-9A-Za-z]{4}){3}-[0-9A-Za-z]{12}", re.ASCII)


def kind_of(vendor_code: str, vendor_message: str = "") -> ErrorKind | None:
    """Return the kind that a code of the vendor means, or None for an unknown code."""
    if vendor_code == "QuotaExceeded.Refresh" and "daily" in vendor_message.lower():
        return kinds.DAILY_QUOTA
    if vendor_code in KIND_BY_CODE:
        return KIND_BY_CODE[vendor_code]
    if "throttling" in vendor_code.lower():
        return kinds.THROTTLED
    families = (kind for start, kind in KIND_BY_FAMILY.items() if vendor_code.startswith(start))
    return next(families, None)


def fault_of(status: int, headers: Mapping[str, str], document: Mapping[str, Any]) -> CdnError:
    """Return the error that an answer means.  `document` is its JSON object, or {} if it had none.

    `headers` must ignore the case of names.
    """
    code = _shaped(_CODE, document.get("Code"))
    kind = kind_of(code, str(document.get("Message", ""))) if code else None
    kind = kind or _kind_by_status(status, coded=code is not None)
    facts = {"http_status": str(status)}
    if code:
        facts["vendor_code"] = code
    if request_id := request_id_of(headers, document):
        facts["request_id"] = request_id
    fault = (CdnInDoubt if kind.in_doubt else CdnRefused)(kind, **facts)
    fault.retry_after_s = _retry_after_s(kind, headers)
    return fault


def request_id_of(headers: Mapping[str, str], document: Mapping[str, Any]) -> str | None:
    """Return the vendor's ID of a request, for its support, or None if it is not well-formed."""
    stated = (document.get("RequestId"), headers.get("x-acs-request-id"))
    return next(filter(None, (_shaped(_REQUEST_ID, value) for value in stated)), None)


def _kind_by_status(status: int, *, coded: bool) -> ErrorKind:
    if status in KIND_BY_STATUS:
        return KIND_BY_STATUS[status]
    if 400 <= status < 500:
        return kinds.UNKNOWN_ERROR if coded else kinds.TURNED_DOWN
    return kinds.SERVER_ERROR if status >= 500 else kinds.UNREADABLE_ANSWER


def _retry_after_s(kind: ErrorKind, headers: Mapping[str, str]) -> float | None:
    """Return the wait in seconds.  The vendor's header is in milliseconds, HTTP's in seconds."""
    if not kind.retryable:
        return None
    for name, unit_s in (("x-acs-retry-after", 0.001), ("retry-after", 1.0)):
        stated = headers.get(name, "")
        if re.fullmatch(r"[0-9]{1,9}", stated) and int(stated) > 0:
            return min(int(stated) * unit_s, LONGEST_WAIT_S)
    return WAIT_S.get(kind.code)


def _shaped(form: re.Pattern[str], value: object) -> str | None:
    return value if isinstance(value, str) and form.fullmatch(value) else None

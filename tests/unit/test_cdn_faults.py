from __future__ import annotations

import pytest
from requests.structures import CaseInsensitiveDict

from bot.cdn.error_codes import (
    KIND_BY_CODE,
    KIND_BY_FAMILY,
    KIND_BY_STATUS,
    WAIT_S,
    CdnError,
    CdnInDoubt,
    CdnRefused,
    fault_of,
)
from bot.core.cdn import errors as kinds
from bot.core.errors import ErrorKind, kinds_in

REQUEST_ID = "2E5AD83F-BD7B-462E-8319-2E30E305519A"

# What the operation's page lists, both texts where it has two.
DOCUMENTED = [
    ("SingleRequest.OverLimit", "A maximum of 1000 URLs are supported.", kinds.TOO_MUCH),
    ("InvalidObjectType.Malformed", "The specified ObjectType is invalid.", kinds.BAD_REQUEST),
    ("InvalidObjectPath.Malformed", "The specified ObjectPath is invalid.", kinds.BAD_REQUEST),
    ("InvalidObjectPath.Size.Malformed", "ObjectPath is bigger than 1000.", kinds.TOO_MUCH),
    ("QuotaExceeded.Refresh", "You've exceeded the prescribed refresh limits.", kinds.QUOTA),
    (
        "QuotaExceeded.Refresh",
        "Your refresh attempts have exceeded the daily limit.",
        kinds.DAILY_QUOTA,
    ),
    (
        "InvalidExtensiveDomain.ValueNotSupported",
        "The specified ExtensiveDomain is not supported.",
        kinds.WILDCARD_DOMAIN,
    ),
    (
        "InvalidExtensiveDomain.ValueNotSupported",
        "Extensive domain not supported.",
        kinds.WILDCARD_DOMAIN,
    ),
    (
        "QuotaPerMinuteExceeded.Refresh",
        "You tried to refresh too frequently; please try again later.",
        kinds.MINUTE_QUOTA,
    ),
    (
        "QuotaPerMinuteExceeded.Refresh",
        "You've exceeded the prescribed refresh limits per minute.",
        kinds.MINUTE_QUOTA,
    ),
    ("TooMany.Refresh", "The refresh queue is full; please try again later.", kinds.QUEUE_FULL),
    ("PreloadQueueFull", "Preload queue is full, please try again later!", kinds.QUEUE_FULL),
    ("InvalidStations.Malformed", "The specified Stations is invalid.", kinds.BAD_REQUEST),
    ("InvalidParameters", "The parameters you provided are invalid.", kinds.BAD_REQUEST),
]
# What the CDN and its gateway are known to answer besides, and with which HTTP status.
OTHERS = [
    ("Throttling", 400, kinds.THROTTLED),
    ("Throttling.User", 503, kinds.THROTTLED),
    ("Throttling.Api", 429, kinds.THROTTLED),
    ("Rejected.Throttling", 400, kinds.THROTTLED),
    ("FlowControlError", 400, kinds.THROTTLED),
    ("ServiceUnavailable", 503, kinds.SERVER_ERROR),
    ("InternalError", 500, kinds.SERVER_ERROR),
    ("SignatureNonceUsed", 400, kinds.SEEN_BEFORE),
    ("InvalidTimeStamp.Expired", 400, kinds.CLOCK_WRONG),
    ("InvalidTimeStamp.Format", 400, kinds.CLOCK_WRONG),
    ("InvalidAccessKeyId.NotFound", 404, kinds.KEY_REFUSED),
    ("InvalidAccessKeyId.Inactive", 400, kinds.KEY_REFUSED),
    ("SignatureDoesNotMatch", 400, kinds.SIGNATURE_REFUSED),
    ("IncompleteSignature", 403, kinds.SIGNATURE_REFUSED),
    ("InvalidSecurityToken.Expired", 400, kinds.TOKEN_EXPIRED),
    ("InvalidSecurityToken.Malformed", 400, kinds.TOKEN_REFUSED),
    ("InvalidSecurityToken.MismatchWithAccessKey", 400, kinds.TOKEN_REFUSED),
    ("MissingSecurityToken", 400, kinds.TOKEN_REFUSED),
    ("Forbidden.RAM", 403, kinds.NO_PERMISSION),
    ("NoPermission", 403, kinds.NO_PERMISSION),
    ("Forbidden", 403, kinds.NO_PERMISSION),
    ("Forbidden.RiskControl", 403, kinds.ACCOUNT_BLOCKED),
    ("OperationDenied", 403, kinds.ACCOUNT_BLOCKED),
    ("CdnServiceNotFound", 403, kinds.ACCOUNT_BLOCKED),
    ("MissingParameter", 400, kinds.BAD_REQUEST),
    ("MissingDomainName", 400, kinds.BAD_REQUEST),
    ("InvalidParameter", 400, kinds.BAD_REQUEST),
    ("InvalidProtocol.NeedSsl", 400, kinds.WRONG_ENDPOINT),
    ("InvalidApi.NotFound", 404, kinds.WRONG_ENDPOINT),
    ("InvalidAction.NotFound", 404, kinds.WRONG_ENDPOINT),
    ("InvalidProduct.NotFound", 404, kinds.WRONG_ENDPOINT),
    ("InvalidDomain.NotFound", 404, kinds.DOMAIN_UNKNOWN),
    ("InvalidDomain.Configure_failed", 400, kinds.DOMAIN_NOT_SET_UP),
    ("IllegalOperationDomain", 400, kinds.DOMAIN_NOT_ALLOWED),
    ("IllegalOperation", 403, kinds.DOMAIN_NOT_ALLOWED),
    ("DomainInProtectedMode", 403, kinds.DOMAIN_PROTECTED),
    ("ServiceBusy", 403, kinds.DOMAIN_BUSY),
    ("SystemUpgrading", 403, kinds.UPGRADING),
]
RETRIED = {
    "Throttling",
    "Throttling.User",
    "Throttling.Api",
    "Rejected.Throttling",
    "FlowControlError",
    "ServiceBusy",
    "SystemUpgrading",
    "QuotaPerMinuteExceeded.Refresh",
    "TooMany.Refresh",
    "PreloadQueueFull",
    "InvalidSecurityToken.Expired",
}


def fault(
    status: int, code: object = None, *, headers: dict[str, str] | None = None, **more: object
) -> CdnError:
    return fault_of(status, CaseInsensitiveDict(headers or {}), {"Code": code, **more})


@pytest.mark.parametrize(("code", "message", "kind"), DOCUMENTED)
def test_each_error_that_the_operations_page_lists_has_its_kind(
    code: object, message: str, kind: ErrorKind
) -> None:
    assert fault(400, code, Message=message).info.kind is kind


@pytest.mark.parametrize(("code", "status", "kind"), OTHERS)
def test_each_error_of_the_gateway_and_the_cdn_has_its_kind(
    code: object, status: int, kind: ErrorKind
) -> None:
    assert fault(status, code).info.kind is kind


@pytest.mark.parametrize("code", [row[0] for row in [*DOCUMENTED, *OTHERS]])
def test_a_code_decides_whatever_the_http_status(code: object) -> None:
    assert {fault(status, code).info.code for status in (200, 302, 400, 403, 404, 500, 503)} == {
        fault(400, code).info.code
    }


@pytest.mark.parametrize("code", [row[0] for row in [*DOCUMENTED, *OTHERS]])
def test_only_what_passes_by_itself_is_retryable(code: object) -> None:
    assert fault(400, code).retryable == (code in RETRIED)


def test_every_line_of_the_tables_is_tried_above() -> None:
    tried = {row[0] for row in [*DOCUMENTED, *OTHERS]}
    assert set(KIND_BY_CODE) <= tried
    assert all(any(code.startswith(start) for code in tried) for start in KIND_BY_FAMILY)


@pytest.mark.parametrize("status", [400, 403, 404])
def test_an_unknown_code_is_shown_with_the_request_id(status: int) -> None:
    found = fault(status, "Quite.New", RequestId=REQUEST_ID)
    assert (type(found), found.vendor_code, found.request_id) == (
        CdnRefused,
        "Quite.New",
        REQUEST_ID,
    )
    assert "Quite.New" in found.info.message
    assert REQUEST_ID in found.info.hint


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, kinds.TURNED_DOWN),
        (403, kinds.TURNED_DOWN),
        (408, kinds.TURNED_DOWN),
        (413, kinds.TOO_MUCH),
        (414, kinds.TOO_MUCH),
        (431, kinds.TOO_MUCH),
        (429, kinds.THROTTLED),
        (301, kinds.WRONG_ENDPOINT),
        (302, kinds.WRONG_ENDPOINT),
        (307, kinds.WRONG_ENDPOINT),
        (308, kinds.WRONG_ENDPOINT),
        (200, kinds.UNREADABLE_ANSWER),
        (202, kinds.UNREADABLE_ANSWER),
        (303, kinds.UNREADABLE_ANSWER),
        (500, kinds.SERVER_ERROR),
        (502, kinds.SERVER_ERROR),
        (503, kinds.SERVER_ERROR),
        (504, kinds.SERVER_ERROR),
    ],
)
def test_without_a_code_the_http_status_decides(status: int, kind: ErrorKind) -> None:
    assert fault(status).info.kind is kind
    assert set(KIND_BY_STATUS) <= {413, 414, 431, 429, 301, 302, 307, 308}


@pytest.mark.parametrize("status", [200, 500, 502, 503])
def test_an_unknown_code_does_not_take_the_doubt_from_a_status(status: int) -> None:
    assert isinstance(fault(status, "Quite.New"), CdnInDoubt)


@pytest.mark.parametrize("status", [200, 302, 303, 400, 403, 500, 503])
@pytest.mark.parametrize("code", [None, "Quite.New", *KIND_BY_CODE])
def test_the_class_says_the_same_as_the_kind(code: object, status: int) -> None:
    found = fault(status, code)
    assert isinstance(found, CdnInDoubt) == found.info.kind.in_doubt
    assert isinstance(found, CdnRefused) != found.info.kind.in_doubt


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"x-acs-retry-after": "1500"}, 1.5),
        ({"X-Acs-Retry-After": "2000", "Retry-After": "9"}, 2.0),
        ({"Retry-After": "9"}, 9.0),
        ({"x-acs-retry-after": "999999999"}, 3600.0),
        ({"x-acs-retry-after": "0"}, 60.0),
        ({"x-acs-retry-after": "-5"}, 60.0),
        ({"x-acs-retry-after": "soon"}, 60.0),
        ({"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, 60.0),
        ({}, 60.0),
    ],
    ids=str,
)
def test_a_retry_waits_as_long_as_the_cdn_asks_or_as_its_kind_needs(
    headers: dict[str, str], seconds: float
) -> None:
    assert fault(400, "TooMany.Refresh", headers=headers).retry_after_s == seconds


def test_what_is_not_retryable_has_no_wait() -> None:
    assert fault(400, "QuotaExceeded.Refresh", headers={"Retry-After": "9"}).retry_after_s is None
    assert set(WAIT_S) <= {kind.code for kind in kinds_in(kinds) if kind.retryable}


SECRET = "CAISsecret/token+=="


@pytest.mark.parametrize(
    "code",
    [
        SECRET,
        f"X.{SECRET}",
        "<script>",
        "a b",
        "*bold*",
        "code\n",
        "",
        "A" * 500,
        "Ａｂｃ",
        7,
        None,
        [],
        {"a": 1},
    ],
    ids=repr,
)
def test_what_has_not_the_form_of_a_code_is_not_shown(code: object) -> None:
    found = fault(400, code)
    assert (found.vendor_code, found.info.code) == (None, "cdn-turned-down")


@pytest.mark.parametrize("request_id", [SECRET, "<!channel>", "", 5, f"{REQUEST_ID}\n", None])
def test_what_has_not_the_form_of_a_request_id_is_not_shown(request_id: object) -> None:
    found = fault(400, "Quite.New", RequestId=request_id)
    assert found.request_id is None
    assert SECRET not in str(found.info.facts)


def test_the_request_id_of_the_headers_serves_where_the_body_has_none() -> None:
    assert fault(502, headers={"x-acs-request-id": REQUEST_ID}).request_id == REQUEST_ID


def test_the_vendors_text_is_kept_nowhere() -> None:
    for code in (*KIND_BY_CODE, "Quite.New", None):
        found = fault(400, code, Message=SECRET, Recommend=SECRET, HostId=SECRET)
        assert SECRET not in f"{found} {found!r} {found.args} {found.info} {vars(found)}"


def test_each_kind_has_a_sentence_and_a_next_step() -> None:
    for kind in kinds_in(kinds):
        assert kind.code.startswith("cdn-")
        assert kind.message.endswith((".", "}).", "}."))
        assert len(kind.hint) > 15


def test_what_is_in_doubt_is_never_sent_again_by_itself() -> None:
    assert [kind.code for kind in kinds_in(kinds) if kind.in_doubt and kind.retryable] == []

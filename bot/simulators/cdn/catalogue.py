"""Every error that the CDN can answer: code, HTTP status and published texts.

    REFRESH     the error table of RefreshObjectCacheByCacheTag
    QUERY       the error table of the operations that list refresh tasks
    PRODUCT     the CDN's own error list, common to its operations
    GATEWAY     the API gateway's public errors, common to all products
    OWN_WORDS   codes whose published text or status is not known: our words, a likely status

A code may have several texts; the first is used unless the one who raises it picks another.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """One error code, its HTTP status and the texts it comes with."""

    code: str
    status: int
    texts: tuple[str, ...]


class ApiError(Exception):
    """An error answer, in words of its own or in those that the catalogue has at `variant`.

    `retry_after_ms` becomes the header x-acs-retry-after.
    """

    def __init__(
        self, code: str, text: str = "", *, variant: int = 0, retry_after_ms: int | None = None
    ) -> None:
        entry = CATALOGUE[code]
        self.code = code
        self.status = entry.status
        self.text = text or entry.texts[variant]
        self.retry_after_ms = retry_after_ms
        super().__init__(f"{code}: {self.text}")


REFRESH = (
    Entry(
        "SingleRequest.OverLimit", 400, ("A maximum of 1000 URLs are supported for each request.",)
    ),
    Entry("InvalidObjectType.Malformed", 400, ("The specified ObjectType is invalid.",)),
    Entry("InvalidObjectPath.Malformed", 400, ("The specified ObjectPath is invalid.",)),
    Entry(
        "InvalidObjectPath.Size.Malformed", 400, ("The size of ObjectPath is bigger than 1000.",)
    ),
    Entry(
        "QuotaExceeded.Refresh",
        400,
        (
            "You've exceeded the prescribed refresh limits.",
            "Your refresh attempts have exceeded the daily limit.",
        ),
    ),
    Entry(
        "InvalidExtensiveDomain.ValueNotSupported",
        400,
        ("The specified ExtensiveDomain is not supported.", "Extensive domain not supported."),
    ),
    Entry(
        "QuotaPerMinuteExceeded.Refresh",
        400,
        (
            "You tried to refresh too frequently; please try again later.",
            "You've exceeded the prescribed refresh limits per minute.",
        ),
    ),
    Entry("TooMany.Refresh", 400, ("The refresh queue is full; please try again later.",)),
    Entry("PreloadQueueFull", 400, ("Preload queue is full, please try again later!",)),
    Entry("InvalidStations.Malformed", 400, ("The specified Stations is invalid.",)),
    Entry("InvalidParameters", 400, ("The parameters you provided are invalid.",)),
)

QUERY = (
    Entry("InvalidTaskId.Malformed", 400, ("The specified TaskId is invalid.",)),
    Entry(
        "MissingParameter.ObjectType",
        400,
        ("If DomainName or Status is provided, ObjectType can not be empty.",),
    ),
    Entry("MissingTimeParameter", 400, ("The StartTime and EndTime must be both specified.",)),
    Entry("InvalidStartTime.Malformed", 400, ("The specified StartTime is invalid.",)),
    Entry("InvalidEndTime.Malformed", 400, ("The specified EndTime is invalid.",)),
    Entry(
        "InvalidEndTime.Mismatch", 400, ("The specified EndTime is earlier than the StartTime.",)
    ),
    Entry("InvalidStartTime.ValueNotSupported", 400, ("The specified StartTime is invalid.",)),
    Entry(
        "InvalidObjectType.ValueNotSupported", 400, ("The specified ObjectType is not supported.",)
    ),
    Entry("InvalidStatus.ValueNotSupported", 400, ("The specified Status is not supported.",)),
)

PRODUCT = (
    Entry("InvalidDomain.NotFound", 404, ("The domain provided does not exist in our records.",)),
    Entry("IllegalOperationDomain", 400, ("You are not authorized to operate the domain.",)),
    Entry("IllegalOperation", 403, ("Illegal domain operate is not permitted.",)),
    Entry("CdnServiceNotFound", 403, ("Your account does not open CDN service yet.",)),
    Entry("ServiceBusy", 403, ("The specified Domain is configuring, please retry later",)),
    Entry("SystemUpgrading", 403, ("The system is being upgraded, please try again later!",)),
    Entry(
        "DomainInProtectedMode",
        403,
        (
            "This domain is in the protected mode. if you want to do this operation, please contact us!",
        ),
    ),
    Entry("DomainNameOverLimit", 400, ("A maximum of 50 domains are supported for each request.",)),
)

GATEWAY = (
    Entry(
        "InternalError",
        500,
        ("The request processing has failed due to backend service exception.",),
    ),
    Entry(
        "ServiceUnavailable",
        503,
        ("The request has failed due to a temporary failure of the server.",),
    ),
    Entry("Throttling", 400, ("Request was denied due to request throttling.",)),
    Entry("Throttling.User", 400, ("Request was denied due to user flow control.",)),
    Entry("Throttling.Api", 400, ("Request was denied due to api flow control.",)),
    Entry("SignatureNonceUsed", 400, ("Specified signature nonce was used already.",)),
    Entry("InvalidTimeStamp.Expired", 400, ("Specified time stamp or date value is expired.",)),
    Entry(
        "InvalidTimeStamp.Format",
        400,
        ("Specified time stamp or date value is not well formatted.",),
    ),
    Entry("InvalidAccessKeyId.NotFound", 404, ("Specified access key is not found.",)),
    Entry("InvalidAccessKeyId.Inactive", 400, ("Specified access key is disabled.",)),
    Entry("SignatureDoesNotMatch", 400, ("Specified signature does not match our calculation.",)),
    Entry(
        "IncompleteSignature",
        400,
        ("The request signature does not conform to Aliyun standards.",),
    ),
    Entry("InvalidSecurityToken.Expired", 400, ("Specified SecurityToken is expired.",)),
    Entry("InvalidSecurityToken.Malformed", 400, ("Specified SecurityToken is malformed.",)),
    Entry(
        "InvalidSecurityToken.MismatchWithAccessKey",
        400,
        ("Specified SecurityToken mismatch with the AccessKey.",),
    ),
    Entry("MissingSecurityToken", 400, ("SecurityToken is mandatory for this action.",)),
    Entry(
        "Forbidden.RAM",
        403,
        (
            "User not authorized to operate on the specified resource, or this API doesn't support RAM.",
        ),
    ),
    Entry("Forbidden", 403, ("User not authorized to operate on the specified resource.",)),
    Entry(
        "Forbidden.RiskControl",
        403,
        ("This operation is forbidden by Aliyun Risk Control system.",),
    ),
    Entry("MissingParameter", 400, ("Parameter is missing.",)),
    *(
        Entry(f"Missing{name}", 400, (f"{name} is mandatory for this action.",))
        for name in ("DomainName", "CacheTag", "TaskId", "ObjectPath")
    ),
    Entry("InvalidParameter", 400, ("The specified parameter is not valid.",)),
    Entry("InvalidVersion", 400, ("Specified parameter Version is not valid.",)),
    Entry(
        "InvalidAction.NotFound",
        404,
        ("Specified api is not found, please check your url and method.",),
    ),
)

OWN_WORDS = (
    Entry("Rejected.Throttling", 400, ("Request was rejected by flow control.",)),
    Entry("FlowControlError", 400, ("Flow control: please try again later.",)),
    Entry("OperationDenied", 403, ("The CDN service of this account is suspended.",)),
    Entry("NoPermission", 403, ("You are not authorized to do this action.",)),
    Entry("InvalidDomain.Configure_failed", 400, ("Failed to configure the provided domain.",)),
    Entry("InvalidProtocol.NeedSsl", 400, ("This action needs HTTPS.",)),
    Entry("InvalidApi.NotFound", 404, ("Specified api is not found.",)),
    Entry("InvalidProduct.NotFound", 404, ("No product is found behind this domain.",)),
    Entry(
        "InvalidSignatureMethod",
        400,
        ("Specified signature method is not supported here: sign with ACS3-HMAC-SHA256.",),
    ),
)

CATALOGUE: dict[str, Entry] = {
    entry.code: entry for entry in (*REFRESH, *QUERY, *PRODUCT, *GATEWAY, *OWN_WORDS)
}

PERMISSION_CODES = frozenset({"Forbidden.RAM", "Forbidden", "NoPermission"})
"""Codes whose answer carries AccessDeniedDetail."""

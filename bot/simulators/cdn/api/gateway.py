"""The CDN's endpoint: from the bytes of a request to the bytes of an answer.

    read → record → meet a fault → authenticate → permission → rate → operation → answer

Errors have the gateway's JSON form; nothing here raises into the server.
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bot.simulators.cdn.account import RATE_WINDOW_S, Account, SeenRequest
from bot.simulators.cdn.api.queries import (
    describe_cdn_domain_detail,
    describe_refresh_quota,
    describe_refresh_task_by_id,
    describe_refresh_tasks,
    describe_user_domains,
)
from bot.simulators.cdn.api.refresh import refresh_by_cache_tag, refresh_object_caches
from bot.simulators.cdn.catalogue import PERMISSION_CODES, ApiError
from bot.simulators.cdn.faults import Fault, HangUp, pause
from bot.simulators.cdn.signature import WireRequest, authenticate, mismatch

VERSION = "2018-05-10"
HOST_ID = "cdn.aliyuncs.com"
FORM_ACTION = "RefreshObjectCaches"
"""The only operation that reads its parameters from a form body as well."""

Operation = Callable[[Account, Mapping[str, str]], dict[str, Any]]
OPERATIONS: dict[str, Operation] = {
    "RefreshObjectCacheByCacheTag": refresh_by_cache_tag,
    "RefreshObjectCaches": refresh_object_caches,
    "DescribeRefreshTaskById": describe_refresh_task_by_id,
    "DescribeRefreshTasks": describe_refresh_tasks,
    "DescribeRefreshQuota": describe_refresh_quota,
    "DescribeUserDomains": describe_user_domains,
    "DescribeCdnDomainDetail": describe_cdn_domain_detail,
}


class Gateway:
    """Answers requests on behalf of one account."""

    def __init__(self, account: Account) -> None:
        self._account = account

    async def answer(self, request: Request) -> Response:
        wire = await _read(request)
        action = wire.headers.get("x-acs-action", "")
        seen = self._account.record(
            action,
            _parameters(action, wire),
            wire.headers.get("x-acs-signature-nonce", ""),
            str(uuid.uuid4()).upper(),
        )
        self._account.changes.tell()
        fault = self._account.faults.take(action)
        try:
            return await self._disturbed(request, wire, seen, fault)
        finally:
            self._account.changes.tell()

    async def _disturbed(
        self, request: Request, wire: WireRequest, seen: SeenRequest, fault: Fault | None
    ) -> Response:
        if fault is None:
            return self._carry_out(wire, seen, None)
        if fault.kind == "drop_before":
            seen.outcome = fault.outcome
            return HangUp()
        if fault.kind == "delay":
            await pause(request, fault.seconds)
        answer = self._carry_out(wire, seen, fault)
        seen.outcome = fault.outcome or seen.outcome
        if fault.kind == "slow_answer":
            await pause(request, fault.seconds)
        return fault.disturb(answer)

    def _carry_out(self, wire: WireRequest, seen: SeenRequest, fault: Fault | None) -> Response:
        try:
            canonical = authenticate(wire, self._account.keys, self._account.caller_now())
            self._account.spend_nonce(seen.nonce)
            operation = self._admit(wire, seen)
            if fault is not None and fault.prevents_execution:
                return _undone(fault, canonical)
            answer = operation(self._account, seen.params)
            seen.task_id = answer.get("RefreshTaskId")
            if fault is not None and fault.kind == "error":
                raise _demanded(fault, canonical)
        except ApiError as error:
            seen.outcome = error.code
            return _error_answer(error, seen)
        seen.outcome = "ok"
        if fault is not None and fault.kind == "no_task_id":
            seen.outcome = fault.kind
            answer.pop("RefreshTaskId", None)
        return _json_answer({"RequestId": seen.request_id, **answer}, 200, seen)

    def _admit(self, wire: WireRequest, seen: SeenRequest) -> Operation:
        """The operation, if it exists, is allowed, and is not called too often."""
        if wire.headers["x-acs-version"] != VERSION:
            raise ApiError("InvalidVersion")
        operation = OPERATIONS.get(seen.action)
        if operation is None:
            raise ApiError("InvalidAction.NotFound")
        account = self._account
        if seen.action in account.settings.denied_actions:
            raise ApiError("Forbidden.RAM")
        now = account.now()
        rate = account.settings.rates.get(seen.action, 0)
        recent = account.calls.within(RATE_WINDOW_S, seen.action, now)
        if rate and len(recent) >= rate:
            free_in_s = recent[-rate].at + RATE_WINDOW_S - now
            raise ApiError("Throttling.User", retry_after_ms=max(1, math.ceil(free_in_s * 1000)))
        account.calls.spend(seen.action, now)
        return operation


async def _read(request: Request) -> WireRequest:
    return WireRequest(
        method=request.method,
        query=request.scope["query_string"].decode("latin-1"),
        headers=dict(request.headers.items()),
        body=await request.body(),
    )


def _parameters(action: str, wire: WireRequest) -> dict[str, str]:
    params = dict(parse_qsl(wire.query, keep_blank_values=True))
    is_form = wire.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
    if action == FORM_ACTION and is_form:
        params |= parse_qsl(wire.body.decode("utf-8", "replace"), keep_blank_values=True)
    return params


def _undone(fault: Fault, canonical: str) -> Response:
    """Something for the fault to disturb, with nothing carried out.  Errors: the demanded one."""
    if fault.kind == "error":
        raise _demanded(fault, canonical)
    return Response()


def _demanded(fault: Fault, canonical: str) -> ApiError:
    if fault.code == "SignatureDoesNotMatch" and not fault.message:
        return mismatch(canonical)
    return ApiError(fault.code, fault.message, retry_after_ms=fault.retry_after_ms)


def _error_answer(error: ApiError, seen: SeenRequest) -> Response:
    body: dict[str, Any] = {
        "RequestId": seen.request_id,
        "HostId": HOST_ID,
        "Code": error.code,
        "Message": error.text,
        "Recommend": f"https://api.aliyun.com/troubleshoot?q={error.code}&product=Cdn"
        f"&requestId={seen.request_id}",
    }
    if error.code in PERMISSION_CODES:
        body["AccessDeniedDetail"] = {
            "AuthAction": f"cdn:{seen.action}",
            "AuthPrincipalType": "SubUser",
            "NoPermissionType": "ImplicitDeny",
            "PolicyType": "AccountLevelIdentityBasedPolicy",
            "EncodedDiagnosticMessage": "AQEAAAAAplayground",
        }
    answer = _json_answer(body, error.status, seen)
    if error.retry_after_ms is not None:
        answer.headers["x-acs-retry-after"] = str(error.retry_after_ms)
    return answer


def _json_answer(body: dict[str, Any], status: int, seen: SeenRequest) -> Response:
    return JSONResponse(body, status, headers={"x-acs-request-id": seen.request_id})

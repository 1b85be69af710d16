"""The Web API: /api/<method>, from the bytes of a request to the answer Slack would give.

request → known method? → token → ordered fault → rate limit → scopes → method → answer
                                                                         └→ lost reply
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.parser import BytesParser
from email.policy import HTTP
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from bot.simulators.request_bodies import json_of
from bot.simulators.slack.events.dropping import drop_connection
from bot.simulators.slack.web_api import (
    methods_app,
    methods_blocks,
    methods_chat,
    methods_conversations,
    methods_people,
    methods_views,
)
from bot.simulators.slack.web_api.calls import Call, Refusal
from bot.simulators.slack.workspace.faults import WebApiFault
from bot.simulators.slack.workspace.limits import SPECIAL, TIER_1, TIER_2, TIER_3, TIER_4
from bot.simulators.slack.workspace.model import Json
from bot.simulators.slack.workspace.state import Workspace


@dataclass(frozen=True, slots=True)
class Method:
    run: Callable[[Call], Json]
    per_minute: int
    scopes: tuple[str, ...] = ()
    token: str = "bot"
    """Whose token it takes: bot, app, config; any, or none at all."""


METHODS: dict[str, Method] = {
    "api.test": Method(methods_app.api_test, TIER_4, token="any"),
    "apps.connections.open": Method(
        methods_app.open_connection, TIER_1, ("connections:write",), token="app"
    ),
    "apps.manifest.validate": Method(methods_app.validate_manifest, TIER_3, token="config"),
    "auth.test": Method(methods_app.auth_test, SPECIAL),
    "blocks.validate": Method(methods_blocks.validate, TIER_3),
    "bots.info": Method(methods_app.bots_info, TIER_3, ("users:read",)),
    "chat.delete": Method(methods_chat.delete, TIER_3, ("chat:write",)),
    "chat.getPermalink": Method(methods_chat.get_permalink, SPECIAL),
    "chat.postEphemeral": Method(methods_chat.post_ephemeral, TIER_4, ("chat:write",)),
    "chat.postMessage": Method(methods_chat.post_message, SPECIAL, ("chat:write",)),
    "chat.update": Method(methods_chat.update, TIER_3, ("chat:write",)),
    # What the conversations methods need depends on the kind of channel; they check themselves.
    "conversations.history": Method(methods_conversations.history, TIER_3),
    "conversations.info": Method(methods_conversations.info, TIER_3),
    "conversations.join": Method(methods_conversations.join, TIER_3, ("channels:join",)),
    "conversations.list": Method(methods_conversations.list_all, TIER_2),
    "conversations.members": Method(methods_conversations.members, TIER_4),
    "conversations.open": Method(methods_conversations.open_direct, TIER_3, ("im:write",)),
    "conversations.replies": Method(methods_conversations.replies, TIER_3),
    "reactions.add": Method(methods_conversations.add_reaction, TIER_3, ("reactions:write",)),
    "team.info": Method(methods_app.team_info, TIER_3, ("team:read",)),
    "usergroups.list": Method(methods_people.usergroups_list, TIER_2, ("usergroups:read",)),
    "usergroups.users.list": Method(
        methods_people.usergroups_users_list, TIER_2, ("usergroups:read",)
    ),
    "users.info": Method(methods_people.users_info, TIER_4, ("users:read",)),
    "users.list": Method(methods_people.users_list, TIER_2, ("users:read",)),
    "views.open": Method(methods_views.open_view, TIER_4),
    "views.publish": Method(methods_views.publish_view, TIER_4),
    "views.push": Method(methods_views.push_view, TIER_4),
    "views.update": Method(methods_views.update_view, TIER_4),
}


class WebApi:
    """An ASGI endpoint; it needs the connection itself to be able to drop it."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        workspace = self._workspace
        workspace.base_url = workspace.base_url or str(request.base_url).rstrip("/")
        name = request.path_params["method"]
        arguments: Json = {}
        try:
            arguments = await _arguments(request)
            response = await self._answer(request, name, arguments)
        except Refusal as refusal:
            response = _refused(refusal, {})
        except _Dropped:
            response = None
        answer = None if response is None else _logged(response)
        status = None if response is None else response.status_code
        lost = None if response is None else workspace.faults.lost_reply(name)
        workspace.log(
            workspace.calls,
            method=name,
            arguments=arguments,
            status=status,
            answer=answer,
            lost=lost is not None,
        )
        if lost is not None and lost.answer is not None:
            await JSONResponse(lost.answer)(scope, receive, send)
        elif response is None or lost:
            await drop_connection(scope)
        else:
            at = datetime.fromtimestamp(workspace.now(), UTC)
            response.headers["date"] = format_datetime(at, usegmt=True)
            await response(scope, receive, send)

    async def _answer(self, request: Request, name: str, arguments: Json) -> Response:
        workspace = self._workspace
        method = METHODS.get(name)
        if method is None:
            raise Refusal("unknown_method", req_method=name)
        self._check_token(method, _token(request, arguments))
        if (trouble := await self._ordered_trouble(name)) is not None:
            return trouble
        if wait_s := workspace.limits.wait_s(name, method.per_minute, workspace.now()):
            raise Refusal("ratelimited", retry_after=wait_s)
        call = Call(workspace, name, arguments)
        try:
            if method.token == "bot" and method.scopes:
                call.needs(*method.scopes)
            answer = {"ok": True, **method.run(call)}
        except Refusal as refusal:
            return _refused(refusal, self._scope_headers(call, method))
        return JSONResponse(answer, headers=self._scope_headers(call, method))

    async def _ordered_trouble(self, name: str) -> Response | None:
        fault = self._workspace.faults.next_for(name)
        match fault:
            case None:
                return None
            case WebApiFault(error="drop"):
                raise _Dropped
            case WebApiFault(error="slow"):
                await asyncio.sleep(fault.delay_s)
                return None
            case WebApiFault(error="ratelimited"):
                raise Refusal("ratelimited", retry_after=fault.retry_after)
            case WebApiFault(error=error) if error.startswith("http_"):
                return PlainTextResponse("Something went wrong", status_code=int(error[5:]))
            case WebApiFault(error=error):
                raise Refusal(error)

    def _check_token(self, method: Method, token: str) -> None:
        workspace = self._workspace
        kinds = {
            workspace.bot_token: "bot",
            workspace.app_token: "app",
            workspace.config_token: "config",
        }
        if not token and method.token == "any":
            return
        if not token:
            raise Refusal("not_authed")
        if token not in kinds:
            raise Refusal("invalid_auth")
        if method.token not in {kinds[token], "any"}:
            raise Refusal("not_allowed_token_type")

    def _scope_headers(self, call: Call, method: Method) -> dict[str, str]:
        granted = {"app": ["connections:write"], "config": []}.get(
            method.token, self._workspace.scopes
        )
        accepted = sorted({*method.scopes, *call.accepted_scopes})
        return {"x-oauth-scopes": ",".join(granted), "x-accepted-oauth-scopes": ",".join(accepted)}


class _Dropped(Exception):
    """The connection is to end without an answer."""


async def _arguments(request: Request) -> Json:
    """What the query and the body say together; a body is a form, in parts or not, or a JSON object."""
    arguments: Json = dict(request.query_params)
    body = await request.body()
    kind = request.headers.get("content-type", "").partition(";")[0].strip()
    if not body:
        return arguments
    if kind == "application/json":
        try:
            found = json_of(body)
        except ValueError:
            raise Refusal("invalid_json") from None
        if not isinstance(found, dict):
            raise Refusal("json_not_object")
        return arguments | found
    if kind == "application/x-www-form-urlencoded":
        return arguments | dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))
    if kind == "multipart/form-data":
        return arguments | _parts(request.headers["content-type"], body)
    raise Refusal("invalid_post_type")


def _parts(content_type: str, body: bytes) -> dict[str, str]:
    """Give the fields of a form in parts; files are left out, as no method here takes one."""
    whole = b"Content-Type: " + content_type.encode("latin-1") + b"\r\n\r\n" + body
    message = BytesParser(policy=HTTP).parsebytes(whole)
    if not message.is_multipart():
        raise Refusal("invalid_form_data")
    fields = {}
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(content, bytes) and part.get_filename() is None:
            fields[name] = content.decode(errors="replace")
    return fields


def _token(request: Request, arguments: Json) -> str:
    """The caller's token, taken out of the arguments so that no log shows it."""
    given = str(arguments.pop("token", ""))
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token if scheme.lower() == "bearer" else given


def _refused(refusal: Refusal, headers: dict[str, str]) -> Response:
    if refusal.error == "ratelimited":
        wait = {"retry-after": str(refusal.more["retry_after"])}
        answer: Json = {"ok": False, "error": "ratelimited"}
        return JSONResponse(answer, status_code=429, headers=headers | wait)
    return JSONResponse({"ok": False, "error": refusal.error, **refusal.more}, headers=headers)


def _logged(response: Response) -> Any:
    body = bytes(response.body)
    return json.loads(body) if isinstance(response, JSONResponse) else body.decode()

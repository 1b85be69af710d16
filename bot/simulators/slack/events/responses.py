"""What the app answers to a command or a click: in the ack, or later through its response_url.

response_type   ephemeral (default) | in_channel
replace_original, delete_original       the message that was clicked
limits          5 answers within 30 minutes; no membership is asked for
"""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from bot.simulators.request_bodies import json_of
from bot.simulators.slack.block_kit.blocks import violations
from bot.simulators.slack.block_kit.contents import (
    attachment_violations,
    number_attachments,
    with_ids,
)
from bot.simulators.slack.workspace.model import Json, ResponseUrl
from bot.simulators.slack.workspace.state import RESPONSE_URL_LIFE_S, RESPONSE_URL_USES, Workspace


class ResponseUrls:
    """The endpoint behind every response_url."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    async def endpoint(self, request: Request) -> Response:
        workspace = self._workspace
        name = request.path_params["name"]
        body = await request.body()
        arguments, response = self._answer(workspace.response_urls.get(name), body)
        workspace.log(
            workspace.calls,
            method="response_url",
            arguments=arguments,
            status=response.status_code,
            answer=bytes(response.body).decode(),
        )
        return response

    def _answer(self, url: ResponseUrl | None, body: bytes) -> tuple[Any, Response]:
        workspace = self._workspace
        try:
            answer = json_of(body)
        except ValueError:
            return body.decode(errors="replace"), _failed(400, "invalid_payload")
        # What Slack answers to a used or an old address is not documented; the client must not
        # depend on more than a status that is not 200.
        if url is None:
            return answer, _failed(404, "used_url")
        if workspace.now() - url.at > RESPONSE_URL_LIFE_S:
            return answer, _failed(404, "expired_url")
        if url.uses >= RESPONSE_URL_USES:
            return answer, _failed(404, "used_url")
        fault = workspace.faults.next_for_response_url()
        if fault is not None and fault.error != "ratelimited":
            return answer, JSONResponse({"ok": False, "error": fault.error})
        if wait_s := fault.retry_after if fault else workspace.post_wait_s(url.channel):
            headers = {"retry-after": str(wait_s)}
            return answer, PlainTextResponse("rate_limited", status_code=429, headers=headers)
        url.uses += 1
        error = give_answer(workspace, url, answer)
        return answer, _failed(400, error) if error else PlainTextResponse("ok")


def give_answer(workspace: Workspace, url: ResponseUrl, answer: Any) -> str | None:
    """Show the app's answer where the command or click was made: None, or why it cannot be."""
    if not isinstance(answer, dict):
        return "invalid_payload"
    source = url.source
    if source is not None and source not in workspace.messages[source.channel]:
        source = None  # deleted meanwhile
    if answer.get("delete_original") in {True, "true"}:
        if source is not None:
            workspace.delete(source)
        return None
    content = _content(answer)
    wrong = violations(content["blocks"], surface="message")
    wrong += attachment_violations(content["attachments"])
    if wrong:
        workspace.log(workspace.violations, method="response_url", violations=wrong)
        return "invalid_blocks"
    if workspace.faults.refuses(content["blocks"]):
        return "invalid_blocks"
    if not any(content.values()):
        return "no_text"
    content["blocks"] = with_ids(content["blocks"])
    content["attachments"] = number_attachments(content["attachments"])
    if source is not None and answer.get("replace_original") in {True, "true"}:
        workspace.edit(source, **content)
        return None
    is_public = answer.get("response_type") == "in_channel"
    workspace.post(
        url.channel,
        workspace.bot_user,
        **content,
        by_app=True,
        thread_ts=answer.get("thread_ts"),
        reader=None if is_public else url.user,
        command=url.command if is_public else None,
    )
    if is_public:
        url.command = None
    return None


def _content(answer: Json) -> dict[str, Any]:
    blocks = answer.get("blocks") or []
    if isinstance(blocks, str):
        try:
            blocks = json_of(blocks)
        except ValueError:
            blocks = [blocks]
    return {
        "text": str(answer.get("text") or ""),
        "blocks": blocks,
        "attachments": answer.get("attachments") or [],
    }


def _failed(status: int, error: str) -> Response:
    return JSONResponse({"ok": False, "error": error}, status_code=status)

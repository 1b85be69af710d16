"""How orders come to a simulator's control routes: JSON, from its own page, and explained if wrong."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, ExceptionHandler, Receive, Scope, Send


class SameOriginOnly:
    """Refuse requests that a foreign web page makes a browser send."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {name.decode(): value.decode("latin-1") for name, value in scope["headers"]}
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != headers.get("host"):
            refusal = JSONResponse({"error": "The controls answer to their own page only."}, 403)
            await refusal(scope, receive, send)
            return
        await self._app(scope, receive, send)


async def body_of(request: Request) -> dict[str, Any]:
    """The JSON object that was sent.  Errors: HTTPException 400."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise HTTPException(400, "The body must be JSON, and say so in its content type.")
    try:
        body = await request.json()
    except ValueError:
        raise HTTPException(400, "The body is not JSON.") from None
    if not isinstance(body, dict):
        raise HTTPException(400, "The body must be a JSON object.")
    return body


async def _explain(request: Request, error: Exception) -> Response:  # noqa: ARG001
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail}, error.status_code)


async def _explain_fields(request: Request, error: Exception) -> Response:  # noqa: ARG001
    assert isinstance(error, ValidationError)
    sentences = []
    for each in error.errors():
        field = ".".join(map(str, each["loc"])) or "body"
        sentences.append(f"{field}: {each['msg'].removeprefix('Value error, ')}.")
    return JSONResponse({"error": " ".join(sentences)}, 400)


EXPLAINED: dict[Any, ExceptionHandler] = {
    HTTPException: _explain,
    ValidationError: _explain_fields,
}
"""The exception handlers of such an app."""

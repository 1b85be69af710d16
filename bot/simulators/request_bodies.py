"""How orders come to a simulator's control routes: as JSON, and explained if wrong."""

from __future__ import annotations

import json
from typing import Any

from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ExceptionHandler


def json_of(raw: bytes | str) -> Any:
    """Read JSON that can be sent again: no half surrogate pairs, no NaN.  Raises: ValueError."""
    try:
        body = json.loads(raw)
        json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    return body


async def body_of(request: Request) -> dict[str, Any]:
    """The JSON object that was sent.  Errors: HTTPException 400."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise HTTPException(400, "The body must be JSON, and say so in its content type.")
    try:
        body = json_of(await request.body())
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

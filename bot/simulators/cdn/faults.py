"""Troubles on demand.  Each request meets the oldest fault that fits its action.

kind          executed?   what the caller sees
error         `executed`  the catalogue's answer to `code`, or its words in `message`
delay         yes         nothing for `seconds`; then it is carried out and answered
slow_answer   yes         nothing for `seconds`, although it is carried out at once
drop_before   no          a connection that breaks
lose_answer   yes         a connection that breaks
http          `executed`  an HTML page with `status` (502)
redirect      `executed`  `status` (302) to `location`
no_task_id    yes         200 without RefreshTaskId
garbage       yes         200 and a text that is not JSON
"""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal, Self, cast

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, PositiveInt, model_validator
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from bot.simulators.cdn.catalogue import CATALOGUE

Kind = Literal[
    "error",
    "delay",
    "slow_answer",
    "drop_before",
    "lose_answer",
    "http",
    "redirect",
    "no_task_id",
    "garbage",
]
NOWHERE = "http://127.0.0.1:9/"
"""The discard port: nothing listens there."""


class Fault(BaseModel):
    """One trouble; `times` counts down to nothing, None lasts until it is cleared."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind
    action: str = "*"
    times: PositiveInt | None = 1
    code: str = ""
    message: str = ""
    retry_after_ms: PositiveInt | None = None
    seconds: NonNegativeFloat = 1.0
    status: Annotated[int, Field(ge=200, le=599)] | None = None
    location: str = NOWHERE
    executed: bool = False

    @model_validator(mode="after")
    def _code_is_known(self) -> Self:
        if self.kind == "error" and self.code not in CATALOGUE:
            raise ValueError(f"no such code in the catalogue: {self.code or '(none)'}")
        return self

    @property
    def outcome(self) -> str:
        """How the record names a request whose answer this fault replaces, else empty."""
        match self.kind:
            case "drop_before":
                return "dropped"
            case "lose_answer":
                return "lost"
            case "http" | "redirect" | "garbage":
                return self.kind
            case _:
                return ""

    @property
    def prevents_execution(self) -> bool:
        return self.kind in {"error", "http", "redirect"} and not self.executed

    def disturb(self, answer: Response) -> Response:
        """What the caller gets in place of `answer`."""
        match self.kind:
            case "lose_answer":
                return HangUp()
            case "http":
                status = self.status or 502
                page = f"<html><body><h1>{status}</h1><hr>Tengine</body></html>"
                return Response(page, status, media_type="text/html")
            case "redirect":
                return Response(status_code=self.status or 302, headers={"location": self.location})
            case "garbage":
                return Response("upstream said: {ok", media_type="application/json")
            case _:
                return answer


class Faults:
    """The faults that wait for a request, oldest first."""

    def __init__(self) -> None:
        self.waiting: list[Fault] = []

    def take(self, action: str) -> Fault | None:
        """The fault that this request meets; it then has one time less to go."""
        for fault in self.waiting:
            if fault.action in {"*", action}:
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times == 0:
                        self.waiting.remove(fault)
                return fault
        return None


class HangUp(Response):
    """No answer at all: the caller's connection breaks.

    ASGI has no word for this, so it takes the transport of uvicorn's request cycle, whose bound
    method `receive` is.  Waiting for the disconnect makes the server see a caller who has left,
    about which it has nothing to log.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        cast("Any", receive).__self__.transport.close()
        while (await receive())["type"] != "http.disconnect":
            pass


async def pause(request: Request, seconds: float) -> None:
    """Return after real seconds, or as soon as the caller has hung up.

    The request's body must have been read.
    """
    try:
        async with asyncio.timeout(seconds):
            while (await request.receive())["type"] != "http.disconnect":
                pass
    except TimeoutError:
        pass

"""Troubles on demand.  Each request meets the oldest fault that fits its page.

kind          what the visitor sees
slow          nothing for `seconds`, then the answer
error         an HTML page with `status` (500)
redirect      `status` (302) to `location`
bare          the page, without any header that tells of its age or version
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, PositiveInt
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from bot.simulators.cdn.faults import NOWHERE, pause


class Fault(BaseModel):
    """One trouble; `times` counts down to nothing, None lasts until it is cleared."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["slow", "error", "redirect", "bare"]
    host: str = "*"
    target: str = "*"
    times: PositiveInt | None = 1
    seconds: NonNegativeFloat = 1.0
    status: Annotated[int, Field(ge=300, le=599)] | None = None
    location: str = NOWHERE

    def fits(self, host: str, target: str) -> bool:
        return self.host in {"*", host} and self.target in {"*", target}

    async def disturb(self, request: Request) -> Response | None:
        """What the visitor gets in place of the page, or None for the page."""
        match self.kind:
            case "slow":
                await request.body()
                await pause(request, self.seconds)
            case "error":
                status = self.status or 500
                return HTMLResponse(f"<html><body><h1>{status}</h1></body></html>", status)
            case "redirect":
                headers = {"location": self.location}
                return Response(status_code=self.status or 302, headers=headers)
        return None


class Faults:
    """The faults that wait for a request, oldest first."""

    def __init__(self) -> None:
        self.waiting: list[Fault] = []

    def take(self, host: str, target: str) -> Fault | None:
        """The fault that this request meets; it then has one time less to go."""
        for fault in self.waiting:
            if fault.fits(host, target):
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times == 0:
                        self.waiting.remove(fault)
                return fault
        return None

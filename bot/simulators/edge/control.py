"""The controls of the simulated edge, for the page and for tests.  Everything is JSON.

    GET  state                        pages that were asked for or published, faults, requests
    POST publish {"url"}              a new version at the origin
    POST faults {…}   DELETE faults   see faults.py
    POST reset

A request that makes no sense answers 400 {"error": sentence}; see `bot.simulators.request_bodies`.
"""

from __future__ import annotations

from collections import deque
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.simulators.edge.copies import Copies
from bot.simulators.edge.faults import Fault, Faults
from bot.simulators.request_bodies import EXPLAINED, body_of
from bot.simulators.same_origin import OwnPageOnly


class Publication(BaseModel):
    model_config = ConfigDict(extra="forbid")
    url: str


class Control:
    """The routes, for one edge."""

    def __init__(self, copies: Copies, faults: Faults, requests: deque[dict[str, str]]) -> None:
        self._copies = copies
        self._faults = faults
        self._requests = requests
        self.app = Starlette(
            routes=[
                Route("/state", self.state),
                Route("/publish", self.publish, methods=["POST"]),
                Route("/faults", self.add_fault, methods=["POST"]),
                Route("/faults", self.clear_faults, methods=["DELETE"]),
                Route("/reset", self.reset, methods=["POST"]),
            ],
            middleware=[Middleware(OwnPageOnly)],
            exception_handlers=EXPLAINED,
        )

    async def state(self, request: Request) -> Response:  # noqa: ARG002
        copies = self._copies.copies
        return JSONResponse(
            {
                "pages": [
                    {
                        "host": place[0],
                        "target": place[1],
                        "origin_version": page.version,
                        "edge_version": copies[place].page.version if place in copies else None,
                    }
                    for place, page in self._copies.pages.items()
                ],
                "faults": [fault.model_dump() for fault in self._faults.waiting],
                "requests": list(self._requests),
            }
        )

    async def publish(self, request: Request) -> Response:
        url = Publication.model_validate(await body_of(request)).url
        try:
            parts = urlsplit(url)
        except ValueError:
            parts = urlsplit("")
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise HTTPException(400, "url must begin with https:// and a domain.")
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        page = self._copies.publish(parts.hostname, target)
        return JSONResponse({"ok": True, "version": page.version})

    async def add_fault(self, request: Request) -> Response:
        self._faults.waiting.append(Fault.model_validate(await body_of(request)))
        return JSONResponse({"ok": True})

    async def clear_faults(self, request: Request) -> Response:  # noqa: ARG002
        self._faults.waiting.clear()
        return JSONResponse({"ok": True})

    async def reset(self, request: Request) -> Response:  # noqa: ARG002
        self._copies.reset()
        self._faults.waiting.clear()
        self._requests.clear()
        return JSONResponse({"ok": True})

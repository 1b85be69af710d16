"""The controls of the simulated CDN, for the page and for tests.  Everything is JSON.

    GET  state, requests?since=0&action=…, catalogue
    GET  events                       server-sent events: "change" with {"n": 17}
    POST faults {…}   DELETE faults   see faults.py
    POST settings {…}                 see settings.py
    POST tasks/<id> {"status", "process", "description"}
    POST wait {"seconds"}   POST reset

A request that makes no sense answers 400 {"error": sentence}.  A web site other than the page
must not drive the controls: see `bot.simulators.same_origin`; a body must be JSON, and say so.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Any

from pydantic import BaseModel, ConfigDict, NonNegativeFloat
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from bot.simulators.cdn.account import Account
from bot.simulators.cdn.api.refresh import daily_limits, tags_in_last_minute, used_today
from bot.simulators.cdn.catalogue import CATALOGUE
from bot.simulators.cdn.ledger import DAY_S, day_start
from bot.simulators.cdn.tasks import Progress, Task, TaskStatus, utc_text
from bot.simulators.request_bodies import EXPLAINED, body_of
from bot.simulators.same_origin import OwnPageOnly

HEARTBEAT_S = 15.0
PROGRESS_S = 0.5
"""How often a stream says "change" while tasks move on with the clock."""


class Wait(BaseModel):
    model_config = ConfigDict(extra="forbid")
    seconds: NonNegativeFloat


class TaskChange(BaseModel):
    model_config = ConfigDict(extra="forbid")
    status: TaskStatus | None = None
    process: str | None = None
    description: str | None = None


class Control:
    """The routes, for one account."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self.app = Starlette(
            routes=[
                Route("/state", self.state),
                Route("/events", self.events),
                Route("/requests", self.requests),
                Route("/catalogue", self.catalogue),
                Route("/faults", self.add_fault, methods=["POST"]),
                Route("/faults", self.clear_faults, methods=["DELETE"]),
                Route("/settings", self.configure, methods=["POST"]),
                Route("/tasks/{id}", self.change_task, methods=["POST"]),
                Route("/wait", self.wait, methods=["POST"]),
                Route("/reset", self.reset, methods=["POST"]),
            ],
            middleware=[Middleware(OwnPageOnly)],
            exception_handlers=EXPLAINED,
        )

    async def state(self, request: Request) -> Response:  # noqa: ARG002
        account = self._account
        now = account.now()
        quota = account.settings.tag_quota
        return JSONResponse(
            {
                "now": now,
                "tasks": [_task(task, now) for task in account.tasks],
                "quota": {
                    "per_day": daily_limits(account)[quota],
                    "used_today": used_today(account, quota),
                    "per_minute": account.settings.per_minute,
                    "used_minute": tags_in_last_minute(account),
                    "resets_at": day_start(now) + DAY_S,
                },
                "faults": [fault.model_dump() for fault in account.faults.waiting],
                "requests": account.request_count,
                "resets": account.resets,
                "settings": account.settings.model_dump(mode="json"),
            }
        )

    async def requests(self, request: Request) -> Response:
        since = request.query_params.get("since", "0")
        if not since.isdecimal():
            raise HTTPException(400, "since must be a whole number.")
        action = request.query_params.get("action")
        found = [
            asdict(seen)
            for seen in self._account.requests
            if seen.n > int(since) and action in {None, seen.action}
        ]
        return JSONResponse({"requests": found})

    async def catalogue(self, request: Request) -> Response:  # noqa: ARG002
        return JSONResponse([asdict(entry) for entry in CATALOGUE.values()])

    async def add_fault(self, request: Request) -> Response:
        self._account.add_fault(**await body_of(request))
        return self._done()

    async def clear_faults(self, request: Request) -> Response:  # noqa: ARG002
        self._account.faults.waiting.clear()
        return self._done()

    async def configure(self, request: Request) -> Response:
        self._account.configure(**await body_of(request))
        return self._done()

    async def change_task(self, request: Request) -> Response:
        change = TaskChange.model_validate(await body_of(request))
        wanted = request.path_params["id"]
        for task in self._account.tasks:
            if task.id == wanted:
                task.pin(self._account.now(), change.status, change.process, change.description)
                return self._done()
        raise HTTPException(400, f"There is no task {wanted}.")

    async def wait(self, request: Request) -> Response:
        self._account.wait(Wait.model_validate(await body_of(request)).seconds)
        return self._done()

    async def reset(self, request: Request) -> Response:  # noqa: ARG002
        self._account.reset()
        return self._done()

    async def events(self, request: Request) -> Response:  # noqa: ARG002
        return StreamingResponse(
            self._stream(), media_type="text/event-stream", headers={"cache-control": "no-store"}
        )

    async def _stream(self) -> AsyncIterator[str]:
        changes = self._account.changes
        with changes.watch() as changed:
            while True:
                changed.clear()
                yield f"event: change\ndata: {json.dumps({'n': changes.n})}\n\n"
                while not await self._wait_for(changed):
                    yield ": still here\n\n"

    async def _wait_for(self, changed: asyncio.Event) -> bool:
        """True when the picture has changed, by a deed or by the clock; False after a while."""
        now = self._account.now()
        moving = any(not task.progress(now).finished for task in self._account.tasks)
        try:
            await asyncio.wait_for(changed.wait(), PROGRESS_S if moving else HEARTBEAT_S)
        except TimeoutError:
            return moving
        return True

    def _done(self) -> Response:
        self._account.changes.tell()
        return JSONResponse({"ok": True})


def _task(task: Task, now: float) -> dict[str, Any]:
    progress: Progress = task.progress(now)
    return {
        "id": task.id,
        "domain": task.domain,
        "tags": task.tags,
        "force": task.force,
        "status": progress.status,
        "process": progress.process,
        "created": utc_text(task.created),
        "description": progress.description,
    }

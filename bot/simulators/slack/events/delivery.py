"""Brings commands, clicks and events to the app and waits for its ack, three seconds at most.

a socket is open       Socket Mode envelope
else request_url set   signed HTTP POST
else                   dispatch_failed

outcome             why
acked               the app answered in time; its payload is honoured
operation_timeout   it did not; whatever it answers later is ignored
dispatch_failed     there was nobody, or the answer was not 200
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Coroutine
from typing import Any, Literal

import anyio

from bot.simulators.slack.events.http_mode import Answer, post
from bot.simulators.slack.events.sockets import Sockets
from bot.simulators.slack.workspace.model import Json
from bot.simulators.slack.workspace.state import Workspace

EnvelopeType = Literal["slash_commands", "interactive", "events_api"]

# Source: Events API reference, "Retries".
EVENT_RETRIES_AFTER_S = (0, 60, 300)


class Courier:
    """Delivers; keeps what runs on after the user has got an answer (repeats, retries)."""

    def __init__(self, workspace: Workspace, sockets: Sockets) -> None:
        self._workspace = workspace
        self._sockets = sockets
        self._later: set[asyncio.Task[None]] = set()

    async def deliver(self, kind: EnvelopeType, payload: Json) -> Answer:
        """Deliver a command or an interaction once (twice when ordered) and give the outcome."""
        envelope_id = str(uuid.uuid4())
        faults = self._workspace.faults
        times = 2 if faults.deliver_twice else 1
        answer, *_ = await asyncio.gather(
            *(self._attempt(kind, payload, envelope_id) for _ in range(times))
        )
        if answer.outcome == "operation_timeout" and faults.redeliver_unacked:
            self._run_later(self._repeat(kind, payload, envelope_id))
        return answer

    def deliver_event(self, payload: Json) -> None:
        """Deliver an event in the background, again after a failure as the Events API does."""
        self._run_later(self._event(payload))

    async def _event(self, payload: Json) -> None:
        envelope_id = str(uuid.uuid4())
        answer = await self._attempt("events_api", payload, envelope_id)
        if self._workspace.faults.deliver_twice:
            await self._attempt("events_api", payload, envelope_id)
        failed_at = self._workspace.now()
        for number, after_s in enumerate(EVENT_RETRIES_AFTER_S, start=1):
            if answer.outcome == "acked" or answer.reason == "no_retry":
                return
            await self._workspace.sleep_until(failed_at + after_s)
            retry = (number, answer.reason)
            answer = await self._attempt("events_api", payload, str(uuid.uuid4()), retry)

    async def _repeat(self, kind: EnvelopeType, payload: Json, envelope_id: str) -> None:
        await self._attempt(kind, payload, envelope_id)

    def _run_later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._later.add(task)
        task.add_done_callback(self._later.discard)

    async def _attempt(
        self, kind: EnvelopeType, payload: Json, envelope_id: str, retry: tuple[int, str] = (0, "")
    ) -> Answer:
        workspace = self._workspace
        row = workspace.log(
            workspace.deliveries,
            kind=kind,
            payload=payload,
            envelope_id=envelope_id,
            retry=retry[0],
            via=None,
            outcome=None,
            answer=None,
        )
        if self._sockets.count:
            row["via"] = "socket"
            answer = await self._by_socket(kind, payload, envelope_id, retry)
        elif workspace.request_url:
            row["via"] = "http"
            answer = await self._by_http(kind, payload, retry)
        else:
            answer = Answer("dispatch_failed", reason="http_error")
        row["outcome"], row["answer"] = answer.outcome, answer.payload
        workspace.changed()
        return answer

    async def _by_socket(
        self, kind: EnvelopeType, payload: Json, envelope_id: str, retry: tuple[int, str]
    ) -> Answer:
        envelope: Json = {
            "envelope_id": envelope_id,
            "type": kind,
            "payload": payload,
            "accepts_response_payload": kind != "events_api",
        }
        if kind == "events_api":
            envelope |= {"retry_attempt": retry[0], "retry_reason": retry[1]}
        ack = self._sockets.expect_ack(envelope_id)
        try:
            await self._sockets.send_to_one(envelope)
            async with asyncio.timeout(self._workspace.faults.ack_timeout_s):
                return Answer("acked", payload=await asyncio.shield(ack))
        except TimeoutError:
            return Answer("operation_timeout", reason="timeout")
        finally:
            self._sockets.forget(envelope_id)

    async def _by_http(self, kind: EnvelopeType, payload: Json, retry: tuple[int, str]) -> Answer:
        workspace = self._workspace
        limit_s = workspace.faults.ack_timeout_s
        url, secret = workspace.request_url or "", workspace.signing_secret
        try:
            async with asyncio.timeout(limit_s):
                return await anyio.to_thread.run_sync(
                    lambda: post(url, secret, kind, payload, retry, limit_s),
                    abandon_on_cancel=True,
                )
        except TimeoutError:
            return Answer("operation_timeout", reason="http_timeout")

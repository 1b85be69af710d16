"""The CDN account behind the API: its clock, settings, tasks, spendings and memory of requests.

Everything is touched on one asyncio loop only; reading from another thread is harmless.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from bot.simulators.cdn.catalogue import ApiError
from bot.simulators.cdn.faults import Fault, Faults
from bot.simulators.cdn.ledger import DAY_S, Ledger
from bot.simulators.cdn.settings import Settings
from bot.simulators.cdn.signature import AccessKey
from bot.simulators.cdn.tasks import Task

KEY = AccessKey("LTAI5tPlaygroundKeyId001", "playground-access-key-secret")
FIRST_TASK_ID = 17772470184
REQUESTS_KEPT = 10_000
RATE_WINDOW_S = 1.0


@dataclass(slots=True)
class SeenRequest:
    """One request for the record; `outcome` is "ok", an error code, "lost", "dropped" or a fault."""

    n: int
    at: float
    action: str
    params: Mapping[str, str]
    nonce: str
    request_id: str
    outcome: str = ""
    task_id: str | None = None


class Changes:
    """A counter that wakes those who watch it, from any thread."""

    def __init__(self) -> None:
        self.n = 0
        self._watchers: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    def tell(self) -> None:
        self.n += 1
        for loop, event in tuple(self._watchers):
            loop.call_soon_threadsafe(event.set)

    @contextmanager
    def watch(self) -> Iterator[asyncio.Event]:
        """An event that is set at each change from now on."""
        watcher = asyncio.get_running_loop(), asyncio.Event()
        self._watchers.append(watcher)
        try:
            yield watcher[1]
        finally:
            self._watchers.remove(watcher)


class Account:
    """The state of the simulator.

    Two clocks: `now()` includes the time skipped with `wait()`; `caller_now()` does not, because
    a caller's own clock does not move with ours and signatures must stay in their window.
    """

    def __init__(self, clock: Callable[[], float], settings: Settings) -> None:
        self._clock = clock
        self._first_settings = settings
        self.resets = 0
        self.changes = Changes()
        self._start_over()

    def _start_over(self) -> None:
        self.skipped_s = 0.0
        self.settings = self._first_settings
        self.faults = Faults()
        self.tasks: list[Task] = []
        self.requests: deque[SeenRequest] = deque(maxlen=REQUESTS_KEPT)
        self.request_count = 0
        self.spendings = Ledger(DAY_S)
        self.calls = Ledger(RATE_WINDOW_S)
        self._nonces: set[str] = set()
        self._temporary_keys: list[AccessKey] = []

    def reset(self) -> None:
        self.resets += 1
        self._start_over()
        self.changes.tell()

    def caller_now(self) -> float:
        return self._clock()

    def now(self) -> float:
        return self._clock() + self.skipped_s

    def wait(self, seconds: float) -> None:
        self.skipped_s += seconds
        self.changes.tell()

    def configure(self, **changes: Any) -> None:
        """Errors: pydantic.ValidationError; then nothing has changed."""
        self.settings = Settings.model_validate({**self.settings.model_dump(), **changes})
        self.changes.tell()

    def add_fault(self, **fault: Any) -> None:
        """Errors: pydantic.ValidationError."""
        self.faults.waiting.append(Fault.model_validate(fault))
        self.changes.tell()

    @property
    def keys(self) -> list[AccessKey]:
        own = AccessKey(KEY.id, KEY.secret, active=self.settings.key_active)
        return [own, *self._temporary_keys]

    def issue_token(self, lifetime_s: float) -> AccessKey:
        """A temporary key pair, as the security token service hands them out."""
        key = AccessKey(
            id=f"STS.{secrets.token_hex(10)}",
            secret=secrets.token_urlsafe(32),
            token=secrets.token_urlsafe(96),
            expires_at=self.caller_now() + lifetime_s,
        )
        self._temporary_keys.append(key)
        return key

    def spend_nonce(self, nonce: str) -> None:
        """Errors: SignatureNonceUsed when it has come before."""
        if nonce in self._nonces:
            raise ApiError("SignatureNonceUsed")
        self._nonces.add(nonce)

    def record(
        self, action: str, params: Mapping[str, str], nonce: str, request_id: str
    ) -> SeenRequest:
        self.request_count += 1
        seen = SeenRequest(self.request_count, self.now(), action, params, nonce, request_id)
        self.requests.append(seen)
        return seen

"""Whether this process is alive, and whether it can do its work, with a reason for each part.

    alive   its own loops run; if not, a restart helps, and nothing else is a reason for a restart
    ready   database, engine, socket or HTTP ingress, and credentials work: it can take commands
            and carry them out

The CDN's answer about the bot's key is reported, but does not affect readiness: all replicas have
the same key, and people must get answers even without the CDN.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from bot.core.cdn.health import Health
from bot.health.ingress import Ingress
from bot.slack.client import SlackClient
from bot.slack.errors import Refusal
from bot.store.database.writers import StoreUnavailable
from bot.store.migrations import schema_error
from bot.store.queue.owner import LeaseOwner
from bot.store.store import Store
from bot.telemetry.troubles import (
    CDN_POLLS,
    CDN_SENDS,
    HELD_BACK,
    SLACK_AWAY,
    SLACK_LIMITS,
    Troubles,
)
from bot.worker.cdn_monitor import HEALTH
from bot.worker.loop import Worker

T = TypeVar("T")

PATIENCE_S = 1.0
"""How long a caller waits for the database, in seconds."""
FRESH_S = 1.0
"""How old an answer of the database may be, so that frequent probes do not query it as often."""
IDLE_S = 30.0
"""A loop that did not run for this time does no work now."""
DEAD_S = 120.0
"""A loop that did not run for this time never will: no step takes so long."""


_USABLE = ""
_OPENS_SOCKET = "apps.connections.open"


@dataclass(frozen=True, slots=True)
class Check:
    """The result for one part.  If `blocks` is False, it does not affect readiness."""

    name: str
    good: bool
    reason: str
    blocks: bool = True


class CachedProbe(Generic[T]):
    """An answer that is cached for `keep_s` seconds.  Callers wait for it at most PATIENCE_S.

    One separate thread fetches it, so a hanging database blocks nobody.
    """

    def __init__(self, interaction: Callable[[], T], keep_s: float = FRESH_S) -> None:
        self._ask = interaction
        self._keep_s = keep_s
        self._lock = threading.Lock()
        self._asking: threading.Event | None = None
        self._answer: tuple[T, float] | None = None

    def get(self) -> T | None:
        """Return the answer, or None if there is none in time."""
        with self._lock:
            if (answer := self._fresh()) is not None:
                return answer
            if self._asking is None:
                self._asking = threading.Event()
                threading.Thread(target=self._fetch, args=(self._asking,), daemon=True).start()
            asking = self._asking
        asking.wait(PATIENCE_S)
        with self._lock:
            return self._fresh()

    def _fresh(self) -> T | None:
        if self._answer is None or time.monotonic() - self._answer[1] > self._keep_s:
            return None
        return self._answer[0]

    def _fetch(self, asking: threading.Event) -> None:
        answer = None
        try:
            answer = self._ask(), time.monotonic()
        except StoreUnavailable:
            pass  # callers then get None
        finally:
            with self._lock:
                self._answer, self._asking = answer, None
            asking.set()


class HealthChecks:
    """The parts of one process, and their state.

    `connected` returns whether the socket is open; None in HTTP mode.  `ingress` is None otherwise.
    """

    def __init__(
        self,
        store: Store,
        worker: Worker,
        owner: LeaseOwner,
        now: Callable[[], datetime],
        connected: Callable[[], bool] | None,
        slack: SlackClient,
        ingress: Ingress | None,
        troubles: Troubles,
    ) -> None:
        self.troubles = troubles
        self._worker = worker
        self._owner = owner
        self._connected = connected
        self._slack = slack
        self._ingress = ingress
        self._outage = store.outage
        self._database_says = CachedProbe(lambda: _why_unusable(store, now()))
        self._canary = CachedProbe(lambda: Health.of_json(store.shared_state.get(HEALTH).value))

    def alive(self) -> tuple[bool, str]:
        """Return whether the loops of this process run, and a sentence about it.

        A loop that waits because the database does not answer is alive.
        """
        dead = [name for name, idle_s in self._worker.idle_s.items() if idle_s > DEAD_S]
        if not dead or self.stopping:
            return True, "the loops of this process turn"
        if not self.database_up:
            return True, f"{' and '.join(dead)}: waiting for the database"
        return False, f"{' and '.join(dead)}: no turn for more than {DEAD_S:.0f} s"

    def checks(self) -> tuple[Check, ...]:
        """Check every part.  Waits for the database at most PATIENCE_S."""
        database = self._database()
        return (
            database,
            self._engine(),
            self._socket(),
            *self._http(),
            self._credentials(database),
            self._without_trouble("slack", (SLACK_LIMITS, SLACK_AWAY)),
            self._without_trouble("cdn", (CDN_SENDS, CDN_POLLS, HELD_BACK)),
        )

    def ready(self) -> tuple[bool, tuple[Check, ...]]:
        """Return whether this process can take commands and carry them out, and all checks."""
        checks = self.checks()
        fit = all(check.good for check in checks if check.blocks)
        return fit and not self.stopping, checks

    @property
    def stopping(self) -> bool:
        """Whether the process was told to stop."""
        return self._worker.is_stopping

    @property
    def database_up(self) -> bool:
        """Whether the database answers, accepts writes, and has the engine's tables."""
        return self._database_says.get() == _USABLE

    @property
    def is_connected(self) -> bool:
        """Whether Slack can reach the bot through its socket.  Always True in HTTP mode."""
        return self._connected is None or self._connected()

    @property
    def ages_s(self) -> dict[str, float]:
        """Seconds since each loop ran, and since the leases were renewed."""
        return {**self._worker.idle_s, "heartbeat": self._owner.age_s}

    def _database(self) -> Check:
        why_not = self._database_says.get()
        text = "it answers, and takes writes"
        if why_not is None:
            why = self._outage.reason
            text = f"it cannot be used ({why})" if why else "it does not answer in time"
        elif why_not != _USABLE:
            text = f"it cannot be used ({why_not})"
        return Check("database", why_not == _USABLE, text)

    def _engine(self) -> Check:
        idle_s = self._worker.idle_s
        if not idle_s:
            return Check("engine", False, "the worker has not started")
        if (since_s := idle_s["worker"]) > IDLE_S:
            return Check("engine", False, f"the worker's loop has not turned for {since_s:.0f} s")
        if not self._owner.is_fresh:
            text = f"the leases were not renewed for {self._owner.age_s:.0f} s, so nothing is sent"
            return Check("engine", False, text)
        return Check("engine", True, "the worker's loop turns, and its leases are renewed")

    def _socket(self) -> Check:
        if self._connected is None:
            return Check("socket", True, "not used in HTTP mode")
        good = self.is_connected
        why_not = "".join(f": it refuses {each}" for each in self._refused(opening_sockets=True))
        return Check("socket", good, "connected" if good else f"not connected to Slack{why_not}")

    def _refused(self, *, opening_sockets: bool) -> list[Refusal]:
        """Return Slack's refusals: of the method with the app-level token, or of all others."""
        refusals = sorted(self._slack.refusals.values(), key=str)
        return [each for each in refusals if (each.method == _OPENS_SOCKET) == opening_sockets]

    def _http(self) -> Iterator[Check]:
        if self._ingress is None:
            for name in ("http", "signatures"):
                yield Check(name, True, "not used in Socket Mode")
            return
        good = self._ingress.is_open
        yield Check("http", good, "it listens" if good else "it does not listen")
        # Not a reason to be unready: without traffic it could never become good again.
        yield Check("signatures", *self._ingress.signatures, blocks=False)

    def _credentials(self, database: Check) -> Check:
        slack, blocks = self._slack_refuses()
        if not database.good:
            cdn, accepts = "what the CDN says is not known now", True
        else:
            canary = self._canary.get() or Health()
            cdn = "so does the CDN" if canary.since else "the CDN has not been asked yet"
            if not (accepts := canary.good):
                cdn = f"the CDN does not take the bot's questions ({canary.code})"
        if slack is None:
            return Check("credentials", accepts, f"Slack takes the token; {cdn}", blocks=accepts)
        text = slack if accepts else f"{slack}; {cdn}"
        return Check("credentials", False, text, blocks=blocks)

    def _without_trouble(self, name: str, troubles: tuple[str, ...]) -> Check:
        """Return the lasting troubles of a system.  A restart, or another replica, ends none."""
        told = [str(each) for each in self.troubles.current if each.name in troubles]
        return Check(name, not told, "; ".join(told) or "no trouble", blocks=False)

    def _slack_refuses(self) -> tuple[str | None, bool]:
        """Return what Slack refuses, or None, and whether the bot can do nothing without it."""
        if refused := self._slack.token_refused:
            return f"Slack refuses SLACK_BOT_TOKEN ({refused})", True
        if refusals := self._refused(opening_sockets=False):
            text = f"Slack refuses {', '.join(map(str, refusals))}"
            return text, any(each.blocks for each in refusals)
        return None, False


def _why_unusable(store: Store, now: datetime) -> str:
    """Return the code of what is wrong with the database, or "".  Raises: StoreUnavailable."""
    if info := schema_error(store.engine) or store.write_error(now):
        return info.code
    store.jobs.soonest(now)  # the engine's own first query: if it works, the engine works
    return _USABLE

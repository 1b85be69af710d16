"""Claims what is due and has it done (bot/steps.py), a step at a time, each under a lease.

    claim ──► one step, outside any transaction ──► save over the version that was claimed

A worker that dies leaves its leases to run out; whoever claims a row that was being sent does
not send it again, for nobody knows whether the CDN heard of it (state `unknown`).
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import structlog

from bot.core.ask import Ask
from bot.core.post import Post
from bot.core.purge import Purge
from bot.steps import NotPosted, PeopleUnknown, Steps
from bot.store.engine import StoreUnavailable
from bot.store.jobs import LEASE, Claimed, Holder
from bot.store.store import Store

log = structlog.get_logger("purgebot.worker")

THREADS = 8
POLL_S = 1.0
"""How long an idle worker sleeps at most; a commit in this process wakes it at once."""
BACKOFF_CAP_S = 300.0
UPKEEP_S = 300.0


class Worker:
    """Runs due steps, in its own threads (`start`) or in the caller's (`drain`)."""

    def __init__(
        self,
        store: Store,
        steps: Steps,
        holder: Holder,
        now: Callable[[], datetime],
        tick: Callable[[], object] = lambda: None,
        upkeep: Callable[[], object] = lambda: None,
    ) -> None:
        self._store = store
        self._steps = steps
        self._holder = holder
        self._now = now
        self._tick = tick
        self._upkeep = upkeep
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._free = threading.Semaphore(THREADS)
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="step")
        self._threads: list[threading.Thread] = []

    def wake(self) -> None:
        """Tell that something is due."""
        self._wake.set()

    # Running

    def start(self) -> None:
        for name, work in (("worker", self._run), ("beat", self._beat), ("upkeep", self._tidy)):
            thread = threading.Thread(target=work, name=name, daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self, within_s: float = 8.0) -> None:
        """Take no new work, and let running steps end; what does not end is left to its lease."""
        self._stopping.set()
        self._wake.set()
        deadline = time.monotonic() + within_s
        for _ in range(THREADS):
            self._free.acquire(timeout=max(0.0, deadline - time.monotonic()))
        self._pool.shutdown(wait=False, cancel_futures=True)
        for thread in self._threads:
            thread.join(timeout=1)

    def drain(self) -> int:
        """Do every due step in this thread until none is left; give how many there were."""
        self._holder.renewed()  # nobody beats for it, and nobody waits between its steps
        done = 0
        while claimed := self._claim(THREADS):
            for step in claimed:
                self._do(step)
            done += len(claimed)
        return done

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.clear()
            try:
                self._tick()
                self._hand_out()
                wait_s = self._until_next()
            except StoreUnavailable:
                log.exception("store-away")
                wait_s = POLL_S
            except Exception:
                # The loop is the heart of the bot: whatever a round meets, there is a next one.
                log.exception("worker-round-failed")
                wait_s = POLL_S
            self._wake.wait(wait_s)

    def _hand_out(self) -> None:
        """Claim as many steps as there are free threads, until nothing is due."""
        while not self._stopping.is_set():
            slots = 0
            while slots < THREADS and self._free.acquire(blocking=slots == 0, timeout=None):
                slots += 1
            claimed: list[Claimed] = []
            try:
                claimed = self._claim(slots)
            finally:
                for _ in range(slots - len(claimed)):
                    self._free.release()
            for step in claimed:
                self._pool.submit(self._do_and_free, step)
            if not claimed:
                return

    def _until_next(self) -> float:
        due = self._store.jobs.next_due()
        if due is None:
            return POLL_S
        return min(POLL_S, max(0.0, (due - self._now()).total_seconds()))

    def _claim(self, limit: int) -> list[Claimed]:
        """Take due rows: presses first, for somebody is looking at the screen; then purges."""
        claimed: list[Claimed] = []
        for job in ("asks", "purges", "posts"):
            if len(claimed) < limit:
                claimed += self._store.jobs.claim(
                    job, self._now(), self._holder.name, limit - len(claimed)
                )
        return claimed

    def _beat(self) -> None:
        while not self._stopping.wait(LEASE.total_seconds() / 3):
            with contextlib.suppress(StoreUnavailable):  # the next beat, or the lease, will tell
                self._store.jobs.beat(self._holder.name, self._now())
                self._holder.renewed()

    def _tidy(self) -> None:
        """Do what is due now and then, beside the steps; at once, and every UPKEEP_S."""
        while True:
            try:
                self._upkeep()
            except StoreUnavailable:
                log.warning("upkeep-postponed")
            except Exception:
                log.exception("upkeep-failed")
            if self._stopping.wait(UPKEEP_S):
                return

    # One step

    def _do_and_free(self, step: Claimed) -> None:
        try:
            self._do(step)
        finally:
            self._free.release()
            self._wake.set()

    def _do(self, step: Claimed) -> None:
        """Do one step; whatever goes wrong, the row is put back and never blocks the others."""
        try:
            match step.value:
                case Purge() as purge:
                    self._steps.purge(purge)
                case Ask() as ask:
                    self._steps.ask(ask)
                case Post() as post:
                    self._steps.post(post)
        except (PeopleUnknown, NotPosted) as later:
            self._put_back(step, later.retry_after_s)
        except StoreUnavailable:
            log.warning("step-not-saved", kind=type(step.value).__name__)
        except Exception:
            log.exception("step-failed", kind=type(step.value).__name__, attempts=step.attempts)
            self._put_back(step, None)

    def _put_back(self, step: Claimed, retry_after_s: float | None) -> None:
        wait_s = retry_after_s or min(2.0 ** min(step.attempts, 16), BACKOFF_CAP_S)
        with contextlib.suppress(StoreUnavailable):  # then its lease runs out instead
            self._store.jobs.put_back(
                step.value, self._holder.name, self._now() + timedelta(seconds=wait_s)
            )

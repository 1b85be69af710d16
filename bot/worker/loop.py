"""The loop of the worker: claim due rows and do one step of each (bot/worker/executor.py).

    claim ──► one step, outside any transaction ──► save over the version that was claimed

A row that this process saved and that is due at once is not claimed: it is handed over in memory
(bot/store/queue/handover.py), unless older rows wait to be claimed.

If a worker dies, its leases expire.  A purge that was being sent is then not sent again, because
nobody knows whether the CDN received it (state `unknown`).
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

import structlog

from bot.cdn.client import MAX_TASKS_PER_QUESTION
from bot.cdn.error_codes import CdnRefused
from bot.core.interaction import Interaction
from bot.core.message import Post
from bot.core.purge.purge import Purge
from bot.core.retry import RateLimited, RetryLater
from bot.store.database.writers import StoreUnavailable
from bot.store.queue.due import JobKind, kind_of
from bot.store.queue.handover import Room
from bot.store.queue.leases import LEFT_FOR
from bot.store.queue.owner import LEASE, Claimed, LeaseOwner, PollBatch
from bot.store.schema.mapping import FromNewer
from bot.store.store import Store
from bot.telemetry import metrics, tracing
from bot.worker.executor import Executor

log = structlog.get_logger("purgebot.worker")

THREADS = 8
"""How many steps run at the same time."""
QUEUED = 8
"""How many rows that were handed over may wait for a thread.  So few do not wait long."""
POLL_S = 2.0
"""The maximum time between two queries for due rows, in seconds.  A commit in this process that
makes a row due wakes the loop at once.
"""
ROUND_S = 0.005
"""The minimum duration of a round, in seconds."""
LATER = timedelta(milliseconds=50)
"""Future due times are rounded up to a multiple of this, so that one round claims several rows."""
_NEVER = datetime.max.replace(tzinfo=UTC)
_EPOCH = datetime.fromtimestamp(0, UTC)
BACKOFF_CAP_S = 300.0
"""The maximum delay before a failed step is retried, in seconds."""
UPKEEP_S = 300.0
"""The interval at which the audit trail is pruned and sealed, in seconds."""
QUESTIONS_A_ROUND = 10
"""How many calls to the CDN one batch of polls makes, at up to MAX_TASKS_PER_QUESTION purges each."""


@dataclass(frozen=True, slots=True)
class Chore:
    """Periodic work besides the steps: done at the start, and `every_s` seconds after it ended."""

    name: str
    every_s: float
    work: Callable[[], object]


@dataclass(eq=False)
class Worker:
    """Does due steps, in its own threads (`start`) or in the caller's thread (`drain`)."""

    _store: Store
    _steps: Executor
    _owner: LeaseOwner
    _now: Callable[[], datetime]
    chores: Sequence[Chore]
    takes_over: bool = False
    """Whether it accepts rows that are handed over.  `start` sets it."""

    def __post_init__(self) -> None:
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._stopped = threading.Event()
        self._free = threading.Semaphore(THREADS)
        self._queue = threading.Semaphore(QUEUED)
        self._in_step = threading.local()
        self._handed: list[Claimed] = []
        self._telling = threading.Lock()
        self._behind = False
        """Whether no thread was free for a row, so that due rows wait to be claimed."""
        self._due_at = _NEVER
        """The earliest time at which a row is known to be due."""
        self._asks_at = 0.0
        """When the database is queried even if no row is known to be due (`time.monotonic`)."""
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="step")
        self._threads: list[threading.Thread] = []
        self._soonest: dict[JobKind, datetime] = {}
        self._turned: dict[str, float] = {}
        self._looking = False
        """Whether a thread polls the CDN.  There is one batch of polls at a time."""

    @property
    def idle_s(self) -> dict[str, float]:
        """The time since the last iteration of each loop, in seconds, by name; {} before `start`."""
        now = time.monotonic()
        return {name: now - at for name, at in self._turned.items()}

    @property
    def is_stopping(self) -> bool:
        """Whether the worker was told to claim no more rows."""
        return self._stopping.is_set()

    def wake(self) -> None:
        """Make the loop query the due rows now."""
        self._asks_at = 0.0
        self._wake.set()

    # Hand-over

    def reserve(self) -> Room | None:
        """Reserve room for one step; see `Handover`.

        A step that hands a row over does the next step in its own thread, without a reservation of
        another thread.  Each step can do so once.
        """
        if not self.takes_over:
            return None
        if getattr(self._in_step, "may_go_on", False):
            self._in_step.may_go_on = False
            return Room(self._owner.name, self._go_on)
        if self._behind or self._stopping.is_set():
            return None
        if not self._threads:  # `drain` does the step
            return Room(self._owner.name, self._keep)
        for room in (self._free, self._queue):
            if room.acquire(blocking=False):
                return Room(self._owner.name, partial(self._submit, room))
        self._behind = True  # rows that are saved from now on have to be claimed
        return None

    def _go_on(self, step: Claimed | None) -> None:
        """Do the step next on this thread.  None: it may hand over another row."""
        self._in_step.next = step
        self._in_step.may_go_on = step is None

    def _keep(self, step: Claimed | None) -> None:
        """Keep the step for `drain`."""
        self._handed += [step] if step else []

    def _submit(self, room: threading.Semaphore, step: Claimed | None) -> None:
        """Have a thread of the pool do the step, which then releases `room`.  None: release it."""
        if step is None:
            room.release()
            return
        try:
            self._pool.submit(self._do_and_free, step, room)
        except RuntimeError:  # the pool was shut down meanwhile; the lease expires
            room.release()

    def due(self, at: datetime) -> None:
        """Make the loop query the due rows at `at`; see `Handover`."""
        at = at if at <= self._now() else _rounded_up(at)
        with self._telling:
            is_sooner = at < self._due_at
            if is_sooner:
                self._due_at = at
        if is_sooner:
            self._wake.set()

    # Running

    def start(self) -> None:
        loops: list[tuple[str, Callable[[], None]]] = [("worker", self._run), ("beat", self._beat)]
        loops += [(chore.name, partial(self._keep_doing, chore)) for chore in self.chores]
        self._turned = dict.fromkeys(("worker", "beat"), time.monotonic())
        self.takes_over = True
        for name, work in loops:
            thread = threading.Thread(target=work, name=name, daemon=True)
            thread.start()
            self._threads.append(thread)

    def take_no_more(self) -> None:
        """Claim no more rows.  Running steps continue."""
        self._stopping.set()
        self._wake.set()

    def stop(self, within_s: float = 8.0) -> None:
        """Claim no more rows, and wait up to `within_s` seconds for running steps.

        The leases of steps that have not ended by then expire.
        """
        self.take_no_more()
        deadline = time.monotonic() + within_s
        places = [self._free] * THREADS + [self._queue] * QUEUED
        ended = [place.acquire(timeout=max(0.0, deadline - time.monotonic())) for place in places]
        if left := ended.count(False):
            log.warning("steps-left-to-their-leases", steps=left)
        self._stopped.set()
        self._pool.shutdown(wait=False, cancel_futures=True)
        for thread in self._threads:
            thread.join(max(0.0, min(1.0, deadline - time.monotonic())))
        for place, has_ended in zip(places, ended, strict=True):
            if has_ended:
                place.release()

    def drain(self) -> int:
        """Do all due steps in this thread until none is left.  Return their number."""
        self._owner.renewed()  # no other thread renews the leases
        done = 0
        while steps := [*self._handed, *(() if self._handed else self._claim(THREADS))]:
            self._handed = []
            for step in steps:
                self._do(step)
            done += len(steps)
        return done

    def _run(self) -> None:
        while not self._stopping.is_set():
            began = time.monotonic()
            self._wake.clear()
            if not self._may_be_due():
                self._wake.wait(self._until_next())
                continue
            try:
                self._asks_at, self._due_at = began + POLL_S, _NEVER
                self._hand_out()
                self._learn_soonest()
            except StoreUnavailable:
                pass  # the store has logged it
            except Exception:
                # Without this loop the bot does nothing, so no exception may end it.
                log.exception("worker-round-failed")
            self._wake.wait(self._until_next())
            # A single wake-up after a pause is served at once.  If there are many wake-ups, a round
            # for each would query the database hundreds of times per second.
            self._stopping.wait(max(0.0, began + ROUND_S - time.monotonic()))

    def _hand_out(self) -> None:
        """Claim rows for all free threads, until fewer rows are claimed than threads are free."""
        while not self._stopping.is_set():
            self._turned["worker"] = time.monotonic()
            slots = 0
            while slots < THREADS and self._free.acquire(blocking=slots == 0, timeout=None):
                slots += 1
            taken = 0
            try:
                # The worker may have been stopped while this thread waited for a free thread.
                for step in () if self._stopping.is_set() else self._claim(slots):
                    self._pool.submit(self._do_and_free, step, self._free, claimed=True)
                    taken += 1
            finally:
                for _ in range(slots - taken):
                    self._free.release()
            if taken < slots:  # the next round, ROUND_S later, queries for more
                self._behind = False
                return
            self._behind = True

    def _may_be_due(self) -> bool:
        return time.monotonic() >= self._asks_at or self._now() >= self._due_at

    def _learn_soonest(self) -> None:
        now = self._now()
        for at in self._soonest.values():
            self.due(max(at, now))

    def _until_next(self) -> float:
        self._turned["worker"] = time.monotonic()
        ask_s = self._asks_at - time.monotonic()
        return max(0.0, min(POLL_S, ask_s, (self._due_at - self._now()).total_seconds()))

    def _claim(self, limit: int) -> Iterator[Claimed | PollBatch]:
        """Claim up to `limit` due rows, in the order of JobKind: people wait for answers to presses.

        A kind is claimed only when the caller has started the steps of the kind before it, so that
        no purge waits for the claim of posts.
        """
        self._soonest = self._store.jobs.soonest(self._now())
        if self._looking:
            self._soonest.pop(JobKind.POLL, None)
        for kind in JobKind:
            now = self._now()
            if limit <= 0 or kind not in self._soonest or self._soonest[kind] > now:
                continue
            taken = (
                self._take_round(now)
                if kind is JobKind.POLL
                else self._store.jobs.claim(kind, now, self._owner.name, limit)
            )
            limit -= len(taken)
            yield from taken

    def _take_round(self, now: datetime) -> Sequence[Claimed | PollBatch]:
        """Take a batch of due polls for one thread.  A slow CDN then leaves the other threads free."""
        purges = self._store.task_polling.take(now, QUESTIONS_A_ROUND, MAX_TASKS_PER_QUESTION)
        self._looking = bool(purges)
        return [PollBatch(tuple(purges))] if purges else []

    def _beat(self) -> None:
        # Until `_stopped`, not `_stopping`: steps that still run need their leases.
        while not self._stopped.wait(LEASE.total_seconds() / 3):
            self._turned["beat"] = time.monotonic()
            # If it fails, the next beat renews the leases, or they expire.
            try:
                self._store.jobs.beat(self._owner.name, self._now())
                self._owner.renewed()
            except StoreUnavailable:
                pass  # the store has logged it
            except Exception:
                log.exception("beat-failed")

    def _keep_doing(self, chore: Chore) -> None:
        while True:
            try:
                chore.work()
            except StoreUnavailable:
                pass  # the store has logged it
            except Exception:
                log.exception("chore-failed", chore=chore.name)
            if self._stopping.wait(chore.every_s):
                return

    # One step

    def _do_and_free(
        self, step: Claimed | PollBatch, room: threading.Semaphore, *, claimed: bool = False
    ) -> None:
        """Do a step, and the steps that are handed over one after the other; then release `room`."""
        following: Claimed | PollBatch | None = step
        try:
            while following is not None:
                self._in_step.next, self._in_step.may_go_on = None, True
                self._do(following)
                following = self._in_step.next
        finally:
            self._in_step.may_go_on = False
            room.release()
            if claimed:  # more rows may be due
                self.wake()

    def _do(self, step: Claimed | PollBatch) -> None:
        """Do one step.  If it fails, make the row due again later; no exception is raised."""
        kind = JobKind.POLL if isinstance(step, PollBatch) else kind_of(step.value)
        if isinstance(step, Claimed):  # the step before may have had, and released, the same row
            self._store.jobs.take(step.value)
        with metrics.timing(metrics.STEP_S, kind) as timed:
            try:
                with tracing.step(*_traced(step)):
                    self._steps.do(step)
            except (RetryLater, CdnRefused) as later:
                timed.outcome = "put-back"
                self._put_back(step, later.retry_after_s)
                if isinstance(later, RateLimited) and _is_post(step):
                    # Without the pause, each due post would be tried and refused, and Slack slows
                    # down or disables apps that ignore its rate limits:
                    # https://docs.slack.dev/apis/web-api/rate-limits
                    pause = timedelta(seconds=later.retry_after_s or 1.0)
                    self._store.jobs.pause(kind, self._now() + pause)
            except FromNewer:  # a related row was; a newer replica may claim this one next
                timed.outcome = "put-back"
                self._put_back(step, LEFT_FOR.total_seconds())
            except StoreUnavailable:
                timed.outcome = "not-saved"
                log.warning("step-not-saved", kind=type(step).__name__)
            except Exception:
                timed.outcome = "failed"
                log.exception("step-failed", kind=type(step).__name__)
                self._put_back(step, None)
            finally:
                if isinstance(step, PollBatch):
                    self._looking = False
                else:
                    self._store.jobs.release(step.value)

    def _put_back(self, step: Claimed | PollBatch, retry_after_s: float | None) -> None:
        if isinstance(
            step, PollBatch
        ):  # it has no leases, and its next polls are scheduled already
            return
        wait_s = retry_after_s or min(2.0 ** min(step.attempts, 16), BACKOFF_CAP_S)
        due_at = self._now() + timedelta(seconds=wait_s)
        with contextlib.suppress(StoreUnavailable):  # then the lease expires
            self._store.jobs.retry_later(step.value, self._owner.name, due_at)


def _rounded_up(at: datetime) -> datetime:
    """Return the time rounded up to a multiple of LATER."""
    return at + (_EPOCH - at) % LATER


def _is_post(step: Claimed | PollBatch) -> bool:
    return isinstance(step, Claimed) and isinstance(step.value, Post)


def _traced(step: Claimed | PollBatch) -> tuple[str, list[str | None]]:
    """Return the name of a step in traces, and the IDs of the purges whose traces contain it."""
    match step:
        case PollBatch(purges=purges):
            return "watch", [purge.id for purge in purges]
        case Claimed(value=Purge() as purge):
            return f"step {purge.state.value}", [purge.id]
        case Claimed(value=Interaction() as interaction):
            return f"answer {interaction.kind.value}", [interaction.purge_id]
        case Claimed(value=Post() as post):
            return f"post {post.kind.value}", [post.purge_id]
    return "", []

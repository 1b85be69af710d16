"""Claims what is due and has it done (bot/worker/executor.py), a step at a time, each under a lease.

    claim ──► one step, outside any transaction ──► save over the version that was claimed

What this process itself has saved, and what is due at once, need not be claimed: it is handed over
in memory (bot/store/queue/handover.py), as long as nothing older waits to be claimed.

A worker that dies leaves its leases to run out; whoever claims a row that was being sent does
not send it again, for nobody knows whether the CDN heard of it (state `unknown`).
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
from bot.store.database.engine import StoreUnavailable
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
QUEUED = 8
"""How many rows that were handed over may wait for a thread: none waits long for so few."""
POLL_S = 2.0
"""How long an idle worker sleeps at most; a commit in this process wakes it at once."""
ROUND_S = 0.005
"""How long a round takes at least."""
LATER = timedelta(milliseconds=50)
"""What is due at about the same time is asked for in one round: times are rounded up to this."""
_NEVER = datetime.max.replace(tzinfo=UTC)
_EPOCH = datetime.fromtimestamp(0, UTC)
BACKOFF_CAP_S = 300.0
UPKEEP_S = 300.0
QUESTIONS_A_ROUND = 10


@dataclass(frozen=True, slots=True)
class Chore:
    """Work that is due now and then, beside the steps: at once, and every `every_s`."""

    name: str
    every_s: float
    work: Callable[[], object]


@dataclass(eq=False)
class Worker:
    """Runs due steps, in its own threads (`start`) or in the caller's (`drain`)."""

    _store: Store
    _steps: Executor
    _owner: LeaseOwner
    _now: Callable[[], datetime]
    chores: Sequence[Chore]
    takes_over: bool = False
    """Whether rows are handed over to it; from the start on they are."""

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
        self._due_at = _NEVER
        self._asks_at = 0.0
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="step")
        self._threads: list[threading.Thread] = []
        self._soonest: dict[JobKind, datetime] = {}
        self._turned: dict[str, float] = {}
        self._looking = False

    @property
    def idle_s(self) -> dict[str, float]:
        """Give for each loop how long ago it last turned, in seconds; {} before the start."""
        now = time.monotonic()
        return {name: now - at for name, at in self._turned.items()}

    @property
    def is_stopping(self) -> bool:
        """Whether it was told to claim nothing more."""
        return self._stopping.is_set()

    def wake(self) -> None:
        """Ask what is due, now."""
        self._asks_at = 0.0
        self._wake.set()

    # What is handed over

    def reserve(self) -> Room | None:
        """Keep room for one step; implements `Handover`.

        A step that hands a row over goes on with it in its own thread.
        """
        if not self.takes_over:
            return None
        if getattr(self._in_step, "may_go_on", False):
            self._in_step.may_go_on = False
            return Room(self._owner.name, self._go_on)
        if self._behind or self._stopping.is_set():
            return None
        if not self._threads:  # `drain` does what it was handed
            return Room(self._owner.name, self._keep)
        for room in (self._free, self._queue):
            if room.acquire(blocking=False):
                return Room(self._owner.name, partial(self._submit, room))
        self._behind = True  # what is saved now waits to be claimed
        return None

    def _go_on(self, step: Claimed | None) -> None:
        self._in_step.next = step
        self._in_step.may_go_on = step is None

    def _keep(self, step: Claimed | None) -> None:
        self._handed += [step] if step else []

    def _submit(self, room: threading.Semaphore, step: Claimed | None) -> None:
        if step is None:
            room.release()
            return
        try:
            self._pool.submit(self._do_and_free, step, room)
        except RuntimeError:  # it was stopped meanwhile; the lease runs out
            room.release()

    def due(self, at: datetime) -> None:
        """Have it asked at a moment what is due; implements `Handover`."""
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
        """Claim nothing from now on; what is claimed goes on."""
        self._stopping.set()
        self._wake.set()

    def stop(self, within_s: float = 8.0) -> None:
        """Take no new work, and let running steps end; what does not end is left to its lease."""
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
        """Do every due step in this thread until none is left; give how many there were."""
        self._owner.renewed()  # nobody beats for it, and nobody waits between its steps
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
                log.exception("store-away")
            except Exception:
                # The loop is the heart of the bot: whatever a round meets, there is a next one.
                log.exception("worker-round-failed")
            self._wake.wait(self._until_next())
            # The first that wakes it is served at once.  Where many do, a round for each of them would
            # ask the database hundreds of times a second for what one round finds.
            self._stopping.wait(max(0.0, began + ROUND_S - time.monotonic()))

    def _hand_out(self) -> None:
        """Claim as many steps as there are free threads, until all that is due is in hand."""
        while not self._stopping.is_set():
            self._turned["worker"] = time.monotonic()
            slots = 0
            while slots < THREADS and self._free.acquire(blocking=slots == 0, timeout=None):
                slots += 1
            taken = 0
            try:
                # It may have been told to stop while all threads were at work.
                for step in () if self._stopping.is_set() else self._claim(slots):
                    self._pool.submit(self._do_and_free, step, self._free, claimed=True)
                    taken += 1
            finally:
                for _ in range(slots - taken):
                    self._free.release()
            if taken < slots:  # the next round, ROUND_S later, asks what else there is
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
        """Take due rows: presses first, for somebody is looking at the screen.

        A kind is claimed when the one before is in hand: no purge waits for the posts.
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
        """Take what the CDN is asked about, for one thread: however slow it is, the others are free."""
        purges = self._store.task_polling.take(now, QUESTIONS_A_ROUND, MAX_TASKS_PER_QUESTION)
        self._looking = bool(purges)
        return [PollBatch(tuple(purges))] if purges else []

    def _beat(self) -> None:
        while not self._stopped.wait(LEASE.total_seconds() / 3):  # the last steps need it too
            self._turned["beat"] = time.monotonic()
            with contextlib.suppress(StoreUnavailable):  # the next beat, or the lease, will tell
                self._store.jobs.beat(self._owner.name, self._now())
                self._owner.renewed()

    def _keep_doing(self, chore: Chore) -> None:
        while True:
            try:
                chore.work()
            except StoreUnavailable:
                log.warning("chore-postponed", chore=chore.name)
            except Exception:
                log.exception("chore-failed", chore=chore.name)
            if self._stopping.wait(chore.every_s):
                return

    # One step

    def _do_and_free(
        self, step: Claimed | PollBatch, room: threading.Semaphore, *, claimed: bool = False
    ) -> None:
        """Do a step, and then what it hands over, if anything."""
        following: Claimed | PollBatch | None = step
        try:
            while following is not None:
                self._in_step.next, self._in_step.may_go_on = None, True
                self._do(following)
                following = self._in_step.next
        finally:
            self._in_step.may_go_on = False
            room.release()
            if claimed:  # there may be more
                self.wake()

    def _do(self, step: Claimed | PollBatch) -> None:
        """Do one step; whatever goes wrong, the row is put back and never blocks the others."""
        kind = JobKind.POLL if isinstance(step, PollBatch) else kind_of(step.value)
        if isinstance(step, Claimed):  # a step before it may have released the same row
            self._store.jobs.take(step.value)
        with metrics.timing(metrics.STEP_S, kind) as timed:
            try:
                with tracing.step(*_traced(step)):
                    self._steps.do(step)
            except (RetryLater, CdnRefused) as later:
                timed.outcome = "put-back"
                self._put_back(step, later.retry_after_s)
                if isinstance(later, RateLimited) and _is_post(step):
                    # Else each of those that wait would be tried and refused in turn, and Slack
                    # slows down or cuts off who does not heed it:
                    # https://docs.slack.dev/apis/web-api/rate-limits
                    pause = timedelta(seconds=later.retry_after_s or 1.0)
                    self._store.jobs.pause(kind, self._now() + pause)
            except FromNewer:  # what it belongs to; a newer replica may be first next time
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
        if isinstance(step, PollBatch):  # nobody holds them: they have their next look already
            return
        wait_s = retry_after_s or min(2.0 ** min(step.attempts, 16), BACKOFF_CAP_S)
        due_at = self._now() + timedelta(seconds=wait_s)
        with contextlib.suppress(StoreUnavailable):  # then its lease runs out instead
            self._store.jobs.retry_later(step.value, self._owner.name, due_at)


def _rounded_up(at: datetime) -> datetime:
    """Return the next moment that is a multiple of LATER."""
    return at + (_EPOCH - at) % LATER


def _is_post(step: Claimed | PollBatch) -> bool:
    return isinstance(step, Claimed) and isinstance(step.value, Post)


def _traced(step: Claimed | PollBatch) -> tuple[str, list[str | None]]:
    """Give what a step is called in traces, and in those of which purges it is."""
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

"""Does what is due: gathers facts, sends, expires, posts.  A step at a time, each under a lease.

    claim ──► one step, outside any transaction ──► save over the version that was claimed

A worker that dies leaves its leases to run out; whoever claims a row that was being sent does
not send it again, for nobody knows whether the CDN heard of it (state `unknown`).
"""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from bot.cdn.client import CdnClient
from bot.cdn.faults import CdnInDoubt, CdnRefused
from bot.core import rulings
from bot.core.ask import Ask, AskKind
from bot.core.policy import Actor
from bot.core.post import Post, PostKind
from bot.core.purge import Failure, Purge, State
from bot.store.engine import StoreUnavailable
from bot.store.jobs import LEASE, Claimed
from bot.store.store import Store
from bot.workflow import Workflow

log = structlog.get_logger("purgebot.worker")

THREADS = 8
POLL_S = 1.0
"""How long an idle worker sleeps at most; a commit in this process wakes it at once."""
FACTS_PATIENCE = timedelta(seconds=60)
"""How long Slack may fail to say who somebody is before the request is refused."""
BACKOFF_CAP_S = 300.0


class PeopleUnknown(Exception):
    """Slack did not say who somebody is; `retry_after_s` is how long it asked us to wait."""

    def __init__(self, retry_after_s: float | None = None) -> None:
        super().__init__("people-unknown")
        self.retry_after_s = retry_after_s


class NotPosted(Exception):
    """Slack did not take a message now; try again after `retry_after_s`, or with backoff."""

    def __init__(self, retry_after_s: float | None = None) -> None:
        super().__init__("not-posted")
        self.retry_after_s = retry_after_s


class Directory(Protocol):
    """Who people are.  It stands here because the arrow must turn round: Slack lives above."""

    def gather(
        self, team_id: str, user_id: str, channel_id: str, user_team_id: str, *, strict: bool
    ) -> Actor:
        """Give the facts about a person; `strict` allows nothing stale.  Raises: PeopleUnknown."""


class Announcer(Protocol):
    """Keeps Slack true.  It stands here for the same reason."""

    def announce(
        self, post: Post, purge: Purge | None, card: Post | None, save: Callable[[Post], bool]
    ) -> Post:
        """Show a post as it should be now, and give where it went.

        `card` is the card of the purge, for a note that belongs below it.
        `save` keeps an intermediate state of the post; False means that the lease was lost.
        Raises: NotPosted.
        """


@dataclass(frozen=True, slots=True)
class _Roads:
    """The ways out of the house that a step may take."""

    cdn: CdnClient
    directory: Directory
    announcer: Announcer


class Worker:
    """Runs due steps, in its own threads (`start`) or in the caller's (`drain`)."""

    def __init__(
        self,
        store: Store,
        workflow: Workflow,
        cdn: CdnClient,
        directory: Directory,
        announcer: Announcer,
        now: Callable[[], datetime],
        tick: Callable[[], object] = lambda: None,
    ) -> None:
        self.holder = f"{socket.gethostname()[:32]}-{os.getpid()}-{secrets.token_hex(4)}"
        self._store = store
        self._workflow = workflow
        self._roads = _Roads(cdn, directory, announcer)
        self._now = now
        self._tick = tick
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._free = threading.Semaphore(THREADS)
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="step")
        self._threads: list[threading.Thread] = []
        self._last_beat = time.monotonic()
        workflow.wake = self._wake.set

    # Running

    def start(self) -> None:
        for name, work in (("worker", self._run), ("beat", self._beat)):
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
                    job, self._now(), self.holder, limit - len(claimed)
                )
        return claimed

    def _beat(self) -> None:
        while not self._stopping.wait(LEASE.total_seconds() / 3):
            with contextlib.suppress(StoreUnavailable):  # the next beat, or the lease, will tell
                self._store.jobs.beat(self.holder, self._now())
                self._last_beat = time.monotonic()

    # Steps

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
                    self._step_purge(purge, step.attempts)
                case Ask() as ask:
                    self._step_ask(ask)
                case Post() as post:
                    self._step_post(post)
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
                step.value, self.holder, self._now() + timedelta(seconds=wait_s)
            )

    def _step_purge(self, purge: Purge, attempts: int) -> None:
        match purge.state:
            case State.REQUESTED:
                self._find_out_and_decide(purge)
            case State.WAITING:
                self._wait_on(purge)
            case State.READY:
                self._send(purge)
            case State.SENDING:
                # Whoever wrote this intent died or was cut off before writing the outcome.
                failure = Failure(rulings.SEND_INTERRUPTED.code)
                self._workflow.lost(purge, self.holder, failure, None)
            case _:
                log.error("nothing-to-do", purge=purge.id, state=purge.state, attempts=attempts)

    def _wait_on(self, purge: Purge) -> None:
        if purge.expires_at is not None and purge.expires_at > self._now():
            self._workflow.remind(purge, self.holder)
        else:
            self._workflow.expire(purge, self.holder)

    def _find_out_and_decide(self, purge: Purge) -> None:
        try:
            actor = self._roads.directory.gather(
                purge.team_id, purge.user_id, purge.channel_id, purge.team_id, strict=purge.force
            )
        except PeopleUnknown:
            if self._now() - purge.requested_at < FACTS_PATIENCE:
                raise
            self._workflow.refuse_unchecked(purge, self.holder)
        else:
            self._workflow.decide(purge, actor, self.holder)

    def _send(self, purge: Purge) -> None:
        """Send once: intent on disk, then the wire, then the outcome."""
        if purge.yeses and not self._still_approved(purge):
            return
        sending = self._workflow.begin_sending(purge, self.holder)
        if sending is None:
            return
        if time.monotonic() - self._last_beat > LEASE.total_seconds() / 2 and self._threads:
            # This process was paused or cut off: its leases may be somebody else's by now.
            log.warning("not-sent-after-pause", purge=purge.id)
            return
        try:
            answer = self._roads.cdn.refresh_by_tag(purge.domain, purge.tags, force=purge.force)
        except CdnRefused as refused:
            failure = Failure(refused.problem.code, refused.problem.facts)
            self._workflow.rejected(sending, self.holder, failure, refused.request_id)
        except CdnInDoubt as doubt:
            failure = Failure(doubt.problem.code, doubt.problem.facts)
            self._workflow.lost(sending, self.holder, failure, doubt.request_id)
        else:
            self._workflow.accepted(sending, self.holder, answer.task_id, answer.request_id)

    def _still_approved(self, purge: Purge) -> bool:
        """Look at the rights of everybody concerned once more; a right that is gone ends it."""
        try:
            actors = {
                user_id: self._roads.directory.gather(
                    purge.team_id, user_id, purge.channel_id, purge.team_id, strict=True
                )
                for user_id in (purge.user_id, *(given.user_id for given in purge.yeses))
            }
        except PeopleUnknown:
            if purge.decided_at and self._now() - purge.decided_at < FACTS_PATIENCE:
                raise
            self._workflow.refuse_unchecked(purge, self.holder)
            return False
        return self._workflow.confirm_approval(purge, actors, self.holder)

    def _step_ask(self, ask: Ask) -> None:
        try:
            actor = self._roads.directory.gather(
                ask.team_id,
                ask.user_id,
                ask.channel_id,
                ask.user_team_id,
                strict=ask.kind is not AskKind.HELP,
            )
        except PeopleUnknown:
            if self._now() - ask.at < FACTS_PATIENCE:
                raise
            self._workflow.leave_unchecked(ask)
            return
        if ask.kind is AskKind.HELP:
            self._workflow.help(ask, actor)
        else:
            self._workflow.decide_press(ask, actor)

    def _step_post(self, post: Post) -> None:
        purge = self._store.purge(post.purge_id) if post.purge_id else None

        def save(state: Post) -> bool:
            return self._store.jobs.save_post(state, self.holder, done=False, now=self._now())

        card = self._store.card(purge.id) if purge and post.kind is PostKind.NOTE else None
        shown = self._roads.announcer.announce(post, purge, card, save)
        self._store.jobs.save_post(shown, self.holder, done=True, now=self._now())

"""One step of a row that is due: find out, decide, send, expire, answer, post.

A step runs outside any transaction and saves over the version that was claimed.  What it raises
puts the row back: `PeopleUnknown` and `NotPosted` mean that Slack could not be asked or told now.

`Directory` and `Announcer` stand here because the arrow must turn round: Slack lives above.
"""

from __future__ import annotations

from collections.abc import Callable
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
from bot.store.jobs import Holder
from bot.store.store import Store
from bot.workflow import Workflow

log = structlog.get_logger("purgebot.steps")

FACTS_PATIENCE = timedelta(seconds=60)
"""How long Slack may fail to say who somebody is before the request is refused."""


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


class Steps:
    """Does steps in the name of one holder of leases."""

    def __init__(
        self,
        store: Store,
        workflow: Workflow,
        cdn: CdnClient,
        directory: Directory,
        announcer: Announcer,
        now: Callable[[], datetime],
        holder: Holder,
    ) -> None:
        self._store = store
        self._workflow = workflow
        self._cdn = cdn
        self._directory = directory
        self._announcer = announcer
        self._now = now
        self._lease = holder
        self._holder = holder.name

    def purge(self, purge: Purge) -> None:
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
                self._workflow.lost(purge, self._holder, failure, None)
            case _:
                log.error("nothing-to-do", purge=purge.id, state=purge.state)

    def _wait_on(self, purge: Purge) -> None:
        if purge.expires_at is not None and purge.expires_at > self._now():
            self._workflow.remind(purge, self._holder)
        else:
            self._workflow.expire(purge, self._holder)

    def _find_out_and_decide(self, purge: Purge) -> None:
        try:
            actor = self._directory.gather(
                purge.team_id, purge.user_id, purge.channel_id, purge.team_id, strict=purge.force
            )
        except PeopleUnknown:
            if self._now() - purge.requested_at < FACTS_PATIENCE:
                raise
            self._workflow.refuse_unchecked(purge, self._holder)
        else:
            self._workflow.decide(purge, actor, self._holder)

    def _send(self, purge: Purge) -> None:
        """Send once: intent on disk, then the wire, then the outcome."""
        if purge.yeses and not self._still_approved(purge):
            return
        sending = self._workflow.begin_sending(purge, self._holder)
        if sending is None:
            return
        if not self._lease.is_alive:
            # This process was paused or cut off: its leases may be somebody else's by now.
            log.warning("not-sent-after-pause", purge=purge.id)
            return
        try:
            answer = self._cdn.refresh_by_tag(purge.domain, purge.tags, force=purge.force)
        except CdnRefused as refused:
            failure = Failure(refused.problem.code, refused.problem.facts)
            self._workflow.rejected(sending, self._holder, failure, refused.request_id)
        except CdnInDoubt as doubt:
            failure = Failure(doubt.problem.code, doubt.problem.facts)
            self._workflow.lost(sending, self._holder, failure, doubt.request_id)
        else:
            self._workflow.accepted(sending, self._holder, answer.task_id, answer.request_id)

    def _still_approved(self, purge: Purge) -> bool:
        """Look at the rights of everybody concerned once more; a right that is gone ends it."""
        try:
            actors = {
                user_id: self._directory.gather(
                    purge.team_id, user_id, purge.channel_id, purge.team_id, strict=True
                )
                for user_id in (purge.user_id, *(given.user_id for given in purge.yeses))
            }
        except PeopleUnknown:
            if purge.decided_at and self._now() - purge.decided_at < FACTS_PATIENCE:
                raise
            self._workflow.refuse_unchecked(purge, self._holder)
            return False
        return self._workflow.confirm_approval(purge, actors, self._holder)

    def ask(self, ask: Ask) -> None:
        try:
            actor = self._directory.gather(
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

    def post(self, post: Post) -> None:
        purge = self._store.purge(post.purge_id) if post.purge_id else None

        def save(state: Post) -> bool:
            return self._store.jobs.save_post(state, self._holder, done=False, now=self._now())

        card = self._store.card(purge.id) if purge and post.kind is PostKind.NOTE else None
        shown = self._announcer.announce(post, purge, card, save)
        self._store.jobs.save_post(shown, self._holder, done=True, now=self._now())

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

from bot import metrics
from bot.answers import Answers
from bot.cdn.client import CdnClient
from bot.cdn.faults import CdnError, CdnInDoubt, CdnRefused
from bot.core import cdn_errors, rulings
from bot.core.ask import QUESTIONS, Ask, AskKind
from bot.core.briefing import Members
from bot.core.policy import Actor
from bot.core.post import Post, PostKind, Route
from bot.core.purge import Failure, Purge, State
from bot.later import NotPosted, PeopleUnknown
from bot.store.holder import Claimed, Holder, Round
from bot.store.store import Store
from bot.submission import Submission
from bot.watch import Watch
from bot.workflow import Workflow

log = structlog.get_logger("purgebot.steps")

OVERDUE = timedelta(minutes=10)
"""How late a forced purge is still sent by itself."""
FACTS_PATIENCE = timedelta(seconds=60)
"""How long Slack may fail to say who somebody is before the request is refused."""


class Directory(Protocol):
    """Who people are.  It stands here because the arrow must turn round: Slack lives above."""

    def gather(
        self, team_id: str, user_id: str, channel_id: str, user_team_id: str, *, strict: bool
    ) -> Actor:
        """Give the facts about a person; `strict` allows nothing stale.  Raises: PeopleUnknown."""

    def members(self) -> Members:
        """Give who is in the user groups that the policy names, from memory; never asks."""


class Announcer(Protocol):
    """Keeps Slack true.  It stands here for the same reason."""

    def announce(
        self, post: Post, purge: Purge | None, card: Post | None, save: Callable[[Post], bool]
    ) -> Post:
        """Show a post as it should be now, and give where it went.

        `card` is the card of the purge, for a note that belongs below it.
        `save` keeps an intermediate state of the post; False means that the lease was lost.
        Raises: NotPosted, SlackBusy.
        """

    def open_denial(self, ask: Ask, purge: Purge) -> bool:
        """Show the form that asks why somebody denies a purge.  False: it is too late for it."""


class Steps:
    """Does steps in the name of one holder of leases."""

    def __init__(
        self,
        store: Store,
        workflow: Workflow,
        submission: Submission,
        watch: Watch,
        answers: Answers,
        cdn: CdnClient,
        directory: Directory,
        announcer: Announcer,
        now: Callable[[], datetime],
        holder: Holder,
    ) -> None:
        self._answers = answers
        self._store = store
        self._workflow = workflow
        self._submission = submission
        self._watch = watch
        self._cdn = cdn
        self._directory = directory
        self._announcer = announcer
        self._now = now
        self._lease = holder
        self._holder = holder.name

    def do(self, step: Claimed | Round) -> None:
        """Do the step that a claimed row stands for.

        Raises: PeopleUnknown, NotPosted, CdnRefused, StoreUnavailable.
        """
        match step:
            case Round():
                self._watch.watch(step.purges)
            case Claimed(value=Purge() as purge):
                self.purge(purge, step.due_at)
            case Claimed(value=Ask() as ask):
                self.ask(ask)
            case Claimed(value=Post() as post):
                self.post(post)

    def purge(self, purge: Purge, due_at: datetime) -> None:
        match purge.state:
            case State.REQUESTED:
                self._find_out_and_decide(purge)
            case State.WAITING:
                self._wait_on(purge)
            case State.READY | State.HELD:
                self._send(purge, due_at)
            case State.SENDING:
                # Whoever wrote this intent died or was cut off before writing the outcome.
                failure = Failure(rulings.SEND_INTERRUPTED.code)
                metrics.SUBMISSIONS.labels(failure.code).inc()
                self._submission.lost(purge, self._holder, failure, None)
            case State.OFFERED:
                self._submission.offer_lapsed(purge, self._holder)
            case State.JOINED:
                self._watch.follow(purge)
            case State.UNKNOWN:
                self._watch.search(purge)
            case State.COMPLETE:
                self._watch.prove(purge)
            case State.SUBMITTED | State.RUNNING:  # by an older version: now it is where it belongs
                self._store.jobs.look_again(purge, self._holder, self._now())
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
            self._workflow.decide(purge, actor, self._directory.members(), self._holder)

    def _send(self, purge: Purge, due_at: datetime) -> None:
        """Send once: intent on disk, then the wire, then the outcome."""
        if purge.force and self._now() - due_at > OVERDUE:
            # The database may be an older one, restored: then it was perhaps sent since.
            failure = Failure(rulings.SEND_OVERDUE.code)
            self._submission.lost(purge, self._holder, failure, None)
            return
        looks_again = purge.yeses or purge.break_glass or purge.state is State.HELD
        if looks_again and not self._still_allowed(purge):
            return
        urls = () if purge.evidence else self._workflow.proof_urls(purge)
        evidence = self._watch.look_before(urls) if urls else ()
        # A process that was paused or cut off may have lost its leases to somebody else.
        still_alive = self._lease.still_alive()
        sending = self._submission.begin_sending(purge, evidence, self._holder)
        if sending is None:
            return
        metrics.sending(sending, self._now())
        try:
            answer = self._cdn.refresh_by_tag(
                purge.domain, purge.tags, purge.force, allowed=still_alive
            )
        except CdnRefused as refused:
            self._rejected(sending, refused, passing=refused.retryable)
        except CdnInDoubt as doubt:
            self._in_doubt(sending, doubt)
        else:
            self._submission.accepted(sending, self._holder, answer.task_id, answer.request_id)

    def _in_doubt(self, sending: Purge, doubt: CdnInDoubt) -> None:
        """Take an answer that leaves in doubt whether the CDN carried it out.

        Where the CDN itself says that it failed, a plain purge is tried again: carried out twice it
        only asks the origin once more.  A forced purge is never sent again by itself.
        """
        said_so = doubt.problem.kind is cdn_errors.SERVER_ERROR and doubt.vendor_code is not None
        if said_so and not sending.force:
            self._rejected(sending, doubt, passing=True)
        else:
            self._submission.lost(sending, self._holder, _failure(doubt), doubt.request_id)

    def _rejected(self, sending: Purge, error: CdnError, *, passing: bool) -> None:
        self._submission.rejected(
            sending,
            self._holder,
            _failure(error),
            error.request_id,
            error.retry_after_s,
            passing=passing,
        )

    def _still_allowed(self, purge: Purge) -> bool:
        """Look at the rights of everybody concerned once more; a right that is gone ends it."""
        try:
            actors = {
                user_id: self._directory.gather(
                    purge.team_id, user_id, purge.channel_id, purge.team_id, strict=True
                )
                for user_id in (purge.user_id, *(given.user_id for given in purge.yeses))
            }
        except PeopleUnknown:
            since = (purge.held_until, purge.send_at, purge.decided_at, purge.requested_at)
            ready_since = next(at for at in since if at is not None)
            if self._now() - ready_since < FACTS_PATIENCE:
                raise
            self._workflow.refuse_unchecked(purge, self._holder)
            return False
        return self._submission.confirm_rights(purge, actors, self._holder)

    def ask(self, ask: Ask) -> None:
        """Answer a question, or decide on a press; questions do with facts that are a little old."""
        strict = ask.kind is not AskKind.HELP and ask.kind not in QUESTIONS
        where = (ask.team_id, ask.user_id, ask.channel_id, ask.user_team_id)
        actor: Actor | None = None
        try:
            actor = self._directory.gather(*where, strict=strict)
        except PeopleUnknown:
            if self._now() - ask.at < FACTS_PATIENCE:
                raise
        if ask.kind in QUESTIONS:
            self._answers.answer(ask, actor)
        elif actor is None:
            self._workflow.leave_unchecked(ask)
        elif ask.kind is AskKind.HELP:
            self._workflow.help(ask, actor)
        else:
            self._decide_press(ask, actor)

    def _decide_press(self, ask: Ask, actor: Actor) -> None:
        """Decide on a press, and do what it asks for beyond that."""
        while (purge := self._workflow.decide_press(ask, actor)) is not None:
            if ask.kind is AskKind.DENY_FORM:
                opened = self._announcer.open_denial(ask, purge)
                self._workflow.form_shown(ask, opened=opened)
                return
            if self._workflow.follow_up(ask, purge, actor, self._directory.members()):
                return

    def post(self, post: Post) -> None:
        if post.kind is PostKind.ALERT and self._store.jobs.follows_another(post):
            raise NotPosted(5.0)  # that all is well again must not be read before what was wrong
        began, still_alive = self._now(), self._lease.still_alive()
        purge = self._store.purge(post.purge_id) if post.purge_id else None

        def save(state: Post) -> bool:
            return self._store.jobs.save_post(state, self._holder, done_since=None, now=self._now())

        card = self._card_above(post) if post.kind in {PostKind.NOTE, PostKind.CALL} else None
        if not still_alive():
            raise NotPosted
        shown = self._announcer.announce(post, purge, card, save)
        metrics.shown(post, shown, purge, self._now())
        if not self._store.jobs.save_post(
            shown, self._holder, done_since=began, now=self._now(), edited=post.route is not None
        ):
            # Somebody else had shown it meanwhile, and what is shown now may be older than that.
            log.warning("shown-after-lease", post=post.id)
            self._store.jobs.show_again(post, self._now())

    def _card_above(self, post: Post) -> Post | None:
        """Give the card below which a note belongs: what calls people goes where they are called."""
        assert post.purge_id is not None, "cards and notes belong to a purge"
        if post.notice is not None and post.notice.code in {rulings.REMINDER, rulings.GLASS}:
            call = self._store.card(post.purge_id, PostKind.CALL)
            if call is not None and call.route is not Route.NOWHERE:
                return call
        return self._store.card(post.purge_id)


def _failure(error: CdnError) -> Failure:
    return Failure(error.problem.code, error.problem.facts)

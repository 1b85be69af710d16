"""The steps of due rows: fetch facts and decide, send, expire, answer, post.

A step runs outside any transaction and saves over the version that was claimed.  If it raises, the
loop makes the row due again later.  `DirectoryUnavailable` and `DeliveryDeferred` mean that Slack
could not be queried, or that a message could not be delivered now.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Protocol

import structlog

from bot.core.decisions import clock, rulings
from bot.core.decisions.authorization import takes_proof
from bot.core.decisions.requests import refuse_unchecked
from bot.core.decisions.transition import Transition
from bot.core.interaction import DOUBTS, QUESTIONS, Interaction, InteractionKind
from bot.core.message import Post, PostKind, Route
from bot.core.policy.approvers import Roster, named_deciders
from bot.core.policy.decision import Actor
from bot.core.policy.document import Policy
from bot.core.purge.purge import Purge, PurgeRequest, State
from bot.core.retry import CardGone, DeliveryDeferred, DirectoryUnavailable, is_lasting
from bot.slack.directory import SlackDirectory
from bot.store.queue.owner import Claimed, LeaseOwner, PollBatch
from bot.store.store import Store
from bot.telemetry import metrics
from bot.worker.sending import Sending
from bot.worker.tracking import Watch
from bot.workflow.confirmations import Doubts
from bot.workflow.interactions import Interactions
from bot.workflow.queries import Answers
from bot.workflow.requests import PurgeRequests

log = structlog.get_logger("purgebot.steps")


class Announcer(Protocol):
    """Shows messages in Slack.

    It is a protocol, because its implementation is in a package that this one must not import.
    """

    def announce(
        self, post: Post, purge: Purge | None, card: Post | None, save: Callable[[Post], bool]
    ) -> Post:
        """Post or edit a message so that it shows the purge's state.  Return the post's new state.

        `card` is the card whose thread a reply belongs to, or that a refusal links to.
        `save` saves an intermediate state of the post, and returns False if the lease was lost.
        Raises: DeliveryDeferred, of which RateLimited is a subclass; CardGone if `card` is missing.
        """

    def open_denial(self, interaction: Interaction, purge: Purge) -> bool:
        """Open the form for the reason of a denial.  Return False if it is too late to open it."""

    def show_tags(self, interaction: Interaction, purge: Purge) -> bool:
        """Show all tags of a purge, or another page of them.  Return False if it is too late."""


class Executor:
    """Does steps under the leases of `owner`."""

    def __init__(
        self,
        store: Store,
        requests: PurgeRequests,
        interactions: Interactions,
        watch: Watch,
        answers: Answers,
        doubts: Doubts,
        sending: Sending,
        directory: SlackDirectory,
        announcer: Announcer,
        owner: LeaseOwner,
    ) -> None:
        self._answers = answers
        self._doubts = doubts
        self._store = store
        self._requests = requests
        self._interactions = interactions
        self._watch = watch
        self._sending = sending
        self._directory = directory
        self._announcer = announcer
        self._now = requests.now
        self._lease = owner
        self._owner = owner.name

    def do(self, step: Claimed | PollBatch) -> None:
        """Do the step of a claimed row or of a batch of polls.

        Raises: DirectoryUnavailable, DeliveryDeferred, CdnRefused, StoreUnavailable, FromNewer.
        """
        match step:
            case PollBatch():
                self._watch.watch(step.purges)
            case Claimed(value=Interaction() as interaction):
                self.answer_interaction(interaction)
            case Claimed(value=Post() as post):
                self.deliver_message(post, step.shows)
            case Claimed(value=Purge(state=State.READY | State.HELD) as purge):
                self._sending.send(purge, step.due_at)
            case Claimed(value=Purge() as purge):
                self.process_purge(purge)

    def process_purge(self, purge: Purge) -> None:
        """Do the step of a purge that is not to be sent now."""
        match purge.state:
            case State.REQUESTED:
                self._find_out_and_decide(purge)
            case State.WAITING:
                self._wait_on(purge)
            case State.SENDING:
                # The worker that saved this intent died, or was cut off, before it saved the
                # outcome.
                metrics.SUBMISSIONS.labels(clock.SEND_INTERRUPTED.code).inc()
                self._save(clock.interrupted(purge, self._now()))
            case State.OFFERED:
                self._save(clock.lapsed(purge, self._now()))
            case State.JOINED | State.QUEUED:
                self._watch.follow(purge)
            case State.UNKNOWN:
                self._watch.search(purge)
            case State.COMPLETE:
                self._watch.prove(purge)
            case State.SUBMITTED | State.RUNNING:  # saved by an older version: correct its lane
                self._store.jobs.reschedule(purge, self._owner, self._now())
            case _:
                log.error("nothing-to-do", purge=purge.id, state=purge.state)

    def _wait_on(self, purge: Purge) -> None:
        now = self._now()
        still = purge.expires_at is not None and purge.expires_at > now
        self._save((clock.reminded if still else clock.expired)(purge, now))

    def _save(self, step: Transition) -> None:
        self._store.apply(step, owner=self._owner)

    def _policy(self) -> Policy:
        return self._requests.rules().policy

    def _find_out_and_decide(self, purge: Purge) -> None:
        try:
            actor = self._directory.fetch(
                purge.team_id,
                purge.user_id,
                purge.channel_id,
                purge.team_id,
                since=purge.due_since if takes_proof(purge, self._policy()) else None,
                domain=purge.domain,
            )
        except DirectoryUnavailable as unknown:
            lasting = is_lasting(unknown, self._now() - purge.due_since)
            self._save(refuse_unchecked(purge, self._now(), lasting=lasting))
        else:
            who = partial(self._directory.requester, purge)
            self._requests.decide(purge, actor, self._roster(purge), self._owner, who)

    def _roster(self, purge: PurgeRequest) -> Roster:
        """Fetch the members, and the facts about those whom the policy names as deciders."""
        members = self._directory.members()
        policy = self._policy()
        needs = rulings.needs_for(purge, policy)
        named = (
            named_deciders(policy, purge.domain, purge.tags, needs, members)
            if needs.quorums
            else ()
        )
        return Roster(members, self._directory.memberships(named) if named else {})

    def answer_interaction(self, interaction: Interaction) -> None:
        """Answer a question, or decide on a press.

        Questions, and answers that only lead to a request, may use cached facts about the person.
        Other presses need facts that are newer than the press.
        """
        patient = (
            interaction.kind is InteractionKind.HELP
            or interaction.kind in QUESTIONS
            or interaction.kind in DOUBTS
        )
        since = None if patient else interaction.at
        where = (
            interaction.team_id,
            interaction.user_id,
            interaction.channel_id,
            interaction.user_team_id,
        )
        if interaction.kind is InteractionKind.TAGS:
            fetch = partial(self._directory.fetch, *where, since=None)
            self._answers.show_tags(interaction, fetch, self._announcer.show_tags)
            return
        actor: Actor | None = None
        lasting = False
        try:
            domain = None if since is None else self._domain_of(interaction)
            if interaction.kind in DOUBTS:
                domain = self._doubts.domain_of(interaction)
            actor = self._directory.fetch(*where, since=since, domain=domain)
        except DirectoryUnavailable as unknown:
            lasting = is_lasting(unknown, self._now() - interaction.at)
        if interaction.kind in QUESTIONS:
            self._answers.answer(interaction, actor, lasting=lasting)
        elif interaction.kind is InteractionKind.DOUBT:
            self._doubts.ask_back(
                interaction, actor, Roster(self._directory.members()), lasting=lasting
            )
        elif interaction.kind in DOUBTS:
            self._doubts.answer(interaction, actor, Roster(self._directory.members()))
        elif actor is None:
            self._interactions.leave_unchecked(interaction, lasting=lasting)
        elif interaction.kind is InteractionKind.HELP:
            self._interactions.help(interaction, actor)
        else:
            self._decide_press(interaction, actor)

    def _domain_of(self, interaction: Interaction) -> str | None:
        purge = self._store.purge(interaction.purge_id) if interaction.purge_id else None
        return purge.domain if purge is not None else None

    def _decide_press(self, interaction: Interaction, actor: Actor) -> None:
        """Decide on a press, and open the form or create the request that follows from it."""
        while (purge := self._interactions.decide(interaction, actor)) is not None:
            if interaction.kind is InteractionKind.DENY_FORM:
                opened = self._announcer.open_denial(interaction, purge)
                self._interactions.form_shown(interaction, opened=opened)
                return
            if self._requests.follow_up(interaction, purge, actor, self._roster(purge)):
                return

    def deliver_message(self, post: Post, shows: Purge | None = None) -> None:
        """Post or edit a message so that it shows the current state.

        `shows` is the purge to show if the row was handed over, see `Claimed`.  Then `trying_since`
        is saved already, so `save` only checks the lease.
        """
        if post.kind is PostKind.ALERT and self._store.jobs.follows_another(post):
            raise DeliveryDeferred(
                5.0
            )  # alerts are delivered in order: a recovery must not be read before the problem
        began, still_alive = self._now(), self._lease.still_alive()
        purge = shows
        if purge is None and post.purge_id:
            purge = self._store.purge(post.purge_id)

        def save(state: Post) -> bool:
            if shows is not None:
                return still_alive()
            return self._store.jobs.save_post(state, self._owner, done_since=None, now=self._now())

        card = self._card_beside(post, purge)
        if not still_alive():
            raise DeliveryDeferred
        try:
            shown = self._announcer.announce(post, purge, card, save)
        except CardGone:
            if card is not None:
                self._store.jobs.show_again(card, self._now())
            raise
        metrics.shown(post, shown, purge, self._now())
        if not self._store.jobs.save_post(
            shown, self._owner, done_since=began, now=self._now(), edited=post.route is not None
        ):
            # Another worker may have shown it meanwhile, and this step may have replaced a newer
            # state.
            log.warning("shown-after-lease", post=post.id)
            self._store.jobs.show_again(post, self._now())

    def _card_beside(self, post: Post, purge: Purge | None) -> Post | None:
        """Return the card whose thread a message belongs to, or that it links to, or None.

        A refusal links to the card of the other purge.  A thread reply belongs to the card of its
        purge; the reminder and the notice of a broken glass, to the approval card, if it was
        posted.
        """
        if post.kind is PostKind.CARD:
            other = purge.refusal.other if purge is not None and purge.refusal else None
            return self._store.card(other) if other else None
        if (
            post.kind not in {PostKind.THREAD_REPLY, PostKind.APPROVAL_CARD}
            or post.purge_id is None
        ):
            return None
        if post.notice is not None and post.notice.code in {clock.REMINDER, rulings.BREAK_GLASS}:
            call = self._store.card(post.purge_id, PostKind.APPROVAL_CARD)
            if call is not None and call.route is not Route.NOWHERE:
                return call
        return self._store.card(post.purge_id)

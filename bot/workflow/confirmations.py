"""Ask the requester about a command that may be mistyped, and carry out the answer.

    about    find a doubt at each command: one lookup in an index, if all tags are known
    ask_back by the worker: ask, or continue if there is nothing to ask this person
    answer   by the worker: create the request that a press asks for, once

The rules apply to the resulting request as to any other, at that time.
`bot.core.suggestions.confirmation` defines a doubt; `handlers.blocks.doubt` has its text.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import structlog

from bot.core.command.parser import ESCAPED, PurgeCommand
from bot.core.decisions.presses import PRESS_DOUBTFUL, PRESS_RIGHTS_UNKNOWN, PRESS_UNKNOWN
from bot.core.decisions.requests import RIGHTS_LOOKUP_REFUSED, RIGHTS_UNKNOWN
from bot.core.decisions.transition import ephemeral_of
from bot.core.errors import ErrorKind, InputError
from bot.core.interaction import Interaction, InteractionKind, Origin
from bot.core.message import Notice, Post, Route
from bot.core.policy.approvers import Roster
from bot.core.policy.decision import Actor
from bot.core.suggestions import confirmation as doubts
from bot.core.suggestions.confirmation import Doubt, Slip
from bot.core.suggestions.similarity import slip_of
from bot.store.change import InteractionAnswered, NewPosts
from bot.store.schema.mapping import FromNewer
from bot.store.store import Store
from bot.workflow.requests import PurgeRequests

log = structlog.get_logger("purgebot.doubts")


@dataclass(eq=False)
class Doubts:
    """The questions about doubtful commands, and their answers."""

    _store: Store
    _requests: PurgeRequests

    def about(self, command: PurgeCommand) -> Doubt | None:
        """Return what is doubtful about a command, for any requester.  Raises: StoreUnavailable."""
        if len(command.tags) > doubts.MOST_TYPED:
            return None
        slips = self._slips(command)
        return Doubt(command, slips) if slips else None

    def _slips(self, command: PurgeCommand) -> tuple[Slip, ...]:
        policy = self._requests.rules().policy
        named = policy.tags_named(command.domain)
        unknown = self._store.tags.unknown(command.domain, command.tags)

        def near(tag: str) -> frozenset[str]:
            return named.union(self._store.tags.like(command.domain, tag))

        def meant(tag: str) -> str | None:
            if (slip := slip_of(tag, near(tag))) is not None:
                return slip
            # Only odd tags need `tag:`, but people who know it also write tag:hero.
            escaped = ESCAPED.match(tag)
            bare = tag[escaped.end() :] if escaped else ""
            known = near(bare) if bare else frozenset()
            return bare if bare in known else slip_of(bare, known)

        new = [tag for tag in unknown if tag not in named][: doubts.MOST_NEW]
        return tuple(Slip(tag, like) for tag in new if (like := meant(tag)) is not None)

    def ask_back(
        self,
        interaction: Interaction,
        actor: Actor | None,
        roster: Roster,
        *,
        lasting: bool = False,
    ) -> None:
        """Ask about a command that was saved, or let it continue unchanged.

        If Slack does not return the person (`lasting`: not until somebody corrects the app), the
        command is neither asked about nor requested: later, it would be sent without the question.
        Raises: StoreUnavailable.
        """
        doubt = doubts.read_doubt(interaction.text)
        if doubt is None or not self._requests.rules().keys.verify_press(interaction):
            self._tell(
                interaction, Notice((PRESS_UNKNOWN if doubt is None else PRESS_DOUBTFUL).code)
            )
            return
        if self._store.purge_id_of(interaction.trigger_id) is None:
            if actor is None:
                self._tell(
                    interaction, Notice((RIGHTS_LOOKUP_REFUSED if lasting else RIGHTS_UNKNOWN).code)
                )
                return
            policy = self._requests.rules().policy
            if places := doubts.shown_to(doubt, policy, actor):
                self._tell(
                    interaction, doubts.doubt_notice(interaction, doubt, places, policy, actor)
                )
                return
        if not self._request(doubt.command, interaction, interaction, actor, roster):
            # Slack delivered it twice, and the first time there was no doubt about it.
            self._store.apply(InteractionAnswered(interaction.trigger_id))

    def answer(self, press: Interaction, actor: Actor | None, roster: Roster) -> None:
        """Create the request that a press on one of the buttons asks for.

        Raises: StoreUnavailable.
        """
        answer = doubts.read_answer(press.text)
        question = self.question(answer.trigger_id) if answer else None
        doubt = doubts.read_doubt(question.text) if question else None
        if answer is None or question is None or doubt is None:
            self._tell(press, Notice(PRESS_UNKNOWN.code))
        elif why_not := self._why_not(press, question, actor):
            self._tell(press, Notice(why_not.code))
        elif (command := doubts.command_of(press, answer, doubt)) is None:
            self._tell(press, Notice(PRESS_UNKNOWN.code))
        else:
            asked_at = replace(press, trigger_id=question.trigger_id)
            chosen = replace(
                ephemeral_of(press, doubts.chosen_notice(command)), route=Route.REPLACE
            )
            if self._store.purge_id_of(question.trigger_id) is None and self._request(
                command, asked_at, press, actor, roster, chosen
            ):
                return
            made = self._store.purge_id_of(question.trigger_id)
            if made is not None:  # else the press itself was delivered twice
                self._tell(press, Notice(doubts.DOUBT_ANSWERED.code, {"purge": made}))

    def _why_not(
        self, press: Interaction, question: Interaction, actor: Actor | None
    ) -> ErrorKind | None:
        keys = self._requests.rules().keys
        if question.team_id != press.team_id:
            return PRESS_UNKNOWN
        if not (keys.verify_press(press) and keys.verify_press(question)):
            return PRESS_DOUBTFUL
        if press.user_id != question.user_id:
            if actor is None:
                return PRESS_RIGHTS_UNKNOWN
            if question.user_id not in actor.ids:
                return doubts.DOUBT_NOT_YOURS
        return doubts.DOUBT_LATE if doubts.is_late(question, press) else None

    def _request(
        self,
        command: PurgeCommand,
        origin: Origin,
        answered: Interaction,
        actor: Actor | None,
        roster: Roster,
        *told: Post,
    ) -> bool:
        """Create the request, or tell why it is not stored, and mark the interaction as answered.

        False if it exists already.
        """
        # If it requires approval, it is decided later, with the facts at that time.
        facts = None if self._requests.requires_approval(command) else actor
        trigger_id = answered.trigger_id
        try:
            made = self._requests.request(command, origin, facts, roster, trigger_id, told, actor)
        except InputError as refused:
            self._tell(answered, Notice(refused.info.code, refused.info.facts))
            return True
        return made is not None

    def _tell(self, interaction: Interaction, notice: Notice) -> None:
        post = ephemeral_of(interaction, notice)
        now = self._requests.now()
        self._store.apply(InteractionAnswered(interaction.trigger_id), NewPosts((post,), now))
        log.info(notice.code, user=interaction.user_id)

    def domain_of(self, interaction: Interaction) -> str | None:
        """Return the domain of a doubtful command, or of the command that a press is about."""
        question: Interaction | None = interaction
        if interaction.kind is not InteractionKind.DOUBT:
            answer = doubts.read_answer(interaction.text)
            question = self.question(answer.trigger_id) if answer else None
        doubt = doubts.read_doubt(question.text) if question else None
        return doubt.command.domain if doubt else None

    def question(self, trigger_id: str) -> Interaction | None:
        """Return the doubtful command with this trigger ID, or None.  Raises: StoreUnavailable."""
        try:
            asked = self._store.jobs.interaction(trigger_id)
        except FromNewer:
            return None
        return asked if asked is not None and asked.kind is InteractionKind.DOUBT else None

"""The presses of people: each press is one decision, saved in one transaction.

A press is saved first; the worker decides on it later, with the facts about its person.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from bot.core.command.queries import STATUS
from bot.core.decisions import presses, rulings
from bot.core.decisions.presses import PressLeadsOn, PressRejected
from bot.core.decisions.rulings import Rules
from bot.core.decisions.transition import Transition, ephemeral_of, press_entry
from bot.core.interaction import Interaction, InteractionKind
from bot.core.message import Notice, Route
from bot.core.policy.decision import Actor, Membership
from bot.core.purge.purge import Purge
from bot.store.change import Change, InteractionAnswered, NewInteraction, NewPosts
from bot.store.schema.mapping import FromNewer
from bot.store.store import Store
from bot.workflow.refusals import RefusalLimit
from bot.workflow.requests import card_reply

log = structlog.get_logger("purgebot.workflow")


@dataclass(eq=False)
class Interactions:
    """Takes presses.  `rules` returns the rules at this moment.

    `refusals` says whether the trail records that a press was rejected.
    """

    _store: Store
    _rules: Callable[[], Rules]
    now: Callable[[], datetime]
    _refusals: RefusalLimit

    def press(self, interaction: Interaction) -> None:
        """Save a press for the worker, which looks up the rights at Slack again.

        Cancelling one's own request needs no right, so that is decided at once.  A press that is
        delivered twice counts once.  Raises: StoreUnavailable.
        """
        if interaction.kind is not InteractionKind.CANCEL or not self._takes_own_back(interaction):
            self.write_down(interaction)
            return
        actor = Actor(
            interaction.team_id,
            interaction.user_id,
            Membership.UNKNOWN,
            frozenset(),
            interaction.channel_id,
        )
        try:
            self.decide(self._signed(interaction), actor, is_new=True)
        except FromNewer:
            self.write_down(interaction)

    def _takes_own_back(self, interaction: Interaction) -> bool:
        """Return whether the requester pressed.  Other workspaces are left to the worker."""
        if interaction.purge_id is None or interaction.user_team_id != interaction.team_id:
            return False
        with suppress(FromNewer):
            purge = self._store.purge(interaction.purge_id)
            return purge is not None and interaction.user_id in purge.requester_ids
        return False

    def write_down(self, interaction: Interaction) -> None:
        """Save an interaction for the worker.  Raises: StoreUnavailable."""
        self._store.apply(NewInteraction(self._signed(interaction), interaction.at))

    def _signed(self, interaction: Interaction) -> Interaction:
        """Return a press as it is stored: signed, if there is a key."""
        return replace(interaction, signature=self._rules().keys.sign_press(interaction))

    def decide(
        self, interaction: Interaction, actor: Actor, *, is_new: bool = False
    ) -> Purge | None:
        """Decide on a press.  Of simultaneous presses one wins, and the others are told.

        Return the purge if the press counts and needs a next step: opening the form of a denial, or
        creating the request that the press asks for.  Else return None.
        """
        while True:
            now, rules = self.now(), self._rules()
            purge = self._store.purge(interaction.purge_id) if interaction.purge_id else None
            result = presses.decide_press(interaction, purge, rules, actor, now)
            if isinstance(result, PressLeadsOn):
                return result.purge
            if self._save(interaction, result, now, is_new=is_new):
                return None
            if self._store.has_interaction(interaction.trigger_id, answered=not is_new):
                log.info(
                    "press-delivered-twice", user=interaction.user_id, purge=interaction.purge_id
                )
                return None

    def _save(
        self,
        interaction: Interaction,
        result: Transition | PressRejected,
        now: datetime,
        *,
        is_new: bool,
    ) -> bool:
        changes: list[Change] = [
            NewInteraction(interaction, None)
            if is_new
            else InteractionAnswered(interaction.trigger_id)
        ]
        replies = []
        match result:
            case Transition() as changed:
                name = changed.event.value
                is_over = True
            case PressRejected(notice, _, changed):
                name = notice.code
                is_over = changed is not None or name == presses.PRESS_LATE.code
                replies.append(ephemeral_of(interaction, notice))
        if changed is not None:
            changes += [changed, *card_reply(interaction, changed.purge, now)]
        if isinstance(result, PressRejected) and self._refusals.may_store(interaction.user_id):
            changes.append(result.entry)
        if interaction.aside and is_over:  # only they see the message with the button
            replies.append(replace(ephemeral_of(interaction, Notice(STATUS)), route=Route.REPLACE))
        if not self._store.apply(*changes, NewPosts(tuple(replies), now)):
            return False
        log.info(name, purge=interaction.purge_id, user=interaction.user_id)
        return True

    def form_shown(self, interaction: Interaction, *, opened: bool) -> None:
        """Record that the form of a denial was opened, or tell the presser that it was not."""
        now, policy_hash = self.now(), self._rules().policy_hash
        if not opened:
            self._reject(interaction, Notice(presses.FORM_NOT_OPENED.code), policy_hash)
            return
        entry = press_entry(
            interaction, InteractionKind.DENY_FORM.value, None, None, now, policy_hash
        )
        self._store.apply(InteractionAnswered(interaction.trigger_id), entry)
        log.info(entry.event, purge=interaction.purge_id, user=interaction.user_id)

    def leave_unchecked(self, interaction: Interaction, *, lasting: bool) -> None:
        """Answer a press whose person Slack did not return.  It changes nothing."""
        kind = presses.PRESS_LOOKUP_REFUSED if lasting else presses.PRESS_RIGHTS_UNKNOWN
        self._reject(interaction, Notice(kind.code), None)

    def help(self, interaction: Interaction, actor: Actor) -> None:
        """Answer a saved `/purge help`."""
        self._reject(interaction, self.help_notice(actor, interaction.text), None)

    def help_notice(self, actor: Actor, topic: str | None) -> Notice:
        """Return the answer to `/purge help`: what this person may do."""
        return rulings.help_notice(self._rules().policy, actor, topic)

    def _reject(self, interaction: Interaction, notice: Notice, policy_hash: str | None) -> None:
        now = self.now()
        self._save(
            interaction, presses.rejected(interaction, notice, policy_hash, now), now, is_new=False
        )

"""The requests of people: each request is one decision, saved in one transaction.

Nothing here waits for a network.  Facts about people are arguments (`Actor`).  If they are not
cached, the row is due at once, and the worker decides with the facts.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from bot.core.command.parser import PurgeCommand, format_command
from bot.core.decisions import requests, rulings
from bot.core.decisions.presses import pressed
from bot.core.decisions.requests import RequestFacts, authorize_request
from bot.core.decisions.rulings import Rules
from bot.core.decisions.transition import (
    Transition,
    ephemeral_of,
    requested,
    suggestion_of,
    transition,
)
from bot.core.errors import InputError
from bot.core.interaction import Interaction, InteractionKind, Origin
from bot.core.message import Notice, Post
from bot.core.policy.approvers import Roster, Traffic
from bot.core.policy.decision import Actor
from bot.core.policy.fields import Action
from bot.core.policy.quorum import needs_of
from bot.core.purge.joining import Related
from bot.core.purge.purge import Choice, Event, Purge, PurgeRequest, State
from bot.core.purge.signatures import ApprovalKeys
from bot.store.change import CardReply, InteractionAnswered, NewPosts
from bot.store.store import Store
from bot.workflow.refusals import RefusalLimit

log = structlog.get_logger("purgebot.workflow")

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

Who = Callable[[str], Actor | None]
"""Returns a person with the facts that matter to a domain; None if Slack does not return them."""


@dataclass(eq=False)
class PurgeRequests:
    """Takes requests by the current `rules`.  `account`: the known domains of the CDN account.

    `refusals` says which refusals are stored.
    """

    _store: Store
    rules: Callable[[], Rules]
    now: Callable[[], datetime]
    _account: Callable[[], Sequence[str]]
    _refusals: RefusalLimit

    def takes_approval(self, command: PurgeCommand) -> bool:
        """Return whether the command needs approvals, by the policy now.

        Raises: InputError if the command skips an approval that it does not need.
        """
        asks = self.requires_approval(command)
        if command.break_glass and not command.force and not asks:
            corrected = format_command(replace(command, force=True))
            raise InputError(requests.BREAK_GLASS_NOT_NEEDED, corrected=corrected)
        return asks

    def requires_approval(self, command: PurgeCommand) -> bool:
        """Return whether the command needs approvals, by the policy now."""
        action = Action.FORCE if command.force else Action.PURGE
        return bool(needs_of(self.rules().policy, action, command.domain, command.tags).quorums)

    def request(
        self,
        command: PurgeCommand,
        origin: Origin,
        actor: Actor | None,
        roster: Roster,
        answered: str | None = None,
        told: tuple[Post, ...] = (),
        known: Actor | None = None,
    ) -> Purge | None:
        """Save a command, with the decision if the facts about the person are given.

        `answered` is the trigger ID of the interaction that it results from; `told` are posts to
        save with it.  `known` are facts that may be too old to decide by, unless they refuse.
        None: the command was saved before, because Slack delivered it twice.
        Raises: InputError if it is refused and no more refusals of this person are stored;
        StoreUnavailable.  Then nothing was saved, unless the kind is `store-slow`.
        """
        rules, now = self.rules(), self.now()
        purge = new_purge(command, origin, now, rules.keys)
        decided = None if actor is None else self._decided(purge, rules, actor, roster, now)
        self._check_limits(purge, decided, known, roster)
        begun = requested(purge, origin.response_url, decided)
        if answered is None and begun.purge.state is State.REFUSED:
            begun = replace(begun, messages=())  # the acknowledgement tells it
        done = () if answered is None else (InteractionAnswered(answered),)
        if not self._store.apply(*done, begun, NewPosts(told, now)):
            log.info("command-delivered-twice", user=origin.user_id)
            return None
        return begun.purge

    def _check_limits(
        self, purge: Purge, decided: Transition | None, known: Actor | None, roster: Roster
    ) -> None:
        """Check that a request is to be stored.  Raises: InputError, StoreUnavailable."""
        rules, user_id = self.rules(), purge.user_id
        if decided is None:  # it would be stored first, and decided on later
            most = rules.limits.requests_a_minute
            ids = {user_id}
            load = self._store.related_purges.load(purge, ids, lately=bool(most), today=False)
            if most and load.requests >= most:
                raise InputError(requests.TOO_MANY_REQUESTS, most=str(most))
            if known is None or not self._refusals.is_reached(user_id):
                return
            decided = self._decided(purge, rules, known, roster, self.now())
        refusal = decided.purge.refusal
        if refusal is not None and not self._refusals.may_store(user_id):
            most = self._refusals.most
            raise InputError(requests.REFUSED_TOO_OFTEN, why=refusal.sentence, most=str(most))

    def decide(self, purge: Purge, actor: Actor, roster: Roster, owner: str, who: Who) -> None:
        """Decide on a request that was saved without the facts about its person.

        `actor` has the facts for the purge's domain; `who` returns those for another domain.
        """
        decided = self._decided(purge, self.rules(), actor, roster, self.now(), who)
        if self._store.apply(decided, owner=owner) and decided.purge.state is State.REFUSED:
            self._refusals.may_store(purge.user_id)  # it is stored, and counts

    def follow_up(
        self, interaction: Interaction, purge: Purge, actor: Actor, roster: Roster
    ) -> bool:
        """Create the request that a press on a card asks for: the same again, or a forced one.

        It is a request like any other, by the presser.  False if another one was first.
        """
        rules, now = self.rules(), self.now()
        origin: Origin = interaction
        if purge.channel_id in rules.shared_channels and interaction.channel_id.startswith("D"):
            # It was pressed on a card that only they see, so this one is for their eyes alone too.
            origin = replace(interaction, channel_id=purge.channel_id)
        by_force = interaction.kind is InteractionKind.ESCALATE
        command = PurgeCommand(
            purge.domain, purge.tags, force=purge.force or by_force, reason=purge.reason
        )
        wished = new_purge(command, origin, now, rules.keys).replace(follows=purge.id)
        decided = self._decided(wished, rules, actor, roster, now)
        begun = requested(wished, interaction.response_url, decided)
        done = InteractionAnswered(interaction.trigger_id)
        try:
            self._check_limits(wished, decided, None, roster)
        except InputError as refused:
            told = ephemeral_of(interaction, Notice(refused.info.code, refused.info.facts))
            return self._store.apply(done, NewPosts((told,), now))
        if begun.purge.state is State.REFUSED:
            return self._store.apply(done, begun)
        choice = Choice(
            "force" if by_force else interaction.kind.value, interaction.user_id, now, wished.id
        )
        chosen = transition(purge, Event.CHOOSE, now, choice=choice)
        chosen = pressed(interaction, chosen, begun.purge.policy_hash, now)
        chosen = replace(chosen, reschedules=False)
        return self._store.apply(done, begun, chosen, *card_reply(interaction, purge, now))

    def _decided(
        self,
        purge: Purge,
        rules: Rules,
        actor: Actor,
        roster: Roster,
        now: datetime,
        who: Who | None = None,
    ) -> Transition:
        facts = self._facts(purge, rules, actor, roster, now)
        decided = authorize_request(purge, rules, facts, now)
        refusal = decided.purge.refusal
        if refusal is None or refusal.code != rulings.NO_RULE:
            return decided
        meant = self.suggested_domain(decided.purge, who or (lambda _: actor))
        return replace(decided, purge=decided.purge.replace(suggestion=meant))

    def suggested_domain(self, purge: PurgeRequest, who: Who) -> str | None:
        """Return the domain that the requester may have meant, or None."""
        return rulings.suggested_domain(purge, self.rules().policy, self._account(), who)

    def suggest(self, purge: Purge, domain: str) -> None:
        """Tell only the requester which domain they may have meant.  Raises: StoreUnavailable."""
        now = self.now()
        self._store.apply(NewPosts((suggestion_of(purge.replace(suggestion=domain), now),), now))

    def _facts(
        self, purge: Purge, rules: Rules, actor: Actor, roster: Roster, now: datetime
    ) -> RequestFacts:
        """Read the facts for a decision from the database, but only those that the rules use."""
        beside, limits = self._store.related_purges, rules.limits
        requires_approval = rulings.requires_approval(purge, rules.policy)
        related = beside.related(purge, now) if rules.join_window else Related()
        ids = actor.ids | purge.requester_ids
        return RequestFacts(
            actor,
            roster,
            beside.traffic(purge.domain, now) if requires_approval else Traffic(),
            related,
            beside.load(
                purge,
                ids,
                lately=bool(limits.requests_a_minute) or requires_approval,
                today=requires_approval or related != Related(),
            ),
        )


def card_reply(interaction: Interaction, purge: Purge, now: datetime) -> tuple[CardReply, ...]:
    """Return the response URL of a press on a card, as a change to save; () for other presses."""
    in_channel = interaction.channel_id == purge.channel_id and not interaction.aside
    on_card = in_channel and interaction.kind is not InteractionKind.DENY
    return (CardReply(purge.id, interaction.response_url, now),) if on_card else ()


def new_purge(command: PurgeCommand, origin: Origin, now: datetime, keys: ApprovalKeys) -> Purge:
    """Return the purge that a command asks for, signed if there is a key."""
    purge = Purge(
        id=new_purge_id(now),
        trigger_id=origin.trigger_id,
        team_id=origin.team_id,
        channel_id=origin.channel_id,
        user_id=origin.user_id,
        domain=command.domain,
        tags=command.tags,
        force=command.force,
        reason=command.reason,
        break_glass=command.break_glass,
        requested_at=now,
    )
    return purge.replace(signature=keys.sign_request(purge))


def new_purge_id(now: datetime) -> str:
    """Return an ID that sorts by time and is easy to read aloud: `P` and 13 characters.

    Nine characters encode the milliseconds since 1970, four are random.  Letters that look like
    digits are not used.
    """
    number = (int(now.timestamp() * 1000) << 20) | secrets.randbits(20)
    digits = [_CROCKFORD[(number >> shift) & 31] for shift in range(60, -1, -5)]
    return "P" + "".join(digits)

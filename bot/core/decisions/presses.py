"""Decide whether a press counts, and what it changes.  Of simultaneous presses, one wins.

signature does not match                   rejected
unknown purge, or of another workspace     rejected
too late                                   rejected, with what happened in the meantime
Run it then, Leave it                      by the requester, or anybody who may purge the same
Purge again, Request a forced purge        becomes a request of its own, decided like any other
Cancel, while it waits                     by the requester only
Cancel, after an approval                  by the requester, or anybody who could have denied it
Approve, Deny                              by another person who may approve, and is asked
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from bot.core.audit import AuditEntry
from bot.core.decisions.clock import expired
from bot.core.decisions.rulings import Rules, action_of, needs_for
from bot.core.decisions.transition import Transition, press_entry, transition
from bot.core.errors import ErrorKind
from bot.core.interaction import Interaction, InteractionKind
from bot.core.message import Notice
from bot.core.policy.decision import Actor, Membership, decide_all, roles_held
from bot.core.policy.document import Policy
from bot.core.policy.fields import Action
from bot.core.policy.quorum import Approval
from bot.core.purge.purge import Choice, Event, Facts, Purge, PurgeRequest, State

PRESS_LATE = ErrorKind(
    code="press-late",
    message="Too late: this request is {state} already. Your press changed nothing.",
    hint="The card shows what happened to it.",
)
PRESS_OWN = ErrorKind(
    code="press-own-request",
    message="This is your own request: somebody else has to decide on it. "
    "Your press changed nothing.",
    hint="These may decide: {holders}.",
)
PRESS_NOT_ALLOWED = ErrorKind(
    code="press-not-allowed",
    message="You may not decide on this. {sentence} Your press changed nothing.",
    hint="These may decide: {holders}.",
)
PRESS_AGAIN = ErrorKind(
    code="press-approved-already",
    message="You have approved this already; it takes {needs}. Your press changed nothing.",
    hint="Somebody else has to approve as well.",
)
PRESS_NOT_YOURS = ErrorKind(
    code="press-not-your-request",
    message="Only its requester can cancel a request. Your press changed nothing.",
    hint="Ask {holders}, or press Deny if you may decide.",
)
FORM_NOT_OPENED = ErrorKind(
    code="deny-form-not-opened",
    message="I could not open the form for your reason in time, so nothing was denied yet.",
    hint="Press Deny again.",
    retryable=True,
)
PRESS_UNKNOWN = ErrorKind(
    code="press-unknown-request",
    message="This button belongs to a request that I do not know. Your press changed nothing.",
    hint="If the purge is still wanted, ask for it again with /purge.",
)
FORM_UNKNOWN = ErrorKind(
    code="form-unknown",
    message="I do not know any more where this form was opened, so it changed nothing.",
    hint="Close it, and press the button on the card again.",
)
PRESS_RIGHTS_UNKNOWN = ErrorKind(
    code="press-rights-unknown",
    message="Slack did not tell me in time who you are and which groups you are in, "
    "so your press could not be checked and changed nothing.",
    hint="Press again in a minute.",
    retryable=True,
)

PRESS_LOOKUP_REFUSED = ErrorKind(
    code="press-lookup-refused",
    message="Slack does not let me look up who you are and which groups you are in, "
    "so I could not check your rights, and nothing was changed.",
    hint="It does not pass by itself. Tell the operators of Purgebot: /readyz and its log name what "
    "Slack refuses.",
)
PRESS_DOUBTFUL = ErrorKind(
    code="press-doubtful",
    message="What my database says of a press in your name does not fit its signature, so it changed "
    "nothing.",
    hint="If it was you who pressed, press again. If not, tell the operators of Purgebot.",
)

NOT_ASKED = "You may approve here, but this request asks for the yes of others."

STATE_WORDS: dict[State, str] = {
    State.REQUESTED: "being checked",
    State.REFUSED: "refused",
    State.WAITING: "waiting",
    State.DENIED: "denied",
    State.EXPIRED: "expired",
    State.CANCELLED: "cancelled",
    State.READY: "approved",
    State.SENDING: "approved",
    State.HELD: "held until the CDN takes it",
    State.OFFERED: "stopped, because the day's quota is used up",
    State.JOINED: "joined to another one",
    State.QUEUED: "queued behind another one",
    State.SUBMITTED: "sent",
    State.RUNNING: "sent and running",
    State.COMPLETE: "complete",
    State.UNREPORTED: "sent long ago",
    State.FAILED: "sent, and failed",
    State.UNKNOWN: "at its end, with an unknown outcome",
}


@dataclass(frozen=True, slots=True)
class PressRejected:
    """The press changes nothing, and the presser is told why.  `entry` is for the audit trail.

    `expired`: the transition that ends the request, if the press is the first to find it expired.
    """

    notice: Notice
    entry: AuditEntry
    expired: Transition | None = None


@dataclass(frozen=True, slots=True)
class PressLeadsOn:
    """The press is allowed and leads to a form or to another request."""

    purge: Purge


PressResult = Transition | PressRejected | PressLeadsOn
"""A Transition means that the press counts and changes its purge."""


@dataclass(frozen=True, slots=True)
class _Press:
    """A press, its purge, and the facts to judge it by."""

    interaction: Interaction
    purge: Purge
    rules: Rules
    actor: Actor
    now: datetime

    def changes(self, event: Event, facts: Facts) -> Transition:
        result = transition(self.purge, event, self.now, **facts)
        return pressed(self.interaction, result, self.rules.policy_hash, self.now)

    def decided(self, event: Event, facts: Facts) -> Transition:
        who: Facts = {
            "decided_by": self.interaction.user_id,
            "decided_at": self.now,
            "policy_hash": self.rules.policy_hash,
        }
        return self.changes(event, {**who, **facts})

    def rejected(self, kind: ErrorKind, **facts: str) -> PressRejected:
        return rejected(
            self.interaction, Notice(kind.code, facts), self.rules.policy_hash, self.now
        )


def decide_press(
    interaction: Interaction, purge: Purge | None, rules: Rules, actor: Actor, now: datetime
) -> PressResult:
    """Decide whether a press on a card counts, and what it changes.

    For a press that needs no rights, only the IDs of `actor` are used: cancelling needs none but
    being the requester.  The keys of `rules` verify the press and sign an approval.
    """
    policy_hash = rules.policy_hash
    if not rules.keys.verify_press(interaction):
        return rejected(interaction, Notice(PRESS_DOUBTFUL.code), policy_hash, now)
    if purge is None or purge.team_id != interaction.team_id:
        return rejected(interaction, Notice(PRESS_UNKNOWN.code), policy_hash, now)
    if purge.state is State.WAITING and purge.expires_at is not None and purge.expires_at <= now:
        ended = expired(purge, now)  # the press is the first to find it expired
        return rejected(interaction, _late(ended.purge), policy_hash, now, ended)
    if not _can_be_pressed(interaction, purge):
        return rejected(interaction, _late(purge), policy_hash, now)
    press = _Press(interaction, purge, rules, actor, now)
    match interaction.kind:
        case InteractionKind.CANCEL:
            return _decide_cancel(press)
        case InteractionKind.POSTPONE | InteractionKind.LEAVE:
            return _decide_choice(press)
        case InteractionKind.AGAIN | InteractionKind.ESCALATE:
            return PressLeadsOn(purge)
        case _:
            return _decide_vote(press)


def pressed(
    interaction: Interaction, result: Transition, policy_hash: str | None, now: datetime
) -> Transition:
    """Return the transition with the press as its audit entry."""
    entry = press_entry(interaction, result.event.value, result.purge, None, now, policy_hash)
    return replace(result, audit=(entry,))


def rejected(
    interaction: Interaction,
    notice: Notice,
    policy_hash: str | None,
    now: datetime,
    ended: Transition | None = None,
) -> PressRejected:
    """Reject a press.  `ended` is the transition that ended the purge before it, if any."""
    purge = ended.purge if ended else None
    entry = press_entry(interaction, notice.code, purge, notice, now, policy_hash)
    return PressRejected(notice, entry, ended)


def votes_open_to(
    purge: Purge, policy: Policy, actor: Actor, now: datetime
) -> frozenset[InteractionKind]:
    """Return the presses with which a person can decide on a purge now.

    It is used to choose the buttons to show; `decide_press` decides on the press itself.
    """
    waits = purge.state is State.WAITING and (purge.expires_at is None or purge.expires_at > now)
    if not waits or not actor.ids.isdisjoint(purge.requester_ids):
        return frozenset()
    yes = _approval(actor.user_id, now, actor.channel_id, policy, actor)
    if _why_not(purge, policy, actor, yes):
        return frozenset()
    approved = any(not given.ids.isdisjoint(actor.ids) for given in purge.approvals)
    return frozenset(
        {InteractionKind.DENY_FORM}
        if approved
        else {InteractionKind.APPROVE, InteractionKind.DENY_FORM}
    )


def _can_be_pressed(interaction: Interaction, purge: Purge) -> bool:
    """Return whether the card has this button in the purge's current state."""
    match interaction.kind:
        case InteractionKind.CANCEL:
            cancellable = {State.WAITING, State.HELD, State.OFFERED, State.QUEUED}
            # A press that was in time counts even if it is read later.
            return purge.state in cancellable or purge.can_be_undone(interaction.at)
        case InteractionKind.POSTPONE:
            return purge.state is State.OFFERED
        case InteractionKind.AGAIN | InteractionKind.LEAVE:
            return purge.state is State.UNKNOWN and purge.choice is None
        case InteractionKind.ESCALATE:
            return purge.state is State.COMPLETE and not purge.force and purge.choice is None
        case _:
            return purge.state is State.WAITING


def _decide_choice(press: _Press) -> PressResult:
    """Apply the choice of the requester, or of anybody who could have requested the same."""
    interaction, purge = press.interaction, press.purge
    action = action_of(purge)
    decision = decide_all(press.rules.policy, press.actor, action, purge.domain, purge.tags)
    if not decision.allowed:
        holders = ",".join((purge.user_id, *decision.holders.ids))
        return press.rejected(PRESS_NOT_ALLOWED, sentence=decision.sentence, holders=holders)
    if interaction.kind is InteractionKind.POSTPONE:
        return press.changes(
            Event.POSTPONE, {"decided_by": interaction.user_id, "decided_at": press.now}
        )
    choice = Choice(InteractionKind.LEAVE.value, interaction.user_id, press.now)
    return press.changes(Event.CHOOSE, {"choice": choice})


def _decide_vote(press: _Press) -> PressResult:
    interaction, purge, actor = press.interaction, press.purge, press.actor
    if not actor.ids.isdisjoint(purge.requester_ids):
        return press.rejected(PRESS_OWN, holders=",".join(purge.approvers))
    needs = needs_for(purge, press.rules.policy)
    yes = _approval(
        interaction.user_id, interaction.at, interaction.channel_id, press.rules.policy, actor
    )
    yes = replace(yes, signature=press.rules.keys.sign_approval(purge, yes))
    if why_not := _why_not(purge, press.rules.policy, actor, yes):
        holders = ",".join(purge.approvers)
        return press.rejected(PRESS_NOT_ALLOWED, sentence=why_not, holders=holders)
    if interaction.kind is InteractionKind.DENY_FORM:
        return PressLeadsOn(purge)
    if interaction.kind is InteractionKind.DENY:
        return press.decided(Event.DENY, {"denial": interaction.text})
    if any(not given.ids.isdisjoint(actor.ids) for given in purge.approvals):
        return press.rejected(PRESS_AGAIN, needs=purge.needs or "")
    approvals = (*purge.approvals, yes)
    count, quorum = needs.progress(approvals)
    asked = needs.sentence or purge.needs
    facts: Facts = {
        "approvals": approvals,
        "needs": asked,
        "approvals_counted": count,
        "quorum": quorum,
    }
    if needs.satisfied_by(approvals):
        send_at = press.now + needs.undo if needs.undo else None
        return press.decided(Event.APPROVE, {**facts, "send_at": send_at})
    return press.changes(Event.COUNT, {**facts, "policy_hash": press.rules.policy_hash})


def _approval(
    user_id: str, at: datetime, channel_id: str | None, policy: Policy, actor: Actor
) -> Approval:
    roles = tuple(sorted(roles_held(policy, actor)))
    aliases = tuple(sorted(actor.ids - {user_id}))
    return Approval(user_id, at, roles, channel_id=channel_id, aliases=aliases)


def _why_not(purge: PurgeRequest, policy: Policy, actor: Actor, yes: Approval) -> str | None:
    """Return why a person may not approve or deny this request; None if they may."""
    decision = decide_all(policy, actor, Action.APPROVE, purge.domain, purge.tags)
    if not decision.allowed:
        return decision.sentence
    return None if needs_for(purge, policy).accepts(yes) else NOT_ASKED


def _decide_cancel(press: _Press) -> PressResult:
    """Cancel a request for its requester, who needs no other right.

    After an approval, everybody who could have denied the purge may cancel it as well.
    """
    interaction, purge, actor = press.interaction, press.purge, press.actor
    same_id = not actor.ids.isdisjoint(purge.requester_ids)
    own = same_id and actor.membership is not Membership.OUTSIDER  # equal by chance
    if not own and (purge.state is State.WAITING or purge.needs is None):
        return press.rejected(PRESS_NOT_YOURS, holders=purge.user_id)
    if not own:
        yes = _approval(
            interaction.user_id, interaction.at, interaction.channel_id, press.rules.policy, actor
        )
        if why_not := _why_not(purge, press.rules.policy, actor, yes):
            holders = ",".join((purge.user_id, *purge.approvers))
            return press.rejected(PRESS_NOT_ALLOWED, sentence=why_not, holders=holders)
    return press.decided(Event.CANCEL, {})


def _late(purge: Purge) -> Notice:
    return Notice(PRESS_LATE.code, {"state": STATE_WORDS[purge.state]})

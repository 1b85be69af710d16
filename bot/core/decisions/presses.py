"""Does this press count, and what does it come to?  Of presses at the same moment, one wins.

not as it was signed                       told so
unknown request, or of another workspace   told so
late                                       told what happened meanwhile
Run it then, Leave it                      by the requester, or whoever may purge the same
Purge again, Request a forced purge        a request of its own, decided as any other
Cancel, while it waits                     by the requester alone
Cancel, in the moment before it is sent    by the requester, or whoever could have denied it
Approve, Deny                              by somebody else who may approve, and is asked
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
    """The press changes nothing, and the presser is told why; `entry` is for the audit trail.

    `expired`: the press is the first to see that its request has run out.
    """

    notice: Notice
    entry: AuditEntry
    expired: Transition | None = None


@dataclass(frozen=True, slots=True)
class PressLeadsOn:
    """The press is allowed, and asks for more than a change: a form, or another request."""

    purge: Purge


PressResult = Transition | PressRejected | PressLeadsOn
"""A transition: the press counts, and changes its purge."""


@dataclass(frozen=True, slots=True)
class _Press:
    """A press, on what, and what it is judged by."""

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
    """Decide whether a press on a card counts, and what it comes to.

    Of `actor` only the IDs are looked at where no rights matter: to cancel takes none but being the
    requester.  The keys of the `rules` verify the press, and sign an approval.
    """
    policy_hash = rules.policy_hash
    if not rules.keys.verify_press(interaction):
        return rejected(interaction, Notice(PRESS_DOUBTFUL.code), policy_hash, now)
    if purge is None or purge.team_id != interaction.team_id:
        return rejected(interaction, Notice(PRESS_UNKNOWN.code), policy_hash, now)
    if purge.state is State.WAITING and purge.expires_at is not None and purge.expires_at <= now:
        ended = expired(purge, now)  # the press is the first to see it
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
    """Give a transition as the press that led to it stands in the audit trail."""
    entry = press_entry(interaction, result.event.value, result.purge, None, now, policy_hash)
    return replace(result, audit=(entry,))


def rejected(
    interaction: Interaction,
    notice: Notice,
    policy_hash: str | None,
    now: datetime,
    ended: Transition | None = None,
) -> PressRejected:
    """Have a press change nothing but what had `ended` before it, and its presser told why."""
    purge = ended.purge if ended else None
    entry = press_entry(interaction, notice.code, purge, notice, now, policy_hash)
    return PressRejected(notice, entry, ended)


def votes_open_to(
    purge: Purge, policy: Policy, actor: Actor, now: datetime
) -> frozenset[InteractionKind]:
    """Give with which presses somebody could decide on a purge, by the facts of this moment.

    For what they are shown; at the press `decide_press` decides.
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
    """Whether the card as it is now has such a button."""
    match interaction.kind:
        case InteractionKind.CANCEL:
            cancellable = {State.WAITING, State.HELD, State.OFFERED, State.QUEUED}
            # A press that came in time counts, though it was read only after that time.
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
    """Its requester, or whoever could have asked for the same, says what should follow."""
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
    """Give why somebody has no say in this request; None if they have."""
    decision = decide_all(policy, actor, Action.APPROVE, purge.domain, purge.tags)
    if not decision.allowed:
        return decision.sentence
    return None if needs_for(purge, policy).accepts(yes) else NOT_ASKED


def _decide_cancel(press: _Press) -> PressResult:
    """The requester may take a request back; it takes no other right.

    When it was granted and is about to be sent, those who could have denied it may stop it too.
    """
    interaction, purge, actor = press.interaction, press.purge, press.actor
    same_id = not actor.ids.isdisjoint(purge.requester_ids)
    own = same_id and actor.membership is not Membership.OUTSIDER  # whose ID may be alike by chance
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

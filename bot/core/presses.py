"""Does this press count, and what does it come to?  Of presses at the same moment, one wins.

unknown request, or of another workspace   told so
late                                       told what happened meanwhile
Run it then, Leave it                      by the requester, or whoever may purge the same
Purge again, Request a forced purge        a request of its own: `Workflow` rules on it
Cancel, while it waits                     by the requester alone
Cancel, in the moment before it is sent    by the requester, or whoever could have denied it
Approve, Deny                              by somebody else who may approve, and is asked
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.core.approval import Needs, Yes, needs_of
from bot.core.ask import Ask, AskKind
from bot.core.errors import ErrorKind
from bot.core.policy import Action, Actor, Policy, decide_all, roles_held
from bot.core.post import Notice
from bot.core.purge import Choice, Event, Purge, State, advance
from bot.core.rulings import action_of

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
PRESS_RIGHTS_UNKNOWN = ErrorKind(
    code="press-rights-unknown",
    message="Slack did not tell me in time who you are and which groups you are in, "
    "so your press could not be checked and changed nothing.",
    hint="Press again in a minute.",
    retryable=True,
)

KINDS = (
    PRESS_LATE,
    PRESS_OWN,
    PRESS_NOT_ALLOWED,
    PRESS_AGAIN,
    PRESS_NOT_YOURS,
    FORM_NOT_OPENED,
    PRESS_UNKNOWN,
    PRESS_RIGHTS_UNKNOWN,
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
    State.SUBMITTED: "sent",
    State.RUNNING: "sent and running",
    State.COMPLETE: "complete",
    State.UNREPORTED: "sent long ago",
    State.FAILED: "sent, and failed",
    State.UNKNOWN: "at its end, with an unknown outcome",
}


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a press came to: the purge if it changed, a notice for the presser if there is one,
    and the name under which the audit trail keeps it.
    """

    purge: Purge | None
    notice: Notice | None
    event: str


def rule_on_press(
    ask: Ask, purge: Purge | None, policy: Policy, policy_hash: str, actor: Actor, now: datetime
) -> Ruling:
    """Decide whether a press on Approve, Deny or Cancel counts, and what it comes to.

    `actor` is only looked at where rights matter; to cancel takes none but being the requester.
    """
    if purge is None or purge.team_id != ask.team_id:
        return _told(PRESS_UNKNOWN)
    if purge.state is State.WAITING and purge.expires_at is not None and purge.expires_at <= now:
        expired = advance(purge, Event.EXPIRE, now)
        return Ruling(expired, _late(expired), PRESS_LATE.code)
    if not _can_be_pressed(ask.kind, purge, now):
        return Ruling(None, _late(purge), PRESS_LATE.code)
    match ask.kind:
        case AskKind.CANCEL:
            return _rule_on_cancel(ask, purge, policy, policy_hash, actor, now)
        case AskKind.POSTPONE | AskKind.LEAVE:
            return _rule_on_choice(ask, purge, policy, actor, now)
        case AskKind.AGAIN | AskKind.ESCALATE:
            return Ruling(None, None, ask.kind.value)
        case _:
            return _rule_on_vote(ask, purge, policy, policy_hash, actor, now)


def _can_be_pressed(kind: AskKind, purge: Purge, now: datetime) -> bool:
    """Whether the card as it is now has such a button."""
    match kind:
        case AskKind.CANCEL:
            cancellable = {State.WAITING, State.HELD, State.OFFERED}
            return purge.state in cancellable or purge.can_be_undone(now)
        case AskKind.POSTPONE:
            return purge.state is State.OFFERED
        case AskKind.AGAIN | AskKind.LEAVE:
            return purge.state is State.UNKNOWN and purge.choice is None
        case AskKind.ESCALATE:
            return purge.state is State.COMPLETE and not purge.force and purge.choice is None
        case _:
            return purge.state is State.WAITING


def _rule_on_choice(ask: Ask, purge: Purge, policy: Policy, actor: Actor, now: datetime) -> Ruling:
    """Its requester, or whoever could have asked for the same, says what should follow."""
    decision = decide_all(policy, actor, action_of(purge), purge.domain, purge.tags)
    if not decision.allowed:
        holders = ",".join((purge.user_id, *decision.holders.ids))
        return _told(PRESS_NOT_ALLOWED, sentence=decision.sentence, holders=holders)
    if ask.kind is AskKind.POSTPONE:
        facts: dict[str, Any] = {"decided_by": ask.user_id, "decided_at": now}
        return Ruling(advance(purge, Event.POSTPONE, now, **facts), None, Event.POSTPONE.value)
    choice = Choice(AskKind.LEAVE.value, ask.user_id, now)
    return Ruling(advance(purge, Event.CHOOSE, now, choice=choice), None, Event.CHOOSE.value)


def _rule_on_vote(
    ask: Ask, purge: Purge, policy: Policy, policy_hash: str, actor: Actor, now: datetime
) -> Ruling:
    if ask.user_id == purge.user_id:
        return _told(PRESS_OWN, holders=",".join(purge.approvers))
    needs = needs_of(policy, action_of(purge), purge.domain, purge.tags)
    yes = Yes(ask.user_id, ask.at, tuple(sorted(roles_held(policy, actor))))
    if why_not := _why_not(purge, policy, needs, actor, yes):
        return _told(PRESS_NOT_ALLOWED, sentence=why_not, holders=",".join(purge.approvers))
    if ask.kind is AskKind.DENY_FORM:
        return Ruling(None, None, AskKind.DENY_FORM.value)
    if ask.kind is AskKind.DENY:
        return _decided(purge, Event.DENY, ask, policy_hash, now, denial=ask.said)
    if any(given.user_id == ask.user_id for given in purge.yeses):
        return _told(PRESS_AGAIN, needs=purge.needs or "")
    yeses = (*purge.yeses, yes)
    counted, quorum = needs.progress(yeses)
    asked = needs.sentence or purge.needs
    facts = {"yeses": yeses, "needs": asked, "counted": counted, "quorum": quorum}
    if needs.met_by(yeses):
        send_at = now + needs.undo if needs.undo else None
        return _decided(purge, Event.APPROVE, ask, policy_hash, now, send_at=send_at, **facts)
    counted_in = advance(purge, Event.COUNT, now, policy_hash=policy_hash, **facts)
    return Ruling(counted_in, None, Event.COUNT.value)


def _why_not(purge: Purge, policy: Policy, needs: Needs, actor: Actor, yes: Yes) -> str | None:
    """Give why somebody has no say in this request; None if they have."""
    decision = decide_all(policy, actor, Action.APPROVE, purge.domain, purge.tags)
    if not decision.allowed:
        return decision.sentence
    return None if needs.takes(yes) else NOT_ASKED


def _rule_on_cancel(
    ask: Ask, purge: Purge, policy: Policy, policy_hash: str, actor: Actor, now: datetime
) -> Ruling:
    """The requester may take a request back; it takes no other right.

    When it was granted and is about to be sent, those who could have denied it may stop it too.
    """
    own = ask.user_id == purge.user_id and ask.user_team_id == purge.team_id
    if not own and (purge.state is State.WAITING or purge.needs is None):
        return _told(PRESS_NOT_YOURS, holders=purge.user_id)
    if not own:
        needs = needs_of(policy, action_of(purge), purge.domain, purge.tags)
        yes = Yes(ask.user_id, now, tuple(sorted(roles_held(policy, actor))))
        if why_not := _why_not(purge, policy, needs, actor, yes):
            holders = ",".join((purge.user_id, *purge.approvers))
            return _told(PRESS_NOT_ALLOWED, sentence=why_not, holders=holders)
    return _decided(purge, Event.CANCEL, ask, policy_hash, now)


def _decided(
    purge: Purge, event: Event, ask: Ask, policy_hash: str, now: datetime, **facts: Any
) -> Ruling:
    decided = advance(
        purge,
        event,
        now,
        decided_by=ask.user_id,
        decided_at=now,
        policy_hash=policy_hash,
        **facts,
    )
    return Ruling(decided, None, event.value)


def _told(kind: ErrorKind, **facts: str) -> Ruling:
    """The press changes nothing, and the presser is told why."""
    return Ruling(None, Notice(kind.code, facts), kind.code)


def _late(purge: Purge) -> Notice:
    return Notice(PRESS_LATE.code, {"state": STATE_WORDS[purge.state]})

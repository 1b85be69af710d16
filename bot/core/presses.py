"""Does this press count, and what does it come to?  Of presses at the same moment, one wins.

unknown request, or of another workspace   told so
late                                       told what happened meanwhile
Cancel                                     by the requester alone
Approve, Deny                              by somebody else who may approve, and is asked
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.core.approval import Yes, needs_of
from bot.core.ask import Ask, AskKind
from bot.core.errors import ErrorKind
from bot.core.policy import Action, Actor, Policy, decide_all, roles_held
from bot.core.post import Notice
from bot.core.purge import Event, Purge, State, advance
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
    message="You may not decide on this request. {sentence} Your press changed nothing.",
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
    State.CANCELLED: "cancelled by its requester",
    State.READY: "approved",
    State.SENDING: "approved",
    State.SUBMITTED: "approved and sent",
    State.FAILED: "approved, but the CDN refused it",
    State.UNKNOWN: "approved and sent, with an unknown outcome",
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
    if purge.state is not State.WAITING:
        return Ruling(None, _late(purge), PRESS_LATE.code)
    if ask.kind is AskKind.CANCEL:
        return _rule_on_cancel(ask, purge, now)
    return _rule_on_vote(ask, purge, policy, policy_hash, actor, now)


def _rule_on_vote(
    ask: Ask, purge: Purge, policy: Policy, policy_hash: str, actor: Actor, now: datetime
) -> Ruling:
    if ask.user_id == purge.user_id:
        return _told(PRESS_OWN, holders=",".join(purge.approvers))
    decision = decide_all(policy, actor, Action.APPROVE, purge.domain, purge.tags)
    needs = needs_of(policy, action_of(purge), purge.domain, purge.tags)
    yes = Yes(ask.user_id, now, tuple(sorted(roles_held(policy, actor))))
    if not decision.allowed or not needs.takes(yes):
        sentence = NOT_ASKED if decision.allowed else decision.sentence
        return _told(PRESS_NOT_ALLOWED, sentence=sentence, holders=",".join(purge.approvers))
    if ask.kind is AskKind.DENY:
        return _decided(purge, Event.DENY, ask, policy_hash, now)
    if any(given.user_id == ask.user_id for given in purge.yeses):
        return _told(PRESS_AGAIN, needs=purge.needs or "")
    yeses = (*purge.yeses, yes)
    counted, quorum = needs.progress(yeses)
    facts = {"yeses": yeses, "needs": needs.sentence, "counted": counted, "quorum": quorum}
    if needs.met_by(yeses):
        return _decided(purge, Event.APPROVE, ask, policy_hash, now, **facts)
    counted_in = advance(purge, Event.COUNT, now, policy_hash=policy_hash, **facts)
    return Ruling(counted_in, None, Event.COUNT.value)


def _rule_on_cancel(ask: Ask, purge: Purge, now: datetime) -> Ruling:
    """The requester may take a request back as long as it waits; it takes no other right."""
    if ask.user_id != purge.user_id or ask.user_team_id != purge.team_id:
        return _told(PRESS_NOT_YOURS, holders=purge.user_id)
    return Ruling(advance(purge, Event.CANCEL, now), None, Event.CANCEL.value)


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

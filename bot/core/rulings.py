"""The two decisions that people wait for: may this purge go on, and does this press count?

Both are pure: the facts about the person, the policy and the moment come in as values.  What
comes out is the purge as it is afterwards and what to tell; saving it is the workflow's part.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.core.ask import Ask, AskKind
from bot.core.errors import ErrorKind
from bot.core.policy import Action, Actor, Decision, Policy, approvers, decide_all, domains_for
from bot.core.post import Notice
from bot.core.purge import Event, Purge, Refusal, State, advance

HELP = "help"
"""The code of the notice that answers `/purge help`."""

NO_APPROVER = ErrorKind(
    code="no-approver",
    message="Nobody but you could approve this forced purge, so it was not started.",
    hint="Ask the owners of the policy to give somebody else the right to approve for this domain, "
    "or purge without --force.",
)
RIGHTS_UNKNOWN = ErrorKind(
    code="rights-unknown",
    message="Slack did not tell me in time who you are and which groups you are in, "
    "so I could not check your rights: nothing was purged.",
    hint="Try again in a minute.",
    retryable=True,
)
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
SEND_INTERRUPTED = ErrorKind(
    code="send-interrupted",
    message="I was stopped in the middle of sending, so I do not know whether the CDN took the "
    "purge. I do not send it again by myself.",
    hint="Look whether the page is fresh. If it is not, ask for the purge again with /purge.",
    in_doubt=True,
)

KINDS = (
    SEND_INTERRUPTED,
    NO_APPROVER,
    RIGHTS_UNKNOWN,
    PRESS_LATE,
    PRESS_OWN,
    PRESS_NOT_ALLOWED,
    PRESS_UNKNOWN,
    PRESS_RIGHTS_UNKNOWN,
)

STATE_WORDS: dict[State, str] = {
    State.REQUESTED: "being checked",
    State.REFUSED: "refused",
    State.WAITING: "waiting",
    State.DENIED: "denied",
    State.EXPIRED: "expired",
    State.READY: "approved",
    State.SENDING: "approved",
    State.SUBMITTED: "approved and sent",
    State.FAILED: "approved, but the CDN refused it",
    State.UNKNOWN: "approved and sent, with an unknown outcome",
}


def rule_on_request(
    purge: Purge, policy: Policy, policy_hash: str, actor: Actor, now: datetime, expiry: timedelta
) -> Purge:
    """Give the purge as the policy leaves it: refused, waiting for approval, or ready to go."""
    known = replace(purge, policy_hash=policy_hash)
    action = Action.FORCE if purge.force else Action.PURGE
    decision = decide_all(policy, actor, action, purge.domain, purge.tags)
    if not decision.allowed:
        return advance(known, Event.REFUSE, now, refusal=refusal_of(decision))
    if not purge.force:
        return advance(known, Event.ALLOW, now)
    who = approvers(policy, purge.domain, purge.tags).ids
    if not set(who) - {purge.user_id}:
        refusal = Refusal(NO_APPROVER.code, NO_APPROVER.message)
        return advance(known, Event.REFUSE, now, refusal=refusal)
    return advance(known, Event.WAIT, now, expires_at=now + expiry, approvers=who)


def rights_unknown(purge: Purge, now: datetime) -> Purge:
    """Give the purge refused because nobody could find out who asked: the bot fails closed."""
    refusal = Refusal(RIGHTS_UNKNOWN.code, RIGHTS_UNKNOWN.message)
    return advance(purge, Event.REFUSE, now, refusal=refusal)


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
    """Decide whether a press on Approve or Deny counts; exactly one press ever does."""
    if purge is None or purge.team_id != ask.team_id:
        return Ruling(None, Notice(PRESS_UNKNOWN.code), PRESS_UNKNOWN.code)
    if purge.state is State.WAITING and purge.expires_at is not None and purge.expires_at <= now:
        expired = advance(purge, Event.EXPIRE, now)
        return Ruling(expired, _late(expired), PRESS_LATE.code)
    if purge.state is not State.WAITING:
        return Ruling(None, _late(purge), PRESS_LATE.code)
    decision = decide_all(policy, actor, Action.APPROVE, purge.domain, purge.tags)
    facts = {"sentence": decision.sentence, "holders": ",".join(purge.approvers)}
    if ask.user_id == purge.user_id:
        return Ruling(None, Notice(PRESS_OWN.code, facts), PRESS_OWN.code)
    if not decision.allowed:
        return Ruling(None, Notice(PRESS_NOT_ALLOWED.code, facts), PRESS_NOT_ALLOWED.code)
    event = Event.APPROVE if ask.kind is AskKind.APPROVE else Event.DENY
    decided = advance(
        purge, event, now, decided_by=ask.user_id, decided_at=now, policy_hash=policy_hash
    )
    return Ruling(decided, None, event.value)


def help_notice(policy: Policy, actor: Actor) -> Notice:
    """Give what a person may do: for each action the domain patterns, joined by commas."""
    allowed = {
        action.value: ",".join(domains_for(policy, actor, action))
        for action in (Action.PURGE, Action.FORCE, Action.APPROVE)
    }
    return Notice(HELP, {action: domains for action, domains in allowed.items() if domains})


def refusal_of(decision: Decision) -> Refusal:
    """Give what a refused person is told: why, and who could say yes."""
    return Refusal(
        decision.reasons[0].code, decision.sentence, decision.needed_roles, decision.holders.ids
    )


def _late(purge: Purge) -> Notice:
    return Notice(PRESS_LATE.code, {"state": STATE_WORDS[purge.state]})

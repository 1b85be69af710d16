"""May this purge go on?  Asked when it is requested, and once more before it is sent.

Pure: the facts about people, the policy and the moment come in as values; what comes out is the
purge as it is afterwards.  Saving it is the workflow's part.  Presses: `bot.core.presses`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from bot.core.approval import Needs, needs_of
from bot.core.errors import ErrorKind
from bot.core.policy import (
    EVERYBODY,
    Action,
    Actor,
    Decision,
    Policy,
    approving_roles,
    decide_all,
    domains_for,
    holders_of,
    roles_held,
)
from bot.core.post import Notice
from bot.core.purge import Event, Purge, Refusal, advance

HELP = "help"
"""The code of the notice that answers `/purge help`."""
OUTCOME = "outcome"
"""The code of the note that tells the requester how a request that others decided on ended."""
REMINDER = "reminder"
"""The code of the note that calls those who may decide once more."""

NO_APPROVER = ErrorKind(
    code="no-approver",
    message="Nobody but you could approve this purge, so it was not started.",
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
APPROVAL_LOST = ErrorKind(
    code="approval-lost",
    message="It was approved, but before it was sent a right was withdrawn, or the policy came to "
    "ask for more.",
    hint="If the purge is still wanted, ask for it again with /purge.",
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
    APPROVAL_LOST,
)


def action_of(purge: Purge) -> Action:
    return Action.FORCE if purge.force else Action.PURGE


def rule_on_request(
    purge: Purge, policy: Policy, policy_hash: str, actor: Actor, now: datetime
) -> Purge:
    """Give the purge as the policy leaves it: refused, waiting for approval, or ready to go."""
    known = replace(purge, policy_hash=policy_hash)
    decision = decide_all(policy, actor, action_of(purge), purge.domain, purge.tags)
    if not decision.allowed:
        return advance(known, Event.REFUSE, now, refusal=refusal_of(decision, policy))
    needs = needs_of(policy, action_of(purge), purge.domain, purge.tags)
    if not needs.quorums:
        return advance(known, Event.ALLOW, now)
    who = whom_to_ask(policy, purge, needs)
    if not set(who) - {purge.user_id}:
        refusal = Refusal(NO_APPROVER.code, NO_APPROVER.message)
        return advance(known, Event.REFUSE, now, refusal=refusal)
    counted, quorum = needs.progress(())
    return advance(
        known,
        Event.WAIT,
        now,
        expires_at=now + needs.expires_after,
        approvers=who,
        needs=needs.sentence,
        counted=counted,
        quorum=quorum,
    )


def whom_to_ask(policy: Policy, purge: Purge, needs: Needs) -> tuple[str, ...]:
    """Give the Slack IDs of those whose yes can count: they may approve, and are of a role asked."""
    may = approving_roles(policy, purge.domain, purge.tags)
    asked = [role for quorum in needs.quorums for role in (quorum.roles or may)]
    roles = may if EVERYBODY in asked else [role for role in may if role in asked]
    if EVERYBODY in may:  # then everybody of the roles asked may approve
        roles = list(dict.fromkeys(asked))
    return holders_of(policy, roles).ids


def rule_on_sending(
    purge: Purge, policy: Policy, policy_hash: str, actors: Mapping[str, Actor], now: datetime
) -> Purge | None:
    """Look at every right once more before a purge that others approved is sent.

    None: all is well.  Else the purge refused: the requester, or somebody who approved, lost the
    right, or the policy asks for more by now.  `actors` are the requester and all who approved.
    """
    requester = decide_all(
        policy, actors[purge.user_id], action_of(purge), purge.domain, purge.tags
    )
    if not requester.allowed:
        return advance(
            purge, Event.REFUSE, now, refusal=refusal_of(requester, policy), policy_hash=policy_hash
        )
    needs = needs_of(policy, action_of(purge), purge.domain, purge.tags)
    still = [
        replace(yes, roles=tuple(sorted(roles_held(policy, actors[yes.user_id]))))
        for yes in purge.yeses
        if decide_all(policy, actors[yes.user_id], Action.APPROVE, purge.domain, purge.tags).allowed
    ]
    if needs.met_by(still):
        return None
    refusal = Refusal(APPROVAL_LOST.code, APPROVAL_LOST.message)
    return advance(purge, Event.REFUSE, now, refusal=refusal, policy_hash=policy_hash)


def rights_unknown(purge: Purge, now: datetime) -> Purge:
    """Give the purge refused because nobody could find out who asked: the bot fails closed."""
    refusal = Refusal(RIGHTS_UNKNOWN.code, RIGHTS_UNKNOWN.message)
    return advance(purge, Event.REFUSE, now, refusal=refusal)


def help_notice(policy: Policy, actor: Actor) -> Notice:
    """Give what a person may do: for each action the domain patterns, joined by commas."""
    allowed = {
        action.value: ",".join(domains_for(policy, actor, action))
        for action in (Action.PURGE, Action.FORCE, Action.APPROVE)
    }
    return Notice(HELP, {action: domains for action, domains in allowed.items() if domains})


def refusal_of(decision: Decision, policy: Policy) -> Refusal:
    """Give what a refused person is told: why, which role it takes, and who holds it."""
    titles = tuple(policy.roles[role].title for role in decision.needed_roles if role != EVERYBODY)
    return Refusal(decision.reasons[0].code, decision.sentence, titles, decision.holders.ids)

"""May this purge go on?  Asked when it is requested, and once more before it is sent.

Pure: the facts about people, the policy and the moment come in as values; what comes out is the
purge as it is afterwards.  Saving it is the workflow's part.  Presses: `bot.core.presses`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from bot.core.approval import Needs, needs_of
from bot.core.briefing import Briefing, Deciders, Members, Traffic, deciders, peak_of
from bot.core.errors import ErrorKind
from bot.core.policy import (
    EVERYBODY,
    Action,
    Actor,
    Decision,
    Policy,
    Standing,
    decide_all,
    domains_for,
    holders_of,
    roles_held,
)
from bot.core.post import Notice
from bot.core.purge import Event, Purge, Refusal, State, advance

HELP = "help"
"""The code of the notice that answers `/purge help`."""
OUTCOME = "outcome"
"""The code of the note that tells the requester how a request that others decided on ended."""
REMINDER = "reminder"
"""The code of the note that calls those who may decide once more."""
GLASS = "break-glass"
"""The code of the note that tells those who could have decided that the glass was broken."""

NO_APPROVER = ErrorKind(
    code="no-approver",
    message="Nobody but you could approve this purge, so it was not started.",
    hint="Ask the owners of the policy to give somebody else the right to approve for this domain, "
    "or purge without --force.",
)
TOO_FEW_APPROVERS = ErrorKind(
    code="too-few-approvers",
    message="The policy asks for the yes of more people than there are who may approve this purge, "
    "so it was not started.",
    hint="Ask the owners of the policy to give more people the right to approve for this domain, "
    "or purge without --force.",
)
GLASS_NOT_YOURS = ErrorKind(
    code="break-glass-not-allowed",
    message="The policy does not let you skip the approval of this purge, so it was not started.",
    hint="Ask for it without --break-glass, and somebody else can approve it.",
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
SEND_OVERDUE = ErrorKind(
    code="send-overdue",
    message="It was to be sent more than ten minutes before I came to it. If my database was "
    "restored from a backup since then, it was perhaps sent already, so I do not send it by myself.",
    hint="Look whether the page is fresh. If it is not, press Purge again.",
    in_doubt=True,
)

KINDS = (
    SEND_INTERRUPTED,
    SEND_OVERDUE,
    NO_APPROVER,
    TOO_FEW_APPROVERS,
    GLASS_NOT_YOURS,
    RIGHTS_UNKNOWN,
    APPROVAL_LOST,
)


def action_of(purge: Purge) -> Action:
    return Action.FORCE if purge.force else Action.PURGE


def asks_others(purge: Purge, policy: Policy) -> bool:
    """Whether the policy wants the yes of others before this purge."""
    return bool(needs_of(policy, action_of(purge), purge.domain, purge.tags).quorums)


def event_of(ruled: Purge) -> Event:
    """Give what happened to a request that `rule_on_request` has just ruled on."""
    ready = Event.BREAK if ruled.break_glass else Event.ALLOW
    ruled_by = {
        State.REFUSED: Event.REFUSE,
        State.WAITING: Event.WAIT,
        State.READY: ready,
        State.JOINED: Event.JOIN,
    }
    return ruled_by[ruled.state]


_TOLD = frozenset(
    {
        *(Event.DENY, Event.EXPIRE, Event.REJECT, Event.SILENT),
        *(Event.FINISH, Event.FAIL, Event.GIVE_UP, Event.SEARCHED),
    }
)


def tells(purge: Purge, event: Event) -> bool:
    """Whether this is how it went, so that its requester is to be told.

    An answer that was lost may still be found; a refusal at once, and what the requester did
    themselves, they know.
    """
    match event:
        case Event.CANCEL:
            return purge.decided_by != purge.user_id
        case Event.REFUSE:
            return purge.needs is not None or purge.attempt > 0
        case Event.LOSE:
            return purge.joined_to is not None or purge.sent_at is None
        case _:
            return event in _TOLD


def event_of_leader(leader: Purge | None) -> Event | None:
    """Give what happens to a purge that was joined to another; None: that one is still at work."""
    if leader is None:
        return Event.RELEASE
    match leader.state:
        case State.COMPLETE:
            return Event.FINISH
        case State.FAILED:
            return Event.FAIL
        case State.UNREPORTED:
            return Event.GIVE_UP
        case State.UNKNOWN:
            return Event.LOSE if leader.told_at else None  # it may still be found
        case State.CANCELLED | State.REFUSED:
            return Event.RELEASE
        case State.SUBMITTED if leader.told_at:
            return Event.SILENT
        case _:
            return None


def rule_on_request(
    purge: Purge,
    policy: Policy,
    policy_hash: str,
    actor: Actor,
    members: Members,
    traffic: Traffic,
    leader: Purge | None,
    now: datetime,
) -> Purge:
    """Give the purge as the policy leaves it: refused, waiting for approval, or ready to go.

    Where the same is being purged already, by `leader`, it is joined to that one: nothing is sent,
    so nobody has to be asked.
    """
    known = replace(purge, policy_hash=policy_hash)
    decision = decide_all(policy, actor, action_of(purge), purge.domain, purge.tags)
    if not decision.allowed:
        return advance(known, Event.REFUSE, now, refusal=refusal_of(decision, policy))
    if leader is not None:
        return advance(known, Event.JOIN, now, joined_to=leader.id, break_glass=False)
    needs = needs_of(policy, action_of(purge), purge.domain, purge.tags)
    if not needs.quorums:  # there is no glass to break
        return advance(known, Event.ALLOW, now, break_glass=False)
    who = deciders(policy, purge.user_id, purge.domain, purge.tags, needs, members)
    briefing = _briefing(who, needs, peak_of(policy, purge.domain, now), traffic)
    briefed = replace(known, approvers=who.ids, briefing=briefing, needs=needs.sentence)
    if purge.break_glass:
        return _break_glass(briefed, policy, needs, actor, now)
    if not who.enough:
        alone = not who.people and not set(who.ids) - {purge.user_id}
        kind = NO_APPROVER if alone or who.people == 0 else TOO_FEW_APPROVERS
        return advance(known, Event.REFUSE, now, refusal=Refusal(kind.code, kind.message))
    counted, quorum = needs.progress(())
    return advance(
        briefed,
        Event.WAIT,
        now,
        expires_at=now + needs.expires_after,
        counted=counted,
        quorum=quorum,
    )


def _briefing(who: Deciders, needs: Needs, peak: str | None, traffic: Traffic) -> Briefing:
    called = needs.call_groups or who.ids
    return Briefing(who.titles, who.people, called, needs.call_channel, peak, traffic)


def _break_glass(purge: Purge, policy: Policy, needs: Needs, actor: Actor, now: datetime) -> Purge:
    if needs.lets_break_glass(roles_held(policy, actor)):
        return advance(purge, Event.BREAK, now)
    roles = needs.breaking_roles
    titles = tuple(policy.roles[role].title for role in roles if role != EVERYBODY)
    refusal = Refusal(
        GLASS_NOT_YOURS.code, GLASS_NOT_YOURS.message, titles, holders_of(policy, roles).ids
    )
    return advance(purge, Event.REFUSE, now, refusal=refusal, needs=None, briefing=None)


def rule_on_sending(
    purge: Purge, policy: Policy, policy_hash: str, actors: Mapping[str, Actor], now: datetime
) -> Purge | None:
    """Look at every right once more before a purge that takes the yes of others is sent.

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
    if purge.break_glass and needs.lets_break_glass(roles_held(policy, actors[purge.user_id])):
        return None
    still = [
        replace(yes, roles=tuple(sorted(roles_held(policy, actors[yes.user_id]))))
        for yes in purge.yeses
        if decide_all(policy, actors[yes.user_id], Action.APPROVE, purge.domain, purge.tags).allowed
    ]
    if needs.met_by(still) and not purge.break_glass:
        return None
    refusal = Refusal(APPROVAL_LOST.code, APPROVAL_LOST.message)
    return advance(purge, Event.REFUSE, now, refusal=refusal, policy_hash=policy_hash)


def rights_unknown(purge: Purge, now: datetime) -> Purge:
    """Give the purge refused because nobody could find out who asked: the bot fails closed."""
    refusal = Refusal(RIGHTS_UNKNOWN.code, RIGHTS_UNKNOWN.message)
    return advance(purge, Event.REFUSE, now, refusal=refusal)


def help_notice(policy: Policy, actor: Actor) -> Notice:
    """Give what a person may do: for each action the domain patterns, joined by commas; and
    whether they may ask questions, as full members may.
    """
    allowed = {
        action.value: ",".join(domains_for(policy, actor, action))
        for action in (Action.PURGE, Action.FORCE, Action.APPROVE)
    }
    facts = {action: domains for action, domains in allowed.items() if domains}
    return Notice(HELP, facts | ({"asks": "yes"} if actor.standing is Standing.MEMBER else {}))


def refusal_of(decision: Decision, policy: Policy) -> Refusal:
    """Give what a refused person is told: why, which role it takes, and who holds it."""
    titles = tuple(policy.roles[role].title for role in decision.needed_roles if role != EVERYBODY)
    return Refusal(decision.reasons[0].code, decision.sentence, titles, decision.holders.ids)

"""Decide on a request: refused, joined, queued, waiting for approval, or ready.

Functions here are pure: facts about people, the policy and the time are arguments, and the result
is a Transition.  Presses: `bot.core.decisions.presses`; sending:
`bot.core.decisions.authorization`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime

from bot.core.decisions.authorization import RECORD_DOUBTFUL
from bot.core.decisions.rulings import BREAK_GLASS, Rules, action_of, needs_for, refusal_of
from bot.core.decisions.transition import Transition, approval_card_of, thread_reply_of, transition
from bot.core.errors import ErrorInfo, ErrorKind
from bot.core.policy.approvers import (
    MEMBERSHIP_WORDS,
    Briefing,
    Deciders,
    Roster,
    Traffic,
    deciders,
    peak_of,
)
from bot.core.policy.decision import Actor, Membership, decide_all, holders_of, roles_held
from bot.core.policy.document import Policy
from bot.core.policy.quorum import ApprovalRequirements
from bot.core.purge.joining import Related, is_double_submit, wait_until
from bot.core.purge.purge import Event, Purge, PurgeRequest, Refusal

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
NOBODY_CALLED = ErrorKind(
    code="nobody-called",
    message="What is asked for in a shared channel is answered in private, and the policy names no "
    "other channel where people are called to approve it, so this purge was not started.",
    hint="Ask for it in a channel that is not shared, or ask the owners of the policy to name one in "
    "call.",
)
BREAK_GLASS_NOT_ALLOWED = ErrorKind(
    code="break-glass-not-allowed",
    message="The policy does not let you skip the approval of this purge, so it was not started.",
    hint="Ask for it without --break-glass, and somebody else can approve it.",
)
ALREADY_WAITING = ErrorKind(
    code="already-waiting",
    message="The same waits for approval already, so nobody is asked twice.",
    hint="Follow its card: if it is denied or expires, ask again.",
)
BREAK_GLASS_NOT_NEEDED = ErrorKind(
    code="break-glass-not-needed",
    message="--break-glass skips the approval of others, and this plain purge takes none, so it was "
    "not started.",
    hint="Add --force if every edge is to fetch anew, or leave --break-glass out.",
)

TOO_MANY_TAGS = ErrorKind(
    code="too-many-tags",
    message="It has {count} tags, and the policy lets a forced purge have {most}, so that whoever "
    "decides can read them all. It was not started.",
    hint="Split it: ask for several forced purges of fewer tags each.",
)

RIGHTS_UNKNOWN = ErrorKind(
    code="rights-unknown",
    message="Slack did not tell me in time who you are and which groups you are in, "
    "so I could not check your rights: nothing was purged.",
    hint="Try again in a minute.",
    retryable=True,
)
RIGHTS_LOOKUP_REFUSED = ErrorKind(
    code="rights-lookup-refused",
    message="Slack does not let me look up who you are and which groups you are in, "
    "so I could not check your rights: nothing was purged.",
    hint="It does not pass by itself. Tell the operators of Purgebot: /readyz and its log name what "
    "Slack refuses.",
)
TOO_MANY_REQUESTS = ErrorKind(
    code="too-many-requests",
    message="You asked for {most} purges within a minute, so this one was not started.",
    hint="Try again in a minute. One command takes several tags: /purge domain tag,tag.",
    retryable=True,
)
REFUSED_TOO_OFTEN = ErrorKind(
    code="refused-too-often",
    message="{why} That is more than {most} refusals within an hour, so this one is not recorded.",
    hint="Type /purge help to see what you may do, or ask the owners of the policy.",
)
TOO_MANY_WAITING = ErrorKind(
    code="too-many-waiting",
    message="{most} of your requests wait for approval already, so this one was not started.",
    hint="Wait until some are decided, or cancel those that are no longer wanted.",
    retryable=True,
)
TOO_MANY_JOINED = ErrorKind(
    code="too-many-joined",
    message="{most} of your requests wait for purges of the same already, so this one was not "
    "started.",
    hint="Wait until those are done.",
    retryable=True,
)


@dataclass(frozen=True, slots=True)
class Load:
    """The number of a person's other requests.

    `requests` and `asked_others` count the last minute; `waiting` and `joined` count this moment.
    """

    requests: int = 0
    asked_others: int = 0
    waiting: int = 0
    joined: int = 0


@dataclass(frozen=True, slots=True)
class RequestFacts:
    """The facts of a decision on a request: who asks, who could approve, what else runs."""

    actor: Actor
    roster: Roster = field(default_factory=Roster)
    traffic: Traffic = field(default_factory=Traffic)
    related: Related = field(default_factory=Related)
    load: Load = field(default_factory=Load)


def authorize_request(purge: Purge, rules: Rules, facts: RequestFacts, now: datetime) -> Transition:
    """Decide on a request.  The result has a signed purge, if there is a key."""
    policy, actor = rules.policy, facts.actor
    known = purge.replace(
        policy_hash=rules.policy_hash,
        aliases=tuple(sorted(actor.ids - {purge.user_id})),
    )

    def refused(refusal: Refusal) -> Transition:
        return transition(known, Event.REFUSE, now, refusal=refusal)

    if not rules.keys.verify_request(purge):
        return refused(Refusal(RECORD_DOUBTFUL.code, RECORD_DOUBTFUL.message))
    decision = decide_all(policy, actor, action_of(purge), purge.domain, purge.tags)
    if not decision.allowed:
        return refused(refusal_of(decision, policy))
    needs = needs_for(purge, policy)
    if why_not := (
        _exceeded(TOO_MANY_REQUESTS, facts.load.requests, rules.limits.requests_a_minute)
        or _too_many_tags(purge, policy)
        or _needless_glass(purge, needs)
    ):
        return refused(why_not)
    decided = _joined(known, needs, rules, facts, now)
    if decided is None and not needs.quorums:  # there is no approval to skip
        decided = transition(known, Event.ALLOW, now, break_glass=False)
    if decided is None:
        decided = _asks_others(known, needs, rules, facts, now)
    signature = rules.keys.sign_request(decided.purge)
    return replace(decided, purge=decided.purge.replace(signature=signature))


def refuse_unchecked(purge: Purge, now: datetime, *, lasting: bool) -> Transition:
    """Refuse a request, or a sending, because the requester's rights could not be looked up.

    `lasting`: Slack refuses the lookup until somebody changes the app's permissions.
    """
    kind = RIGHTS_LOOKUP_REFUSED if lasting else RIGHTS_UNKNOWN
    return transition(purge, Event.REFUSE, now, refusal=Refusal(kind.code, kind.message))


def _exceeded(kind: ErrorKind, count: int, most: int) -> Refusal | None:
    """Return the refusal if there is a limit (`most` > 0) and `count` has reached it."""
    if not most or count < most:
        return None
    return Refusal(kind.code, ErrorInfo(kind, {"most": str(most)}).message)


def _too_many_tags(purge: PurgeRequest, policy: Policy) -> Refusal | None:
    """Refuse a forced purge with more tags than an approver can read (`policy.max_tags`)."""
    if not purge.force or len(purge.tags) <= policy.max_tags:
        return None
    facts = {"count": f"{len(purge.tags):,}", "most": f"{policy.max_tags:,}"}
    return Refusal(TOO_MANY_TAGS.code, ErrorInfo(TOO_MANY_TAGS, facts).message)


def _needless_glass(purge: Purge, needs: ApprovalRequirements) -> Refusal | None:
    """Refuse to skip an approval that is not needed: the requester believes it is forced."""
    if not purge.break_glass or purge.force or needs.quorums:
        return None
    return Refusal(BREAK_GLASS_NOT_NEEDED.code, BREAK_GLASS_NOT_NEEDED.message)


def _joined(
    purge: Purge, needs: ApprovalRequirements, rules: Rules, facts: RequestFacts, now: datetime
) -> Transition | None:
    """Join the request to an equal one, or queue it behind that one.  Return None to do neither.

    A joined purge is not sent, so it needs no approval.  A queued one is sent later, so a purge
    that needs an approval is not queued.
    """
    other = facts.related
    double = other.sent and is_double_submit(purge, other.sent, rules.join_window)
    duplicate = (None if purge.break_glass else other.unsent) or (other.sent if double else None)
    queued = other.sent if not needs.quorums else None
    if not rules.join_window or (duplicate is None and queued is None):
        return None
    if too_many := _exceeded(TOO_MANY_JOINED, facts.load.joined, rules.limits.joined):
        return transition(purge, Event.REFUSE, now, refusal=too_many)
    if duplicate is not None:
        sent_at = duplicate.sent_at if duplicate is other.sent else None  # not of a past attempt
        return transition(
            purge, Event.JOIN, now, joined_to=duplicate.id, sent_at=sent_at, break_glass=False
        )
    assert queued is not None, "else there is a leader"
    until = wait_until(queued)
    return transition(
        purge, Event.QUEUE, now, joined_to=queued.id, held_until=until, break_glass=False
    )


def _asks_others(
    purge: Purge, needs: ApprovalRequirements, rules: Rules, facts: RequestFacts, now: datetime
) -> Transition:
    """Make a request wait, unless the requester breaks the glass, or it is refused."""
    policy, limits, load = rules.policy, rules.limits, facts.load
    who = deciders(policy, purge.requester_ids, purge.domain, purge.tags, needs, facts.roster)
    peak = peak_of(policy, purge.domain, now)
    called = () if load.asked_others else needs.call_groups or who.ids
    traffic = facts.traffic
    briefing = Briefing(who.titles, who.people, called, needs.call_channel, peak, traffic)
    briefed = purge.replace(
        approvers=who.ids,
        briefing=briefing,
        needs=needs.sentence,
        unreachable=who.unreachable,
    )
    if unseen := _unseen(purge, needs, rules):
        return transition(purge, Event.REFUSE, now, refusal=unseen)
    if purge.break_glass:
        return _break_glass(briefed, policy, needs, facts.actor, now)
    if waiting := facts.related.waiting:
        same = Refusal(ALREADY_WAITING.code, ALREADY_WAITING.message, other=waiting.id)
        return transition(purge, Event.REFUSE, now, refusal=same)
    if not who.enough:
        return transition(purge, Event.REFUSE, now, refusal=_too_few(who, purge))
    if too_many := _exceeded(TOO_MANY_WAITING, load.waiting, limits.waiting):
        return transition(purge, Event.REFUSE, now, refusal=too_many)
    count, quorum = needs.progress(())
    expires_at = now + needs.expires_after
    waits = transition(
        briefed, Event.WAIT, now, expires_at=expires_at, approvals_counted=count, quorum=quorum
    )
    return waits.telling(approval_card_of(waits.purge, now))


def _unseen(purge: PurgeRequest, needs: ApprovalRequirements, rules: Rules) -> Refusal | None:
    """Refuse a request whose card would reach nobody who could approve it, or hear of the glass."""
    shared = rules.shared_channels
    if purge.channel_id not in shared or needs.call_channel not in {None, *shared}:
        return None
    return Refusal(NOBODY_CALLED.code, NOBODY_CALLED.message)


def _too_few(who: Deciders, purge: PurgeRequest) -> Refusal:
    """Refuse a request that too few can approve, and count the approvers without rights."""
    alone = not who.people and not set(who.ids) - purge.requester_ids
    kind = NO_APPROVER if alone or who.people == 0 else TOO_FEW_APPROVERS
    how = Counter(MEMBERSHIP_WORDS[Membership(each.split()[1])] for each in who.unreachable)
    named = ", ".join(f"{count} × {what}" for what, count in sorted(how.items()))
    in_vain = f" Named for it, but without any rights: {named}." if named else ""
    return Refusal(kind.code, kind.message + in_vain)


def _break_glass(
    purge: Purge, policy: Policy, needs: ApprovalRequirements, actor: Actor, now: datetime
) -> Transition:
    if needs.may_break_glass(roles_held(policy, actor)):
        broken = transition(purge, Event.BREAK_GLASS, now)
        return broken.telling(
            approval_card_of(broken.purge, now), thread_reply_of(purge, BREAK_GLASS, now)
        )
    roles = needs.break_glass_roles
    titles, holders = policy.titles_of(roles), holders_of(policy, roles).ids
    kind = BREAK_GLASS_NOT_ALLOWED
    refusal = Refusal(kind.code, kind.message, titles, holders)
    return transition(purge, Event.REFUSE, now, refusal=refusal, needs=None, briefing=None)

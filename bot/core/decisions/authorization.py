"""The gate: decide whether a purge may be sent now.  Nothing is sent to the CDN without its permit.

    requester  may do this to every tag, according to the policy and the facts of this moment
    record     a purge that is forced or needs approvals matches its audit trail, and its request
               is signed if there is a key
    undo       the time for undoing, from the row, the audit trail and the policy, is over
    approvals  enough approvals count. An approval counts if it is signed (if there is a key), the
               approver is not the requester, approved only once, and may still approve. Or the
               requester may break the glass.

The worker calls it for every purge just before sending, whatever led to that: an approval, a hold,
a queue, a postponement, a backup that was restored, or a manual change of the database.  So it
trusts nothing in the row that it cannot verify again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import InitVar, dataclass, replace
from datetime import datetime

from bot.core.audit import Link
from bot.core.decisions.rulings import Rules, action_of, needs_for, refusal_of, requires_approval
from bot.core.decisions.transition import Transition, transition
from bot.core.errors import BotError, ErrorKind
from bot.core.policy.decision import Actor, decide_all, roles_held
from bot.core.policy.document import Policy
from bot.core.policy.fields import Action
from bot.core.policy.quorum import Approval, ApprovalRequirements
from bot.core.purge import trail
from bot.core.purge.purge import UNSENT, WRONG_TURN, Event, Purge, PurgeRequest, Refusal
from bot.core.purge.signatures import ApprovalKeys

APPROVAL_LOST = ErrorKind(
    code="approval-lost",
    message="It was approved, but before it was sent a right was withdrawn, or the policy came to "
    "ask for more.",
    hint="If the purge is still wanted, ask for it again with /purge.",
)
RECORD_DOUBTFUL = ErrorKind(
    code="record-doubtful",
    message="What my database says of this purge does not fit its audit trail or its signatures, "
    "so I did not send it.",
    hint="Ask for it again with /purge. For the operators of Purgebot: purgebot audit verify tells "
    "what does not fit; perhaps PURGEBOT_APPROVAL_KEY was changed.",
)

_SEAL = object()


@dataclass(frozen=True, slots=True)
class SendPermit:
    """Permission to send a purge as it is, with the reason.  Only `authorize_send` creates one."""

    purge: Purge
    because: str
    seal: InitVar[object]

    def __post_init__(self, seal: object) -> None:
        if seal is not _SEAL:
            raise TypeError("only authorize_send gives a permit")


@dataclass(frozen=True, slots=True)
class SendLater:
    """The purge cannot be sent yet: it can be undone until `at`."""

    at: datetime


@dataclass(frozen=True, slots=True)
class SendFacts:
    """The facts at the moment of sending.

    `actors`: the requester and everybody who approved, by the ID that they used then.  `links`: the
    purge's chain in the audit trail; None if it cannot be read.
    """

    actors: Mapping[str, Actor]
    links: Sequence[Link] | None = ()


def takes_proof(purge: PurgeRequest, policy: Policy) -> bool:
    """Return whether the gate needs facts looked up now, and the audit trail."""
    return purge.force or requires_approval(purge, policy)


def authorize_send(
    purge: Purge, rules: Rules, facts: SendFacts, now: datetime
) -> SendPermit | Transition | SendLater:
    """Decide whether a purge may be sent now.  A transition in the result refuses it.

    `facts.actors` must contain the requester and, if the purge needs approvals, every approver.
    Raises: BotError `purge-wrong-turn` if the purge is not in a state to be sent.
    """
    if purge.state not in UNSENT:
        raise BotError(WRONG_TURN, state=purge.state.value, event=Event.SEND.value)
    if purge.send_at is not None and now < purge.send_at:
        return SendLater(purge.send_at)

    def refused(refusal: Refusal) -> Transition:
        return transition(purge, Event.REFUSE, now, refusal=refusal, policy_hash=rules.policy_hash)

    policy = rules.policy
    requester = facts.actors[purge.user_id]
    allowed = decide_all(policy, requester, action_of(purge), purge.domain, purge.tags)
    if not allowed.allowed:
        return refused(refusal_of(allowed, policy))
    needs = needs_for(purge, policy)
    if takes_proof(purge, policy) and not _is_proved(purge, facts, rules.keys):
        return refused(Refusal(RECORD_DOUBTFUL.code, RECORD_DOUBTFUL.message))
    if not needs.quorums:
        because = "; ".join(reason.rule or reason.code for reason in allowed.reasons)
        return SendPermit(purge, f"allowed by {because}", seal=_SEAL)
    if not purge.break_glass:
        decision = _by_approvals(purge, policy, requester, facts, needs, now)
    elif needs.may_break_glass(roles_held(policy, requester)):
        decision = SendPermit(purge, "break-glass", seal=_SEAL)
    else:
        decision = None
    return decision or refused(Refusal(APPROVAL_LOST.code, APPROVAL_LOST.message))


def _by_approvals(
    purge: Purge,
    policy: Policy,
    requester: Actor,
    facts: SendFacts,
    needs: ApprovalRequirements,
    now: datetime,
) -> SendPermit | SendLater | None:
    accepted = tuple(_counted(purge, policy, requester, facts.actors))
    if not needs.satisfied_by(accepted):
        return None
    approved_at = trail.approved_at(facts.links or ())
    if approved_at is not None and now < approved_at + needs.undo:
        return SendLater(approved_at + needs.undo)  # even if the row says otherwise
    approvers = ",".join(each.user_id for each in accepted)
    return SendPermit(purge, f"approved by {approvers}", seal=_SEAL)


def _is_proved(purge: Purge, facts: SendFacts, keys: ApprovalKeys) -> bool:
    """Return whether the request and all approvals are signed, and the trail matches the row."""
    return (
        keys.verify_request(purge)
        and all(keys.verify_approval(purge, each) for each in purge.approvals)
        and facts.links is not None
        and trail.mismatch(purge, facts.links) is None
    )


def _counted(
    purge: Purge, policy: Policy, requester: Actor, actors: Mapping[str, Actor]
) -> Iterator[Approval]:
    """Yield the approvals that count now, each with the roles that the approver holds now."""
    seen = set(purge.requester_ids | requester.ids)
    for given in purge.approvals:
        actor = actors[given.user_id]
        ids = given.ids | actor.ids
        may = decide_all(policy, actor, Action.APPROVE, purge.domain, purge.tags).allowed
        if may and seen.isdisjoint(ids):
            yield replace(given, roles=tuple(sorted(roles_held(policy, actor))))
        seen |= ids

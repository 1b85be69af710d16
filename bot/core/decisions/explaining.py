"""Tell the whole way of a purge to the CDN, as the policy has it, before anybody asks for one.

`purgebot policy explain` prints it.  Who is in a user group is not known here, so nobody is counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from bot.core.cdn.health import lasting
from bot.core.decisions.requests import NO_APPROVER, TOO_FEW_APPROVERS
from bot.core.policy.approvers import Deciders, Roster, deciders
from bot.core.policy.decision import Actor, decide, roles_held
from bot.core.policy.document import Policy
from bot.core.policy.fields import EVERYBODY, Action
from bot.core.policy.quorum import ApprovalRequirements, needs_of

_BY_DEFAULT = "a forced purge takes one, unless an approval rule says “required: no”"


@dataclass(frozen=True, slots=True)
class Explanation:
    """Whether the policy lets a person's purge reach the CDN, in a sentence, and each step."""

    allowed: bool
    sentence: str
    steps: tuple[str, ...]


def explain(policy: Policy, actor: Actor, action: Action, domain: str, tag: str) -> Explanation:
    """Explain what the policy decides, and for a purge also what follows until it is sent."""
    decision = decide(policy, actor, action, domain, tag)
    steps = [f"{reason.code}: {reason.sentence}" for reason in decision.reasons]
    if not decision.allowed and decision.needed_roles:
        steps.append(f"role needed: {' or '.join(decision.needed_roles)}")
        steps.append(f"held by: {', '.join(decision.holders.ids) or 'nobody'}")
    if not decision.allowed or action not in {Action.PURGE, Action.FORCE}:
        return Explanation(decision.allowed, decision.sentence, tuple(steps))
    needs = needs_of(policy, action, domain, (tag,))
    if not needs.quorums:
        steps += ["approvals: none", "then: it is sent to the CDN at once"]
        return Explanation(allowed=True, sentence=decision.sentence, steps=tuple(steps))
    who = deciders(policy, actor.ids, domain, (tag,), needs, Roster())
    steps += _until_sent(policy, actor, action, domain, tag, needs, who)
    if who.enough or _may_break(policy, actor, needs):
        return Explanation(allowed=True, sentence=decision.sentence, steps=tuple(steps))
    kind = TOO_FEW_APPROVERS if set(who.ids) - actor.ids else NO_APPROVER
    return Explanation(
        allowed=False, sentence=kind.message, steps=(*steps, f"{kind.code}: {kind.hint}")
    )


def _until_sent(
    policy: Policy,
    actor: Actor,
    action: Action,
    domain: str,
    tag: str,
    needs: ApprovalRequirements,
    who: Deciders,
) -> Iterator[str]:
    asking = [a for a in policy.approvals_for(action, domain) if a.asks_for(tag)]
    why = "; ".join(f"“{rule.approval}”" for rule in asking) or _BY_DEFAULT
    yield f"approvals: {needs.sentence}, because {why}"
    others = [each for each in who.ids if each not in actor.ids]
    names = ["every full member" if each == EVERYBODY else each for each in others]
    yield f"may approve: {', '.join(names) or 'nobody'}, but never who asked"
    called = [*(needs.call_groups or ()), *([needs.call_channel] if needs.call_channel else [])]
    if called:
        yield f"called: {', '.join(called)}"
    yield f"expires: after {_span(needs.expires_after)} without them"
    if needs.break_glass_roles:
        may = "may" if _may_break(policy, actor, needs) else "may not"
        roles = " or ".join(needs.break_glass_roles)
        yield f"break-glass: {roles}, with a reason; this person {may}"
    else:
        yield "break-glass: nobody may skip the approval"
    if action is Action.FORCE:
        yield f"tags: at most {policy.max_tags} in one forced purge"
    if needs.undo:
        yield f"undo: it can be stopped for {_span(needs.undo)} after the last approval"
        yield "then: it is sent to the CDN, if all of them still have their rights"
    else:
        yield "undo: none; it is sent to the CDN at the last approval, if all still have their rights"


def _may_break(policy: Policy, actor: Actor, needs: ApprovalRequirements) -> bool:
    return bool(needs.break_glass_roles) and needs.may_break_glass(roles_held(policy, actor))


def _span(span: timedelta) -> str:
    seconds = int(span.total_seconds())
    return lasting(span) if seconds >= 60 and seconds % 60 == 0 else f"{seconds} s"

"""What decisions on requests, presses and sendings share: the rules, and short questions to them.

Functions here are pure.  Requests: `bot.core.decisions.requests`; presses:
`bot.core.decisions.presses`; sending: `bot.core.decisions.authorization`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from datetime import timedelta

from bot.core.command.parser import PurgeCommand
from bot.core.message import Notice
from bot.core.policy.decision import (
    MEMBERSHIPS,
    Actor,
    Decision,
    Membership,
    decide_all,
    domains_for,
    holders_of,
    operators_of,
)
from bot.core.policy.document import Policy
from bot.core.policy.fields import Action
from bot.core.policy.quorum import ApprovalRequirements, needs_of
from bot.core.policy.rights import example_of, rights_of
from bot.core.purge.purge import Purge, PurgeRequest, Refusal
from bot.core.purge.signatures import ApprovalKeys
from bot.core.suggestions.similarity import slips_of_domain

HELP = "help"
"""The code of the notice that answers `/purge help`."""
NO_RULE = "policy-no-rule"
"""The code of a refusal because no rule of the policy matches: the domain may be misspelt."""
MOST_NEAR = 5
"""The number of similar domains that are tried."""
SUGGESTED = "domain-suggested"
"""The code of the notice that suggests another domain for one that the CDN does not know."""
BREAK_GLASS = "break-glass"
"""The code of the thread reply that tells the approvers that somebody broke the glass."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits per person. 0 means no limit.

    `refusals_an_hour` is how many refusals are stored.  Those beyond it are answered only.
    """

    requests_a_minute: int = 0
    waiting: int = 0
    joined: int = 0
    refusals_an_hour: int = 0


@dataclass(frozen=True, slots=True)
class Rules:
    """The policy at this moment and the operators' settings, by which decisions are made.

    `join_window`: for how long a sent purge covers an equal one; zero: nothing is joined or queued.
    `shared_channels`: the channels that outsiders read, in which nothing of a purge is posted.
    """

    policy: Policy
    policy_hash: str
    limits: Limits = field(default_factory=Limits)
    join_window: timedelta = timedelta(0)
    keys: ApprovalKeys = field(default_factory=ApprovalKeys)
    shared_channels: frozenset[str] = frozenset()


def action_of(purge: PurgeRequest) -> Action:
    return Action.FORCE if purge.force else Action.PURGE


def needs_for(purge: PurgeRequest, policy: Policy) -> ApprovalRequirements:
    """Return the approvals that this purge needs."""
    return needs_of(policy, action_of(purge), purge.domain, purge.tags)


def requires_approval(purge: PurgeRequest, policy: Policy) -> bool:
    """Return whether the policy requires approvals for this purge."""
    return bool(needs_for(purge, policy).quorums)


def help_notice(policy: Policy, actor: Actor, topic: str | None = None) -> Notice:
    """Return the help: what the person may do, and what else they may ask.

    The facts, each missing if it has no value:

        purge, force, approve    the domain patterns, joined by commas
        rights purge, …          the first of them as JSON: rows of `Right`
        example purge, … force   a domain and tags, joined by commas, for which it is allowed
        force alone              that the example needs nobody's approval
        asks                     that they may ask questions, as full members may
        topic                    the question to be explained
        cannot                   why a person who is no full member can do nothing here
        holders, admins          who may purge, and who can give a role: IDs joined by commas
    """
    facts: dict[str, str] = {}
    for action in (Action.PURGE, Action.FORCE, Action.APPROVE):
        rights = rights_of(policy, actor, action)
        if not rights:
            continue
        facts[action.value] = ",".join(domains_for(policy, actor, action))
        facts[f"rights {action}"] = json.dumps([asdict(right) for right in rights])
        if action is Action.APPROVE or not (found := example_of(policy, actor, action)):
            continue
        domain, tags = found
        facts[f"example {action}"] = f"{domain} {','.join(tags)}"
        if action is Action.FORCE and not needs_of(policy, action, domain, tags).quorums:
            facts["force alone"] = "yes"
    if actor.membership is Membership.MEMBER:
        facts |= {"asks": "yes", **({"topic": topic} if topic else {})}
    else:
        facts["cannot"] = MEMBERSHIPS[actor.membership]
    if not {Action.PURGE.value, Action.FORCE.value} & facts.keys():
        purging = [rule for rule in policy.rules if Action.PURGE in (rule.allow or ())]
        roles = dict.fromkeys(role for rule in purging for role in rule.roles)
        facts["holders"] = ",".join(holders_of(policy, tuple(roles)).ids)
        facts["admins"] = ",".join(operators_of(policy))
    return Notice(HELP, {name: fact for name, fact in facts.items() if fact})


def suggested_domain(
    purge: PurgeRequest,
    policy: Policy,
    account: Iterable[str],
    who: Callable[[str], Actor | None],
) -> str | None:
    """Return the domain that the requester may have meant, or None.

    It is a domain of a rule, or one of `account`, for which the requester may purge the same tags:
    they learn of no other domain.  `who` returns the requester with the facts that matter for a
    domain, or None if they are not known.
    """
    named = (name for rule in policy.rules for name in rule.domains if "*" not in name)
    near = slips_of_domain(purge.domain, dict.fromkeys((*named, *account)))
    for domain in near[:MOST_NEAR]:
        if (actor := who(domain)) is None:
            continue
        if decide_all(policy, actor, action_of(purge), domain, purge.tags).allowed:
            return domain
    return None


def suggested_command(purge: Purge) -> PurgeCommand | None:
    """Return the same request for the suggested domain, or None if there is no suggestion."""
    if purge.suggestion is None:
        return None
    return PurgeCommand(purge.suggestion, purge.tags, purge.force, purge.reason, purge.break_glass)


def refusal_of(decision: Decision, policy: Policy) -> Refusal:
    """Return the refusal to show: why, which roles would be allowed, and who holds them."""
    titles = policy.titles_of(decision.needed_roles)
    return Refusal(decision.reasons[0].code, decision.sentence, titles, decision.holders.ids)

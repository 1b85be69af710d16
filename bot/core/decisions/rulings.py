"""May this purge go on?  Asked when it is requested; before it is sent: `bot.core.decisions.authorization`.

Pure: the facts about people, the policy and the moment come in as values; what comes out is the
purge as it is afterwards.  Saving it is the workflow's part.  Presses: `bot.core.decisions.presses`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta

from bot.core.command.parser import PurgeCommand
from bot.core.message import Notice
from bot.core.policy.decision import Actor, Decision, Membership, decide_all, domains_for
from bot.core.policy.document import Policy
from bot.core.policy.fields import Action
from bot.core.policy.quorum import ApprovalRequirements, needs_of
from bot.core.purge.purge import Purge, PurgeRequest, Refusal
from bot.core.purge.signatures import ApprovalKeys
from bot.core.suggestions.similarity import slips_of_domain

HELP = "help"
"""The code of the notice that answers `/purge help`."""
NO_RULE = "policy-no-rule"
"""The code of a refusal because the policy says nothing of it: the domain may be mistyped."""
MOST_NEAR = 5
"""So many domains that are like one are looked at."""
SUGGESTED = "domain-suggested"
"""The code of the notice that suggests another domain than one that the CDN does not know."""
BREAK_GLASS = "break-glass"
"""The code of the note that tells those who could have decided that the glass was broken."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one person may have at the same time; 0: as many as they like."""

    requests_a_minute: int = 0
    waiting: int = 0
    joined: int = 0


@dataclass(frozen=True, slots=True)
class Rules:
    """What requests, presses and sendings are ruled by: the policy of the moment, and the operator's settings.

    `join_window`: how long what was sent covers the same; zero: nothing is joined or queued.
    """

    policy: Policy
    policy_hash: str
    limits: Limits = field(default_factory=Limits)
    join_window: timedelta = timedelta(0)
    keys: ApprovalKeys = field(default_factory=ApprovalKeys)


def action_of(purge: PurgeRequest) -> Action:
    return Action.FORCE if purge.force else Action.PURGE


def needs_for(purge: PurgeRequest, policy: Policy) -> ApprovalRequirements:
    """Give what others must say yes to before this purge may go on."""
    return needs_of(policy, action_of(purge), purge.domain, purge.tags)


def requires_approval(purge: PurgeRequest, policy: Policy) -> bool:
    """Whether the policy wants the yes of others before this purge."""
    return bool(needs_for(purge, policy).quorums)


def help_notice(policy: Policy, actor: Actor, topic: str | None = None) -> Notice:
    """Give what a person may do: for each action the domain patterns, joined by commas; and
    whether they may ask questions, as full members may.  `topic`: the question to be explained.
    """
    facts = {
        action.value: ",".join(domains)
        for action in (Action.PURGE, Action.FORCE, Action.APPROVE)
        if (domains := domains_for(policy, actor, action))
    }
    if actor.membership is Membership.MEMBER:
        facts |= {"asks": "yes", **({"topic": topic} if topic else {})}
    return Notice(HELP, facts)


def suggested_domain(
    purge: PurgeRequest,
    policy: Policy,
    account: Iterable[str],
    who: Callable[[str], Actor | None],
) -> str | None:
    """Give the domain that the requester may have meant: one where they may purge the same.

    It is one that a rule names, or that the `account` has.  `who` gives the requester as far as it
    matters to a domain, or None if they are not known.  They learn of no other domain.
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
    """Give what was asked for, of the domain that its requester may have meant."""
    if purge.suggestion is None:
        return None
    return PurgeCommand(purge.suggestion, purge.tags, purge.force, purge.reason, purge.break_glass)


def refusal_of(decision: Decision, policy: Policy) -> Refusal:
    """Give what a refused person is told: why, which role it takes, and who holds it."""
    titles = policy.titles_of(decision.needed_roles)
    return Refusal(decision.reasons[0].code, decision.sentence, titles, decision.holders.ids)

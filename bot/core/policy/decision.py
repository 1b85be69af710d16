"""Decide who may do what to which domain and tag, with reasons.

    1  only full members have rights               policy-not-member
    2  else, if a deny rule applies: refused       policy-denied
    3  else, if an allow rule applies: allowed     policy-allowed
    4  else: refused                               policy-no-rule

A rule applies if it names one of the person's roles (or everybody), the action, the domain and the
tag.  `bot.core.policy.document` defines how rules are written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from bot.core.policy.document import Policy, Rule
from bot.core.policy.fields import EVERYBODY, Action, covers_domain

ANYTHING = "*"
"""As domain and tag of a decision: the right must hold for every domain and tag."""


class Membership(StrEnum):
    """A person's relation to the workspace.  Only a MEMBER can have rights."""

    MEMBER = "member"
    GUEST = "guest"
    BOT = "bot"
    DELETED = "deleted"
    OUTSIDER = "outsider"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Actor:
    """A person as Slack knows them: IDs, never names.  `channel_id` is the channel they act in.

    `aliases` are the other IDs of the same person: in an Enterprise Grid organisation a person has
    an ID of the workspace (`U…`) and one of the organisation (`W…`).
    """

    team_id: str
    user_id: str
    membership: Membership
    groups: frozenset[str]
    channel_id: str | None = None
    aliases: frozenset[str] = frozenset()

    @property
    def ids(self) -> frozenset[str]:
        """All IDs of this person."""
        return self.aliases | {self.user_id}


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a decision was made.  `rule` is the sentence of the deciding rule, or None."""

    code: str
    sentence: str
    rule: str | None = None


@dataclass(frozen=True, slots=True)
class Holders:
    """Who holds some roles, as Slack IDs.  `everybody`: all full members do."""

    users: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    everybody: bool = False

    @property
    def ids(self) -> tuple[str, ...]:
        """All IDs; "*" stands for everybody."""
        everybody = (EVERYBODY,) if self.everybody else ()
        return (*everybody, *self.users, *self.groups, *self.channels)


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether an action is allowed, and why.

    `needed_roles` are the roles each of which permits every tag of the decision, and `holders`
    holds them; "*" among the roles stands for every full member.
    """

    allowed: bool
    reasons: tuple[Reason, ...]
    needed_roles: tuple[str, ...]
    holders: Holders

    @property
    def sentence(self) -> str:
        return " ".join(reason.sentence for reason in self.reasons)


def decide(policy: Policy, actor: Actor, action: Action, domain: str, tag: str) -> Decision:
    """Decide whether the actor may do this.  `domain` is as `normalise_domain` returns it."""
    return decide_all(policy, actor, action, domain, (tag,))


def decide_all(
    policy: Policy, actor: Actor, action: Action, domain: str, tags: Sequence[str]
) -> Decision:
    """Decide whether the actor may do this to all tags.  The first refusal decides.

    Raises: ValueError if there are no tags.
    """
    if not tags:
        raise ValueError("decide_all needs at least one tag")
    rules = policy.rules_for(action, domain)
    needed = _sufficient_roles(rules, tags)
    holders = holders_of(policy, needed)

    def decision(*reasons: Reason, allowed: bool = False) -> Decision:
        return Decision(allowed, reasons, needed, holders)

    if actor.membership is not Membership.MEMBER:
        return decision(Reason("policy-not-member", MEMBERSHIPS[actor.membership]))
    held = roles_held(policy, actor) | {EVERYBODY}
    mine = [rule for rule in rules if not held.isdisjoint(rule.roles)]
    permitting: dict[Reason, None] = {}
    for tag in tags:
        applying = [rule for rule in mine if rule.covers_tag(tag)]
        if denying := [rule for rule in applying if rule.deny]:
            return decision(*(_because(rule) for rule in denying))
        if not applying:
            return decision(Reason("policy-no-rule", _no_rule(action, domain, tag)))
        permitting |= dict.fromkeys(_because(rule) for rule in applying)
    return decision(*permitting, allowed=True)


def approving_roles(policy: Policy, domain: str, tags: Sequence[str]) -> tuple[str, ...]:
    """Return the roles each of which may approve every one of the tags. "*": every full member.

    A holder may still be refused, by a deny rule for another of their roles.
    """
    return _sufficient_roles(policy.rules_for(Action.APPROVE, domain), tags)


def domains_for(policy: Policy, actor: Actor, action: Action) -> tuple[str, ...]:
    """Return the domain patterns where the actor may do this to some tag, in rule order."""
    if actor.membership is not Membership.MEMBER:
        return ()
    held = roles_held(policy, actor) | {EVERYBODY}
    mine = [r for r in policy.rules if action in r.actions and not held.isdisjoint(r.roles)]
    denied = [p for rule in mine if rule.deny and "*" in rule.tags for p in rule.domains]
    allowed = dict.fromkeys(p for rule in mine if rule.allow for p in rule.domains)
    return tuple(p for p in allowed if not covers_domain(denied, p))


def roles_held(policy: Policy, actor: Actor) -> frozenset[str]:
    """Return the roles of a full member: by ID, by group, and by channel.  Others hold none."""
    if actor.membership is not Membership.MEMBER:
        return frozenset()
    channel = (actor.channel_id,) if actor.channel_id else ()
    return policy.roles_of((*actor.ids, *actor.groups, *channel))


_ONLY_MEMBERS = "only full members of the workspace have rights here."
MEMBERSHIPS = {
    Membership.GUEST: f"Guests may not do this: {_ONLY_MEMBERS}",
    Membership.BOT: f"Bots may not do this: {_ONLY_MEMBERS}",
    Membership.DELETED: f"This account is closed: {_ONLY_MEMBERS}",
    Membership.OUTSIDER: f"People of other workspaces may not do this: {_ONLY_MEMBERS}",
    Membership.UNKNOWN: f"Nobody could tell who this is: {_ONLY_MEMBERS}",
}
"""Why people who are no full members are refused."""
_DEEDS = {
    Action.PURGE: "purge",
    Action.FORCE: "force a purge of",
    Action.APPROVE: "approve a forced purge of",
    Action.VIEW: "see the purges of",
    Action.ADMIN: "administer",
}


def _because(rule: Rule) -> Reason:
    if rule.deny:
        return Reason("policy-denied", f"A rule forbids it: “{rule.rule}”.", rule.rule)
    return Reason("policy-allowed", f"A rule allows it: “{rule.rule}”.", rule.rule)


def _no_rule(action: Action, domain: str, tag: str) -> str:
    what = "every tag" if tag == ANYTHING else f"the tag “{tag}”"
    where = "every domain" if domain == ANYTHING else domain
    return f"No rule lets you {_DEEDS[action]} {what} of {where}."


def _sufficient_roles(rules: Sequence[Rule], tags: Sequence[str]) -> tuple[str, ...]:
    """Return the roles each of which permits every tag and is denied none."""
    roles = list(dict.fromkeys(role for rule in rules if rule.allow for role in rule.roles))
    for tag in tags:
        covering = [rule for rule in rules if rule.covers_tag(tag)]
        allowed = {role for rule in covering if rule.allow for role in rule.roles}
        denied = {role for rule in covering if rule.deny for role in rule.roles}
        if EVERYBODY in denied:
            return ()
        roles = [
            role
            for role in roles
            if role not in denied and (role in allowed or EVERYBODY in allowed)
        ]
    return tuple(roles)


def operators_of(policy: Policy) -> tuple[str, ...]:
    """Return the Slack IDs of the people and groups that may administer the bot."""
    roles = {
        role for rule in policy.rules if Action.ADMIN in (rule.allow or ()) for role in rule.roles
    }
    held = holders_of(policy, sorted(roles - {EVERYBODY}))
    return (*held.users, *held.groups)


def holders_of(policy: Policy, roles: Sequence[str]) -> Holders:
    """Return who holds at least one of the roles."""
    known = [policy.roles[role] for role in roles if role != EVERYBODY]
    return Holders(
        users=tuple(dict.fromkeys(user for role in known for user in role.users)),
        groups=tuple(dict.fromkeys(group for role in known for group in role.groups)),
        channels=tuple(dict.fromkeys(channel for role in known for channel in role.channels)),
        everybody=EVERYBODY in roles,
    )

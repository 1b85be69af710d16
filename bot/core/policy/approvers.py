"""The briefing of those who decide on a purge: who they are, who is called, the origin's load.

It is created once, when the purge is requested, and is shown unchanged.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from bot.core.policy.decision import (
    Actor,
    Membership,
    approving_roles,
    decide_all,
    holders_of,
    roles_held,
)
from bot.core.policy.document import Policy
from bot.core.policy.fields import EVERYBODY, Action
from bot.core.policy.quorum import Approval, ApprovalRequirements

Members = Mapping[str, frozenset[str]]
"""The members of each user group.  A group is missing if it could not be read."""


@dataclass(frozen=True, slots=True)
class Roster:
    """What is known of the people whom the policy names.

    `memberships`: each person's relation to the workspace.  People whose lookup failed are missing.
    """

    members: Members = field(default_factory=dict)
    memberships: Mapping[str, Membership] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Traffic:
    """How much traffic purges cause at the origin of a domain at this moment.

    The counts are of purges that reached the CDN, or may have reached it, in the last hour and day.
    `in_flight` counts purges that were sent in the last minutes and are not known to be over.
    """

    forced_hour: int = 0
    plain_hour: int = 0
    forced_day: int = 0
    plain_day: int = 0
    in_flight: int = 0


@dataclass(frozen=True, slots=True)
class Briefing:
    """The briefing.  `titles` are of the roles that may decide; `people` is their number, or None.

    `called` are Slack IDs of people and groups; it is empty if the same requester had them called a
    moment before.  `channel_id` is the other channel in which they are called.  `peak` is the
    sentence of the policy's peak hours at that time.
    """

    titles: tuple[str, ...] = ()
    people: int | None = None
    called: tuple[str, ...] = ()
    channel_id: str | None = None
    peak: str | None = None
    traffic: Traffic | None = None


@dataclass(frozen=True, slots=True)
class Deciders:
    """Who can decide on a purge: Slack IDs of people and groups, and the titles of their roles.

    `people` is None if they cannot be counted: every full member, all people of a channel, or a
    group that could not be read.  `enough`: together they can satisfy the policy; it is assumed if
    they cannot be counted.  `unreachable` are named in the policy but can have no rights: closed
    accounts, guests, bots, outsiders, and IDs that Slack does not know.
    """

    ids: tuple[str, ...]
    titles: tuple[str, ...]
    people: int | None
    enough: bool
    unreachable: tuple[str, ...] = ()


MEMBERSHIP_WORDS = {
    Membership.GUEST: "guest",
    Membership.BOT: "bot",
    Membership.DELETED: "account closed",
    Membership.OUTSIDER: "of another workspace",
    Membership.UNKNOWN: "unknown to Slack",
}
"""Why a person whom the policy names can have no rights."""

_SOME_TIME = datetime.min.replace(tzinfo=UTC)
"""A placeholder time, for the approval of a person who was not asked yet."""


def named_deciders(
    policy: Policy, domain: str, tags: Sequence[str], needs: ApprovalRequirements, members: Members
) -> tuple[str, ...]:
    """Return the people whose membership must be known to count who can decide.

    People whom the policy names come first, then the members of its groups.
    """
    holders = holders_of(policy, _roles_asked(policy, domain, tags, needs))
    grouped = (who for group in holders.groups for who in sorted(members.get(group, ())))
    return tuple(dict.fromkeys((*holders.users, *grouped)))


def deciders(
    policy: Policy,
    requester_ids: Collection[str],
    domain: str,
    tags: Sequence[str],
    needs: ApprovalRequirements,
    roster: Roster,
) -> Deciders:
    """Return who can decide on a purge.  Its requester cannot, under none of their IDs."""
    members = roster.members
    roles = _roles_asked(policy, domain, tags, needs)
    holders = holders_of(policy, roles)
    titles = policy.titles_of(roles)
    grouped = {who for group in holders.groups for who in members.get(group, ())}
    candidates = {*holders.users, *grouped} - set(requester_ids)
    memberships = {who: roster.memberships.get(who, Membership.MEMBER) for who in candidates}
    lost = sorted(who for who in candidates if memberships[who] is not Membership.MEMBER)
    unreachable = tuple(f"{who} {memberships[who].value}" for who in lost)
    ids = tuple(each for each in holders.ids if each not in lost)
    known = all(group in members for group in holders.groups)
    if holders.everybody or holders.channels or not known:
        enough = bool(set(ids) - set(requester_ids))
        return Deciders(ids, titles, None, enough, unreachable)
    groups_of: dict[str, set[str]] = {who: set() for who in candidates.difference(lost)}
    for group, people in members.items():
        for who in people & groups_of.keys():
            groups_of[who].add(group)
    can: dict[frozenset[str], bool] = {}
    counting: list[Approval] = []
    for who, groups in groups_of.items():
        actor = Actor("", who, Membership.MEMBER, frozenset(groups))
        held = roles_held(policy, actor)
        yes = Approval(who, _SOME_TIME, tuple(sorted(held)))
        if held not in can:  # rights depend on roles only: one check per set of roles
            may = decide_all(policy, actor, Action.APPROVE, domain, tags).allowed
            can[held] = may and needs.accepts(yes)
        if can[held]:
            counting.append(yes)
    return Deciders(ids, titles, len(counting), needs.satisfied_by(counting), unreachable)


def peak_of(policy: Policy, domain: str, now: datetime) -> str | None:
    """Return the sentence of the peak hours for a domain at this time, or None."""
    return next((each.peak for each in policy.peak_hours if each.covers(domain, now)), None)


def _roles_asked(
    policy: Policy, domain: str, tags: Sequence[str], needs: ApprovalRequirements
) -> list[str]:
    """Return the roles whose approval can count: they may approve, and are asked to."""
    may = approving_roles(policy, domain, tags)
    asked = [role for quorum in needs.quorums for role in (quorum.roles or may)]
    if EVERYBODY in may:  # then everybody of the roles asked may approve
        return list(dict.fromkeys(asked))
    return list(may) if EVERYBODY in asked else [role for role in may if role in asked]

"""What those who decide on a purge are told: who they are, who is called, what the origin risks.

It is put together once, when the purge is requested, and shown as it was then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.core.approval import Needs, Yes
from bot.core.policy import (
    Actor,
    Policy,
    Standing,
    approving_roles,
    decide_all,
    holders_of,
    roles_held,
)
from bot.core.policy_fields import EVERYBODY, Action

Members = Mapping[str, frozenset[str]]
"""Who is in which user group; a group that is missing could not be read."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """How much the origin of a domain has to do with purges at this moment.

    Counts of purges that reached the CDN, or may have; `in_flight` is one or more that were sent
    within the last minutes and that nobody knows to be over.
    """

    forced_hour: int = 0
    plain_hour: int = 0
    forced_day: int = 0
    plain_day: int = 0
    in_flight: int = 0


@dataclass(frozen=True, slots=True)
class Briefing:
    """`titles` of the roles that may decide; `people`: how many they are, where that is known.

    `called` are Slack IDs, and `channel_id` is where else than in the card's own channel they
    are called.  `peak`: the sentence of the policy's peak hours at that time.
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

    `people` is None where nobody can count them: every full member, whoever speaks in a channel,
    or a group whose list could not be read.  `enough`: together they can say yes; where they
    cannot be counted that is taken for granted.
    """

    ids: tuple[str, ...]
    titles: tuple[str, ...]
    people: int | None
    enough: bool


_SOME_TIME = datetime.min.replace(tzinfo=UTC)
"""The yes of somebody who was not asked yet, to see whether it would count."""


def deciders(
    policy: Policy, user_id: str, domain: str, tags: Sequence[str], needs: Needs, members: Members
) -> Deciders:
    """Give who can decide on a purge of `user_id`; they themselves can not."""
    roles = _roles_asked(policy, domain, tags, needs)
    holders = holders_of(policy, roles)
    titles = tuple(policy.roles[role].title for role in roles if role != EVERYBODY)
    known = all(group in members for group in holders.groups)
    if holders.everybody or holders.channels or not known:
        return Deciders(holders.ids, titles, None, enough=bool(set(holders.ids) - {user_id}))
    candidates = {*holders.users, *(who for group in holders.groups for who in members[group])}
    groups_of: dict[str, set[str]] = {who: set() for who in candidates - {user_id}}
    for group, people in members.items():
        for who in people & groups_of.keys():
            groups_of[who].add(group)
    can: dict[frozenset[str], bool] = {}
    counting: list[Yes] = []
    for who, groups in groups_of.items():
        actor = Actor("", who, Standing.MEMBER, frozenset(groups))
        held = roles_held(policy, actor)
        yes = Yes(who, _SOME_TIME, tuple(sorted(held)))
        if held not in can:  # rights go by roles: of ten thousand alike one is looked at
            may = decide_all(policy, actor, Action.APPROVE, domain, tags).allowed
            can[held] = may and needs.takes(yes)
        if can[held]:
            counting.append(yes)
    return Deciders(holders.ids, titles, len(counting), needs.met_by(counting))


def peak_of(policy: Policy, domain: str, now: datetime) -> str | None:
    """Give the sentence of the peak hours that it is for a domain, if it is."""
    return next((each.peak for each in policy.peak_hours if each.covers(domain, now)), None)


def _roles_asked(policy: Policy, domain: str, tags: Sequence[str], needs: Needs) -> list[str]:
    """Give the roles whose yes can count: they may approve, and are asked."""
    may = approving_roles(policy, domain, tags)
    asked = [role for quorum in needs.quorums for role in (quorum.roles or may)]
    if EVERYBODY in may:  # then everybody of the roles asked may approve
        return list(dict.fromkeys(asked))
    return list(may) if EVERYBODY in asked else [role for role in may if role in asked]
